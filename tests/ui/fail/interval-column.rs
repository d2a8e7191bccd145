use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.unsendable")]
struct Unsendable {
    id: i64,
    span: Option<i64>,
}

fn main() {}
