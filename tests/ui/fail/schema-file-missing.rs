use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.orders", schema = "tables/orders.json")]
struct Record {
    id: i64,
}

fn main() {}
