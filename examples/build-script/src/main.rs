//! An order, made with the types that `build.rs` generates, checked and encoded.

use std::error::Error;

use zerobus_record::{DecimalText, ZerobusRecord};

/// What `build.rs` makes of `schemas/`.
mod tables {
    include!(concat!(env!("OUT_DIR"), "/zerobus.rs"));
}

use tables::Orders;
use tables::orders::{Customer, Items};

fn main() -> Result<(), Box<dyn Error>> {
    let customer = Customer::builder()
        .with_name("Ada")
        .with_country(Some("GB".to_owned()))
        .build()?;
    let item = Items::builder()
        .with_sku("tea-250")
        .with_count(2)
        .with_price(DecimalText::new("19.99".to_owned()))
        .build()?;
    let order = Orders::builder()
        .with_id(1)
        .with_placed_at(chrono::Utc::now())
        .with_customer(customer)
        .with_items(vec![item])
        .build()?;
    order.validate()?;
    let mut bytes = Vec::new();
    order.encode(&mut bytes)?;
    println!(
        "a row of {} in {} bytes, {} of {} columns sent",
        Orders::TABLE,
        bytes.len(),
        Orders::COLUMNS.iter().filter(|column| column.sent).count(),
        Orders::COLUMNS.len()
    );
    Ok(())
}
