// Names and types are judged by different parts of the compiler, and all reported in one build.
use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_nam: String,
    observed_at: i64,
    temp: Option<i64>,
    #[zerobus(unit = "days")]
    humidity: i64,
    location: Location,
}

#[derive(ZerobusRecord)]
struct Location {
    lat: f64,
}

fn main() {}
