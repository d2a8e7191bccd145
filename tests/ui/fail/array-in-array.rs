use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.unsendable")]
struct Unsendable {
    id: i64,
    matrix: Vec<Vec<i32>>,
}

fn main() {}
