use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.orders")]
struct Order {
    items: Vec<Item>,
}

#[derive(ZerobusRecord)]
struct Item {
    price: Option<Price>,
}

#[derive(ZerobusRecord)]
struct Price {
    amount: f64,
    currency: Option<String>,
}

fn main() {}
