use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality(String, TimestampMicros);

fn main() {}
