use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "water/quality")]
struct Record {
    id: i64,
}

fn main() {}
