use zerobus_record::{ColumnValue, ZerobusRecord, delta};

#[derive(ZerobusRecord)]
struct Location<T: ColumnValue<delta::DoubleType>> {
    lat: T,
}

fn main() {
    let _ = Location { lat: 1_i64 };
}
