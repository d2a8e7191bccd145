use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(strict)]
struct Record {
    id: i64,
}

fn main() {}
