use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Pair(i32, i32);

fn main() {}
