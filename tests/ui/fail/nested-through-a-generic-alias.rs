use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    observed_at: TimestampMicros,
    location: Place<f32>,
}

type Place<T> = Option<Location<T, String>>;

#[derive(ZerobusRecord)]
struct Location<T, L> {
    lat: T,
    lon: T,
    label: Option<L>,
    height: T,
}

fn main() {}
