use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.shapes")]
struct Shapes {
    flag: bool,
    small: i16,
    big: i64,
    double: f64,
    raw: Vec<u8>,
    at: TimestampMicros,
    numbers: Vec<i64>,
    text: Vec<u8>,
}

fn main() {}
