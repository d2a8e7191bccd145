use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Location {
    lat: f64,
    #[zerobus(rename = "lat")]
    latitude: f64,
}

fn main() {}
