use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Reading {
    #[zerobus(number = 2)]
    a: i64,
    #[zerobus(number = 2)]
    b: i64,
}

fn main() {}
