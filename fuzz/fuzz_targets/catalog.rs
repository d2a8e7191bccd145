#![cfg_attr(fuzzing, no_main)]

use zerobus_schema::{StructType, TableSchema, catalog};

fn target(data: &[u8]) {
    let Some(text) = zerobus_fuzz::text(data) else {
        return;
    };
    if let Ok(table) = catalog::parse_table(text) {
        zerobus_fuzz::check(&table);
    }
    if let Ok(column) = catalog::parse_column(text) {
        zerobus_fuzz::check(&TableSchema::new(None, StructType::new(vec![column])));
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| target(data));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zerobus_fuzz::main(target)
}
