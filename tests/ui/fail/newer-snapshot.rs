use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.newer")]
struct Record {
    id: i64,
}

fn main() {}
