//! The table that the tests write to, and its records.

use std::collections::HashMap;

use prost::Message;
use zerobus_schema::{ddl, mapping};

pub(crate) const TABLE: &str = "main.default.air_quality";

pub(crate) const DDL: &str = "CREATE TABLE main.default.air_quality (
  device_name STRING NOT NULL,
  temp INT,
  humidity BIGINT,
  observed_at TIMESTAMP NOT NULL,
  day DATE,
  price DECIMAL(10,2),
  tags ARRAY<STRING>,
  attrs MAP<STRING, STRING>,
  location STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, label: STRING>,
  payload VARIANT,
  raw BINARY
);";

#[derive(Clone, PartialEq, Message)]
pub(crate) struct AirQuality {
    #[prost(string, optional, tag = "1")]
    pub(crate) device_name: Option<String>,
    #[prost(int32, optional, tag = "2")]
    pub(crate) temp: Option<i32>,
    #[prost(int64, optional, tag = "3")]
    pub(crate) humidity: Option<i64>,
    #[prost(int64, optional, tag = "4")]
    pub(crate) observed_at: Option<i64>,
    #[prost(int32, optional, tag = "5")]
    pub(crate) day: Option<i32>,
    #[prost(string, optional, tag = "6")]
    pub(crate) price: Option<String>,
    #[prost(string, repeated, tag = "7")]
    pub(crate) tags: Vec<String>,
    #[prost(map = "string, string", tag = "8")]
    pub(crate) attrs: HashMap<String, String>,
    #[prost(message, optional, tag = "9")]
    pub(crate) location: Option<Location>,
    #[prost(string, optional, tag = "10")]
    pub(crate) payload: Option<String>,
    #[prost(bytes = "vec", optional, tag = "11")]
    pub(crate) raw: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct Location {
    #[prost(double, optional, tag = "1")]
    pub(crate) lat: Option<f64>,
    #[prost(double, optional, tag = "2")]
    pub(crate) lon: Option<f64>,
    #[prost(string, optional, tag = "3")]
    pub(crate) label: Option<String>,
}

/// A record with a value in every column, told from others by `temp`.
pub(crate) fn record(temp: i32) -> AirQuality {
    AirQuality {
        device_name: Some(format!("sensor-{temp}")),
        temp: Some(temp),
        humidity: Some(i64::MIN),
        observed_at: Some(1_790_000_000_123_456),
        day: Some(20_000),
        price: Some("-19.99".to_owned()),
        tags: vec!["a".to_owned(), String::new(), "ü".to_owned()],
        attrs: HashMap::from([("floor".to_owned(), "3".to_owned())]),
        location: Some(Location {
            lat: Some(48.1),
            lon: Some(11.5),
            label: None,
        }),
        payload: Some(r#"{"ok":true,"n":[1,2]}"#.to_owned()),
        raw: Some(vec![0, 255]),
    }
}

/// A record with nothing but what the table insists on.
pub(crate) fn bare_record(temp: i32) -> AirQuality {
    AirQuality {
        device_name: Some(String::new()),
        temp: Some(temp),
        observed_at: Some(0),
        ..AirQuality::default()
    }
}

pub(crate) fn descriptor() -> Vec<u8> {
    let table = ddl::parse_create_table(DDL).unwrap();
    mapping::message(&table, &mapping::MappingOptions::default())
        .unwrap()
        .descriptor()
}
