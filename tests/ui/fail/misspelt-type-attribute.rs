use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(tabel = "main.default.orders")]
struct Record {
    id: i64,
}

fn main() {}
