use serde::Serialize;
use zerobus_record::ZerobusRecord;

#[derive(Serialize, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    #[zerobus(unit = "micros")]
    observed_at: i64,
    #[serde(rename = "temperature")]
    temp: i32,
}

fn main() {}
