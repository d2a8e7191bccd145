use serde::Serialize;
use zerobus_record::ZerobusRecord;

#[derive(Serialize, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    #[serde(rename = "observedAt")]
    #[zerobus(rename = "observed_at", unit = "micros")]
    observed_at: i64,
}

fn main() {}
