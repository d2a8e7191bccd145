//! Whole outputs against checked-in files; `UPDATE_EXPECT=1` writes them anew.

// Helpers of tests are tests too.
#![allow(clippy::unwrap_used, clippy::panic)]

mod build_script;
mod compiled;
mod corpus;
mod settings;
mod source;

use std::path::{Path, PathBuf};

use expect_test::expect_file;
use zerobus_codegen::{MappingOptions, RustOptions, Source, ddl, descriptor, proto, rust};
use zerobus_schema::TableSchema;

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file)
}

fn table(name: &str) -> TableSchema {
    let source = Source::open(&golden(&format!("{name}.sql"))).unwrap();
    source.table().unwrap().clone()
}

fn check(name: &str) {
    let table = table(name);
    let options = MappingOptions::default();
    expect_file![golden(&format!("{name}.proto"))].assert_eq(&proto(&table, &options).unwrap());
    let code = rust(&table, &RustOptions::default()).unwrap();
    expect_file![golden(&format!("{name}.rs"))].assert_eq(&code);

    // DDL and back is the same table.
    let again = Source::read(&ddl(&table), "ddl").unwrap();
    assert_eq!(again.table().unwrap(), &table);
    assert!(!descriptor(&table, &options).unwrap().is_empty());
}

#[test]
fn every_type_in_every_place() {
    check("shapes");
}

#[test]
fn names_that_rust_does_not_take() {
    check("names");
}

#[test]
fn all_refused_columns_are_named_and_can_be_left_out() {
    let source = Source::read(
        "CREATE TABLE a.b.c (ok INT, span INTERVAL DAY, grid ARRAY<ARRAY<INT>>)",
        "c.sql",
    )
    .unwrap();
    let table = source.table().unwrap();
    let mut options = RustOptions::default();
    let error = rust(table, &options).unwrap_err().to_string();
    assert!(
        error.contains("column span") && error.contains("column grid"),
        "{error}"
    );
    options.mapping.skip_unsupported = true;
    let code = rust(table, &options).unwrap();
    assert!(code.contains("pub ok:") && !code.contains("span"), "{code}");
}

#[test]
fn a_record_needs_the_full_name_of_its_table() {
    for (ddl, part) in [
        ("a INT", "does not name its table"),
        ("CREATE TABLE t (a INT)", "1 of three parts"),
    ] {
        let source = Source::read(ddl, "x.sql").unwrap();
        let error = rust(source.table().unwrap(), &RustOptions::default()).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
        assert!(proto(source.table().unwrap(), &MappingOptions::default()).is_ok());
    }
}
