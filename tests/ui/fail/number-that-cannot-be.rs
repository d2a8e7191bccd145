use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Reading {
    #[zerobus(number = 19000)]
    a: i64,
}

fn main() {}
