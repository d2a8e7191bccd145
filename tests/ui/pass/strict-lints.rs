//! What the derive emits passes the strictest lints.
#![deny(warnings, missing_docs, unreachable_pub, unused_qualifications)]
#![deny(unsafe_code, single_use_lifetimes, missing_debug_implementations)]

use zerobus_record::{TimestampMicros, ZerobusRecord};

/// A record.
#[derive(Debug, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
pub struct AirQuality<'a> {
    device_name: &'a str,
    observed_at: TimestampMicros,
    location: Option<Location<'a>>,
}

/// A struct.
#[derive(Debug, ZerobusRecord)]
pub struct Location<'a> {
    lat: f64,
    lon: f64,
    label: Option<&'a str>,
}

/// An enum.
#[derive(Debug, ZerobusRecord)]
pub enum Status {
    /// A variant.
    Fine,
}

/// A newtype.
#[derive(Debug, ZerobusRecord)]
pub struct Name(String);

/// A record with a part.
#[derive(Debug, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
pub struct Parts<'a, T> {
    observed_at: TimestampMicros,
    temp: T,
    #[zerobus(flatten)]
    device: Device<'a>,
}

/// A part.
#[derive(Debug, ZerobusRecord)]
pub struct Device<'a> {
    device_name: &'a str,
    #[zerobus(type = "DECIMAL(10,2)")]
    price: Option<&'a str>,
}

fn main() {
    let parts = Parts {
        observed_at: TimestampMicros::from_micros(0),
        temp: 1,
        device: Device { device_name: "roof", price: Some("19.99") },
    };
    parts.validate().unwrap();
    let record = AirQuality {
        device_name: "roof",
        observed_at: TimestampMicros::from_micros(0),
        location: Some(Location { lat: 0.0, lon: 0.0, label: None }),
    };
    let _ = (&record, Status::Fine, Name(String::new()));
    record.validate().unwrap();
}
