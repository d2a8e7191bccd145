//! Types that hold a column's value: wrappers, borrowed and generic ones, newtypes, enums, adapters.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};
use zerobus_record::{
    ColumnInfo, ColumnSource, ColumnValue, DateDays, Decimal, DecimalText, TimestampMicros,
    VariantJson, ZerobusRecord, delta,
};

fn written(record: &impl ZerobusRecord) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out).unwrap();
    out
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct Plain {
    device_name: String,
    temp: Option<i32>,
    observed_at: TimestampMicros,
    day: Option<DateDays>,
    price: Option<DecimalText>,
    tags: Vec<String>,
    attrs: BTreeMap<String, String>,
    location: Option<Location>,
    payload: Option<Value>,
    raw: Option<Vec<u8>>,
}

#[derive(Clone, ZerobusRecord)]
struct Location {
    lat: f64,
    lon: f64,
}

fn plain() -> Plain {
    Plain {
        device_name: "roof".to_owned(),
        temp: Some(-7),
        observed_at: TimestampMicros::from_micros(1_700_000_000_123_000),
        day: Some(DateDays::from_days(19_675)),
        price: Some(DecimalText::new("19.99".to_owned())),
        tags: vec!["a".to_owned(), "b".to_owned()],
        attrs: BTreeMap::from([("k".to_owned(), "v".to_owned())]),
        location: Some(Location {
            lat: 47.5,
            lon: 8.5,
        }),
        payload: Some(json!({ "a": [1, null] })),
        raw: Some(vec![1, 2, 3]),
    }
}

#[test]
fn whatever_holds_a_value_it_is_written_alike() {
    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.air_quality")]
    struct Borrowed<'a> {
        device_name: &'a str,
        temp: &'a Option<i32>,
        observed_at: &'a TimestampMicros,
        day: Box<Option<DateDays>>,
        price: DecimalText<&'a str>,
        tags: &'a [&'a str],
        attrs: HashMap<Cow<'a, str>, Rc<str>>,
        location: &'a Location,
        payload: VariantJson<&'a str>,
        raw: &'a [u8],
    }

    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.air_quality")]
    struct Shared<'a> {
        device_name: Arc<str>,
        temp: Option<i16>,
        observed_at: SystemTime,
        day: Option<Arc<DateDays>>,
        price: Decimal,
        tags: [Box<str>; 2],
        attrs: Option<BTreeMap<String, Cow<'a, str>>>,
        location: Option<Box<Location>>,
        payload: Arc<Value>,
        raw: [u8; 3],
    }

    let expected = written(&plain());
    let location = Location {
        lat: 47.5,
        lon: 8.5,
    };
    let borrowed = Borrowed {
        device_name: "roof",
        temp: &Some(-7),
        observed_at: &TimestampMicros::from_micros(1_700_000_000_123_000),
        day: Box::new(Some(DateDays::from_days(19_675))),
        price: DecimalText::new("19.99"),
        tags: &["a", "b"],
        attrs: HashMap::from([("k".into(), "v".into())]),
        location: &location,
        payload: VariantJson::new("{\"a\":[1,null]}"),
        raw: &[1, 2, 3],
    };
    assert_eq!(written(&borrowed), expected);
    let shared = Shared {
        device_name: "roof".into(),
        temp: Some(-7),
        observed_at: UNIX_EPOCH + Duration::from_nanos(1_700_000_000_123_000_999),
        day: Some(Arc::new(DateDays::from_days(19_675))),
        price: Decimal::new(1_999, 2).unwrap(),
        tags: ["a".into(), "b".into()],
        attrs: Some(BTreeMap::from([("k".to_owned(), "v".into())])),
        location: Some(Box::new(location)),
        payload: Arc::new(json!({ "a": [1, null] })),
        raw: [1, 2, 3],
    };
    assert_eq!(written(&shared), expected);
}

#[test]
fn newtypes_enums_and_generics_are_written_as_what_they_hold() {
    #[derive(ZerobusRecord)]
    struct Device<'a>(&'a str);

    #[derive(ZerobusRecord)]
    #[zerobus(transparent)]
    struct Celsius {
        degrees: i32,
    }

    #[derive(ZerobusRecord)]
    #[zerobus(rename_all = "snake_case")]
    enum Tag {
        A,
        #[zerobus(rename = "b")]
        Second,
    }

    #[derive(ZerobusRecord)]
    struct LatLon<T> {
        lat: T,
        lon: T,
    }

    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.air_quality")]
    struct Generic<'a, D, T: Copy, L>
    where
        D: ColumnValue<delta::DateType>,
    {
        device_name: Device<'a>,
        temp: Option<Celsius>,
        observed_at: T,
        day: Option<D>,
        price: &'a str,
        tags: Vec<Tag>,
        attrs: BTreeMap<String, String>,
        location: Option<LatLon<L>>,
        payload: Value,
        raw: Vec<u8>,
    }

    let generic = Generic {
        device_name: Device("roof"),
        temp: Some(Celsius { degrees: -7 }),
        observed_at: TimestampMicros::from_micros(1_700_000_000_123_000),
        day: Some(DateDays::from_days(19_675)),
        price: "19.99",
        tags: vec![Tag::A, Tag::Second],
        attrs: plain().attrs,
        location: Some(LatLon {
            lat: 47.5,
            lon: 8.5,
        }),
        payload: json!({ "a": [1, null] }),
        raw: vec![1, 2, 3],
    };
    assert_eq!(written(&generic), written(&plain()));
}

#[test]
fn integers_with_a_unit_and_whatever_serializes_are_converted() {
    struct Celsius(i32);

    #[derive(ZerobusRecord)]
    struct Degrees(i32);

    impl From<&Celsius> for Degrees {
        fn from(celsius: &Celsius) -> Self {
            Self(celsius.0)
        }
    }

    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.air_quality")]
    struct Adapted {
        device_name: String,
        #[zerobus(with = Degrees)]
        temp: Celsius,
        #[zerobus(unit = "millis")]
        observed_at: i64,
        #[zerobus(unit = "days")]
        day: Option<i32>,
        price: Option<DecimalText>,
        tags: Vec<String>,
        attrs: BTreeMap<String, String>,
        location: Option<Location>,
        #[zerobus(json)]
        payload: Option<BTreeMap<String, Vec<Option<i32>>>>,
        raw: Option<Vec<u8>>,
    }

    let Plain {
        device_name,
        price,
        tags,
        attrs,
        location,
        raw,
        ..
    } = plain();
    let adapted = Adapted {
        device_name,
        temp: Celsius(-7),
        observed_at: 1_700_000_000_123,
        day: Some(19_675),
        price,
        tags,
        attrs,
        location,
        payload: Some(BTreeMap::from([("a".to_owned(), vec![Some(1), None])])),
        raw,
    };
    assert_eq!(written(&adapted), written(&plain()));
}

#[test]
fn names_follow_the_attributes() {
    #[derive(serde::Serialize, ZerobusRecord)]
    #[zerobus(
        table = "air_quality",
        schema = "schemas/main.default.air_quality.json"
    )]
    struct Renamed {
        #[zerobus(rename = "device_name")]
        r#type: &'static str,
        #[serde(rename = "observed_at")]
        #[zerobus(unit = "micros")]
        when: i64,
        #[zerobus(skip)]
        local_only: u32,
        #[serde(skip)]
        #[expect(dead_code, reason = "skipped by both")]
        also_local: u64,
    }
    let renamed = Renamed {
        r#type: "roof",
        when: 5,
        local_only: 0,
        also_local: 0,
    };
    assert_eq!(written(&renamed), b"\x0a\x04roof\x20\x05");
    assert_eq!(Renamed::TABLE, "main.default.air_quality");
    let sent: Vec<&str> = (Renamed::COLUMNS.iter())
        .filter(|column| column.sent)
        .map(|column| column.path)
        .collect();
    assert_eq!(sent, ["device_name", "observed_at"]);
}

#[test]
fn the_constants_tell_the_table() {
    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.computed")]
    struct Computed {
        amount: i64,
    }
    assert_eq!(written(&Computed { amount: 3 }), [0x10, 3]);
    assert_eq!(Computed::TABLE, "main.default.computed");
    let sources: Vec<(&str, &str, ColumnSource)> = (Computed::COLUMNS.iter())
        .map(|column| (column.path, column.data_type, column.source))
        .collect();
    assert_eq!(
        sources,
        [
            ("id", "BIGINT", ColumnSource::Identity),
            ("amount", "BIGINT", ColumnSource::Record),
            ("doubled", "BIGINT", ColumnSource::Generated),
        ]
    );
    let snapshot = include_str!("../../schemas/main.default.computed.json");
    let snapshot = zerobus_schema::Snapshot::parse(snapshot).unwrap();
    assert_eq!(Computed::FINGERPRINT, snapshot.fingerprint());
}

#[test]
fn the_columns_tell_what_no_record_leaves_null() {
    type Maybe<T> = Option<T>;

    #[derive(ZerobusRecord)]
    struct Point {
        lat: f64,
        lon: f64,
        label: Option<String>,
    }
    #[derive(ZerobusRecord)]
    struct Device {
        device_name: &'static str,
        tags: Vec<String>,
        payload: Option<Value>,
    }
    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.air_quality")]
    struct Filled<'a, P> {
        temp: i32,
        observed_at: TimestampMicros,
        humidity: Option<i64>,
        price: Maybe<Decimal>,
        #[zerobus(unit = "days")]
        day: i32,
        raw: Cow<'a, [u8]>,
        location: Option<P>,
        #[zerobus(flatten)]
        device: Device,
    }
    let never_null = |columns: &[ColumnInfo]| -> Vec<&str> {
        let filled = columns.iter().filter(|column| column.never_null);
        filled.map(|column| column.path).collect()
    };
    assert_eq!(
        never_null(Filled::<Point>::COLUMNS),
        [
            "device_name",
            "temp",
            "observed_at",
            "day",
            "tags",
            "location.lat",
            "location.lon",
            "raw"
        ]
    );

    #[derive(ZerobusRecord)]
    struct Own {
        name: &'static str,
        at: Option<TimestampMicros>,
        tags: Vec<String>,
        more: Option<Vec<i64>>,
        points: Vec<Point>,
        by_name: BTreeMap<String, Point>,
    }
    assert_eq!(
        never_null(Own::COLUMNS),
        [
            "name",
            "tags",
            "points",
            "points.element.lat",
            "points.element.lon",
            "by_name",
            "by_name.value.lat",
            "by_name.value.lon",
        ]
    );
}
