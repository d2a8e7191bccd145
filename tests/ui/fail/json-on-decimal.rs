use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
    #[zerobus(json)]
    price: f64,
}

fn main() {}
