use std::collections::BTreeMap;

use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    observed_at: TimestampMicros,
    device_name: String,
    #[zerobus(flatten)]
    rest: BTreeMap<String, String>,
}

fn main() {}
