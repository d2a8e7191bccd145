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

fn main() {
    let record = AirQuality {
        device_name: "roof",
        observed_at: TimestampMicros::from_micros(0),
        location: Some(Location { lat: 0.0, lon: 0.0, label: None }),
    };
    let _ = (&record, Status::Fine, Name(String::new()));
    record.validate().unwrap();
}
