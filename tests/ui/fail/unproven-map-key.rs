use std::collections::BTreeMap;

use zerobus_record::{DateDays, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.unsendable")]
struct Unsendable {
    id: i64,
    by_day: BTreeMap<DateDays, i32>,
}

fn main() {}
