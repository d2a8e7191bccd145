use std::collections::BTreeMap;

use zerobus_record::{DateDays, Decimal, ZerobusRecord};

#[derive(ZerobusRecord)]
struct Reading {
    price: Decimal,
    by_day: BTreeMap<DateDays, Vec<i32>>,
}

const _: &[u8] = <Reading as ZerobusRecord>::DESCRIPTOR;

fn main() {}
