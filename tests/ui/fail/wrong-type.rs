use std::collections::BTreeMap;
use std::net::IpAddr;

use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct AirQuality {
    device_name: IpAddr,
    temp: Option<i64>,
    humidity: u64,
    observed_at: TimestampMicros,
    price: f64,
    tags: Vec<i64>,
    attrs: BTreeMap<String, i32>,
    payload: Option<String>,
    raw: String,
}

fn main() {}
