use zerobus_record::{Decimal, ZerobusRecord};

#[derive(ZerobusRecord)]
struct Reading {
    #[zerobus(type = "MONEY")]
    price: Decimal,
}

fn main() {}
