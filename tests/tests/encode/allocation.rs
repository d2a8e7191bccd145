//! A record goes into a buffer that has room for it, and nowhere else.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv6Addr};

use allocation_counter::measure;
use serde_json::{Value, json};
use zerobus_record::{DateDays, Decimal, TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct Full<'a> {
    device_name: &'a str,
    temp: Option<i32>,
    #[zerobus(unit = "nanos")]
    observed_at: i64,
    day: DateDays,
    price: Decimal,
    tags: Vec<IpAddr>,
    attrs: BTreeMap<&'a str, String>,
    location: Option<Box<Location<'a>>>,
    payload: Value,
    raw: [u8; 40],
}

#[derive(ZerobusRecord)]
struct Location<'a> {
    label: Option<&'a str>,
    lon: f32,
    lat: f64,
}

/// Records of which every value fits: nothing is left to validate.
#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct Plain<'a> {
    device_name: &'a str,
    observed_at: TimestampMicros,
    day: DateDays,
    tags: Vec<&'a str>,
    attrs: BTreeMap<&'a str, &'a str>,
    location: Option<Location<'a>>,
    payload: Value,
}

#[test]
fn encoding_allocates_nothing() {
    let long = "x".repeat(300);
    let record = Full {
        device_name: &long,
        temp: Some(-1),
        observed_at: 1_700_000_000_000_000_000,
        day: DateDays::from_days(19_000),
        price: Decimal::scaled::<2>(1_999),
        tags: vec![Ipv6Addr::LOCALHOST.into(); 30],
        attrs: BTreeMap::from([("key", "value".repeat(40))]),
        location: Some(Box::new(Location {
            label: Some(&long),
            lon: 8.5,
            lat: 47.5,
        })),
        payload: json!({ "a": [1, 2.5, null, "text"] }),
        raw: [7; 40],
    };
    let mut out = Vec::with_capacity(64 * 1024);
    let allocated = measure(|| {
        for _ in 0..10 {
            out.clear();
            record.encode(&mut out).unwrap();
        }
    });
    assert_eq!(allocated.count_total, 0);
    assert!(out.len() > 1_000);
}

#[test]
fn where_every_value_fits_there_is_nothing_to_validate() {
    let record = Plain {
        device_name: "roof",
        observed_at: TimestampMicros::from_micros(1),
        day: DateDays::from_days(1),
        tags: vec!["a"; 1_000],
        attrs: BTreeMap::from([("k", "v")]),
        location: None,
        payload: json!([1, 2, 3]),
    };
    let allocated = measure(|| record.validate().unwrap());
    assert_eq!(allocated.count_total, 0);
}
