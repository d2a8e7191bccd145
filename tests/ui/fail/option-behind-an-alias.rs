use zerobus_record::{TimestampMicros, ZerobusRecord};

type Maybe<T> = Option<T>;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: Maybe<String>,
    observed_at: TimestampMicros,
}

fn main() {}
