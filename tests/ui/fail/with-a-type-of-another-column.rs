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
struct Celsius(String);

impl From<&f32> for Celsius {
    fn from(degrees: &f32) -> Self {
        Self(degrees.to_string())
    }
}

fn main() {}
