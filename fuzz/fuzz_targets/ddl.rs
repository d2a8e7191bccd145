#![cfg_attr(fuzzing, no_main)]

use zerobus_schema::ddl;

fn target(data: &[u8]) {
    let Some(text) = zerobus_fuzz::text(data) else {
        return;
    };
    for table in ddl::parse_create_tables(text).into_iter().flatten() {
        zerobus_fuzz::check(&table);
        let written = ddl::create_table(&table);
        assert_eq!(
            ddl::parse_create_table(&written).as_ref(),
            Ok(&table),
            "{written}"
        );
    }
    if let Ok(columns) = ddl::parse_columns(text) {
        zerobus_fuzz::check(&zerobus_schema::TableSchema::new(None, columns));
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| target(data));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zerobus_fuzz::main(target)
}
