use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(schema = "schemas/main.default.orders.json")]
struct Record {
    id: i64,
}

fn main() {}
