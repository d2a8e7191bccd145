use serde::Serialize;
use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(Serialize, ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    #[serde(rename = "observedAt")]
    #[zerobus(rename = "observed_at")]
    observed_at: i64,
    #[serde(skip)]
    #[zerobus(rename = "temp")]
    temperature: i32,
    #[serde(flatten)]
    rest: Rest,
}

#[derive(Serialize)]
struct Rest {
    humidity: i64,
}

#[derive(Serialize, ZerobusRecord)]
#[serde(rename_all = "camelCase")]
#[zerobus(rename_all = "snake_case")]
struct Location {
    lat: f64,
}

fn main() {
    let _: TimestampMicros;
}
