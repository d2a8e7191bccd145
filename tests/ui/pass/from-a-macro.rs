//! A macro of the user's writes the struct, with types it was given.

use zerobus_record::{TimestampMicros, ZerobusRecord};

macro_rules! record {
    ($name:ident, $table:literal, $($field:ident: $ty:ty),*) => {
        #[derive(ZerobusRecord)]
        #[zerobus(table = $table)]
        struct $name { $($field: $ty),* }
    };
}

record!(AirQuality, "main.default.air_quality",
    device_name: String, temp: Option<i32>, observed_at: TimestampMicros, tags: Vec<&'static str>);

fn main() {
    let record = AirQuality {
        device_name: String::new(),
        temp: Some(1),
        observed_at: TimestampMicros::from_micros(0),
        tags: vec![],
    };
    record.validate().unwrap();
}
