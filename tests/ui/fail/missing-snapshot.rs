// Stubs keep this one error.
use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.water_quality")]
struct WaterQuality {
    device_name: String,
}

fn send<R: ZerobusRecord>(_: &R) {}

fn main() {
    send(&WaterQuality { device_name: String::new() });
}
