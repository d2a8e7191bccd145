// The mistake is where the type is chosen.
use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality<T> {
    device_name: String,
    observed_at: TimestampMicros,
    temp: T,
}

fn send<R: ZerobusRecord>(_: R) {}

fn main() {
    send(AirQuality {
        device_name: String::new(),
        observed_at: TimestampMicros::from_micros(0),
        temp: "cold",
    });
}
