// The mistake is shown where it was made: in the macro's arguments.
use zerobus_record::{TimestampMicros, ZerobusRecord};

macro_rules! record {
    ($name:ident, $($field:ident: $ty:ty),*) => {
        #[derive(ZerobusRecord)]
        #[zerobus(table = "main.default.air_quality")]
        struct $name { $($field: $ty),* }
    };
}

record!(AirQuality, device_name: Option<String>, temp: Option<i64>, observed_at: TimestampMicros, tag: String);

fn main() {}
