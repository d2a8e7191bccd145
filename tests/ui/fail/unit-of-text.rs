use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    #[zerobus(unit = "millis")]
    observed_at: String,
}

fn main() {}
