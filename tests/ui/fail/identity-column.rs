use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.computed")]
struct Computed {
    id: Option<i64>,
    amount: i64,
}

fn main() {}
