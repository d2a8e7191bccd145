//! Generates `$OUT_DIR/zerobus.rs` from `schemas/main.shop.orders.json`. No network, no protoc.

use zerobus_codegen::{BuildError, Config, Construct, DateTimeTypes};

fn main() -> Result<(), BuildError> {
    Config::new()
        .table("main.shop.orders")
        .record_crate("zerobus_record")
        .date_time(DateTimeTypes::Chrono)
        .construct(Construct::Builder)
        // Filled by a job of the warehouse, not by this program.
        .skip("orders.settled_on")
        .compile()
}
