use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    observed_at: TimestampMicros,
    #[zerobus(flatten)]
    device: Device,
}

#[derive(ZerobusRecord)]
struct Device {
    temp: Option<i32>,
}

fn main() {}
