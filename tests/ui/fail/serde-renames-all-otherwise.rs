use serde::Serialize;
use zerobus_record::ZerobusRecord;

#[derive(Serialize, ZerobusRecord)]
#[serde(rename_all = "camelCase")]
#[zerobus(rename_all = "snake_case")]
struct Location {
    lat: f64,
}

fn main() {}
