use zerobus_record::{TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.shapes")]
struct Shapes {
    flag: bool,
    small: i16,
    big: i64,
    double: f64,
    text: String,
    raw: Vec<u8>,
    at: TimestampMicros,
    numbers: Vec<i64>,
    tiny: u8,
}

fn main() {}
