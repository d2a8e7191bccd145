use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.computed")]
struct Computed {
    amount: i64,
    doubled: Option<i64>,
}

fn main() {}
