use serde::Serialize;
use zerobus_record::ZerobusRecord;

#[derive(Serialize, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    #[zerobus(unit = "micros")]
    observed_at: i64,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Serialize)]
struct Rest {
    humidity: i64,
}

fn main() {}
