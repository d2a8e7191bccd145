//! What the derive writes is what prost writes.

use prost::Message;
use std::collections::BTreeMap;
use zerobus_record::{DateDays, DecimalText, TimestampMicros, ZerobusRecord};

#[derive(Debug, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality<'a> {
    device_name: &'a str,
    temp: Option<i32>,
    #[zerobus(rename = "humidity")]
    hum: Option<i64>,
    observed_at: TimestampMicros,
    day: DateDays,
    price: DecimalText<&'a str>,
    tags: Vec<&'a str>,
    attrs: BTreeMap<&'a str, &'a str>,
    location: Option<Location<'a>>,
    payload: serde_json::Value,
    raw: [u8; 4],
}

#[derive(Debug, ZerobusRecord)]
struct Location<'a> {
    lon: f64,
    lat: f64,
    label: Option<&'a str>,
}

#[derive(Clone, PartialEq, Message)]
struct Wire {
    #[prost(string, required, tag = "1")]
    device_name: String,
    #[prost(int32, optional, tag = "2")]
    temp: Option<i32>,
    #[prost(int64, optional, tag = "3")]
    humidity: Option<i64>,
    #[prost(int64, required, tag = "4")]
    observed_at: i64,
    #[prost(int32, optional, tag = "5")]
    day: Option<i32>,
    #[prost(string, optional, tag = "6")]
    price: Option<String>,
    #[prost(string, repeated, tag = "7")]
    tags: Vec<String>,
    #[prost(btree_map = "string, string", tag = "8")]
    attrs: BTreeMap<String, String>,
    #[prost(message, optional, tag = "9")]
    location: Option<WireLocation>,
    #[prost(string, optional, tag = "10")]
    payload: Option<String>,
    #[prost(bytes = "vec", optional, tag = "11")]
    raw: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct WireLocation {
    #[prost(double, required, tag = "1")]
    lat: f64,
    #[prost(double, required, tag = "2")]
    lon: f64,
    #[prost(string, optional, tag = "3")]
    label: Option<String>,
}

#[test]
fn thin() {
    let r = AirQuality {
        device_name: "roof",
        temp: Some(-3),
        hum: None,
        observed_at: TimestampMicros::from_micros(1_760_000_000_000_000),
        day: DateDays::from_days(20000),
        price: DecimalText::new("19.990"),
        tags: vec!["a", "", "b"],
        attrs: BTreeMap::from([("k", "v"), ("", ""), ("e", "")]),
        location: Some(Location {
            lat: 47.5,
            lon: 8.25,
            label: Some(&"x".repeat(200)),
        }),
        payload: serde_json::json!({"a": [1, 2.5, null]}),
        raw: [1, 2, 3, 4],
    };
    let w = Wire {
        device_name: "roof".into(),
        temp: Some(-3),
        humidity: None,
        observed_at: 1_760_000_000_000_000,
        day: Some(20000),
        price: Some("19.99".into()),
        tags: vec!["a".into(), "".into(), "b".into()],
        attrs: BTreeMap::from([
            ("k".into(), "v".into()),
            ("".into(), "".into()),
            ("e".into(), "".into()),
        ]),
        location: Some(WireLocation {
            lat: 47.5,
            lon: 8.25,
            label: Some("x".repeat(200)),
        }),
        payload: Some("{\"a\":[1,2.5,null]}".into()),
        raw: Some(vec![1, 2, 3, 4]),
    };
    let mut out = vec![];
    r.encode(&mut out).unwrap();
    assert_eq!(out, w.encode_to_vec());
}
