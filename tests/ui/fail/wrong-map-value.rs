use std::collections::BTreeMap;

use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
    attrs: BTreeMap<String, i32>,
}

fn main() {}
