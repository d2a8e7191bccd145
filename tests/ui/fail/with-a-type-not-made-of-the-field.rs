use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
    #[zerobus(with = Celsius)]
    temp: f32,
}

#[derive(ZerobusRecord)]
struct Celsius(i32);

fn main() {}
