use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    observed_at: TimestampMicros,
    device_name: String,
    #[zerobus(flatten)]
    rest: Option<Rest>,
}

#[derive(ZerobusRecord)]
struct Rest {
    temp: Option<i32>,
}

fn main() {}
