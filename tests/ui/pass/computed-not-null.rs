//! What the table computes is left to it, NOT NULL or not.

use zerobus_record::ZerobusRecord;

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.totals")]
struct Total {
    id: i64,
}

fn main() {
    let mut record = Vec::new();
    Total { id: 7 }.encode(&mut record).unwrap();
    assert_eq!(record, [8, 7]);
}
