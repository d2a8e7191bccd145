use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
    location: Option<Location>,
}

#[derive(ZerobusRecord)]
struct Location {
    lat: String,
    long: f64,
    label: Option<String>,
}

fn main() {}
