use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
struct Nothing;

fn main() {}
