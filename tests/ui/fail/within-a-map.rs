use std::collections::BTreeMap;

use zerobus_record::{Decimal, ZerobusRecord};

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.orders")]
struct Order {
    by_name: BTreeMap<String, Item>,
}

#[derive(ZerobusRecord)]
struct Item {
    price: Option<Price>,
}

#[derive(ZerobusRecord)]
struct Price {
    ammount: Decimal,
}

fn main() {}
