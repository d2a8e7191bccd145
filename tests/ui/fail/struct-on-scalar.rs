use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
    temp: Celsius,
}

#[derive(ZerobusRecord)]
struct Celsius {
    degrees: i32,
}

fn main() {}
