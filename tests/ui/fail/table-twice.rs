use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.orders", table = "main.default.orders")]
struct Record {
    id: i64,
}

fn main() {}
