use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality", rename_all = "camelCase")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
}

fn main() {}
