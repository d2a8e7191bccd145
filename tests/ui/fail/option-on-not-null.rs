use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality<'a> {
    device_name: Option<&'a str>,
    observed_at: TimestampMicros,
}

fn main() {}
