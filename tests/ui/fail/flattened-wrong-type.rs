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
    device_name: i64,
}

fn main() {}
