use zerobus_record::{TimestampNtzMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.shapes")]
struct Shapes {
    flag: bool,
    small: i16,
    big: i64,
    double: f64,
    text: String,
    raw: Vec<u8>,
    numbers: Vec<i64>,
    at: TimestampNtzMicros,
}

fn main() {}
