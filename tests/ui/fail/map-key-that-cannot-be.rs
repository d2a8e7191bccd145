use std::collections::BTreeMap;

use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.unsendable")]
struct Unsendable {
    id: i64,
    by_double: BTreeMap<String, i32>,
}

fn main() {}
