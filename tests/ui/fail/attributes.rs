use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality", rename_all = "camelcase")]
struct Unreadable {
    temp: Option<i32>,
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: String,
    #[zerobus(unit = "minutes")]
    observed_at: i64,
    #[zerobus(unit = "micros")]
    temp: i32,
    #[zerobus(json)]
    price: f64,
    #[zerobus(nullable)]
    day: i32,
    #[zerobus(skip, unit = "days")]
    other: i32,
}

#[derive(ZerobusRecord)]
struct Pair(i32, i32);

#[derive(ZerobusRecord)]
enum Status {
    Fine,
    Failed(String),
}

fn main() {}
