use zerobus_record::{ColumnValue, TimestampMicros, ZerobusRecord, delta};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality<T> {
    device_name: String,
    observed_at: TimestampMicros,
    temp: T,
}

#[derive(ZerobusRecord)]
struct Bounded<T: ColumnValue<delta::DoubleType>> {
    lat: T,
}

fn send<R: ZerobusRecord>(_: R) {}

fn main() {
    send(AirQuality {
        device_name: String::new(),
        observed_at: TimestampMicros::from_micros(0),
        temp: "cold",
    });
    let _ = Bounded { lat: 1_i64 };
}
