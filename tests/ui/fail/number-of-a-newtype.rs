use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Id(#[zerobus(number = 3)] i64);

fn main() {}
