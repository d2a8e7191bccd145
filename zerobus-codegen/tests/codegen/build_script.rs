//! What a build script writes.

use std::fs;
use std::path::Path;

use expect_test::expect_file;
use zerobus_codegen::{Config, RustOptions, SnapshotChange, Source, save_snapshot};

use crate::golden;

/// The records of all golden tables as a build script makes them; `compiled` holds what comes of it.
#[test]
fn one_module_a_table_and_the_records_beside_them() {
    let schemas = golden("schemas");
    for name in ["shapes", "names"] {
        save(
            &schemas,
            &fs::read_to_string(golden(&format!("{name}.sql"))).unwrap(),
        );
    }
    save(
        &schemas,
        "CREATE TABLE main.default.orders (id BIGINT, item STRUCT<n: INT>)",
    );
    save(
        &schemas,
        "CREATE TABLE main.other.orders (id BIGINT, item STRUCT<n: INT>)",
    );
    let mut options = RustOptions::default();
    options.record_crate = "zerobus_record".to_owned();
    let folder = tempfile::tempdir().unwrap();
    // The folder is relative to the package, as a build script gives it.
    let generate = || {
        Config::new()
            .schemas("tests/golden/schemas")
            .rust(options.clone())
            .out_dir(folder.path())
            .compile()
    };
    generate().unwrap();
    let file = folder.path().join("zerobus.rs");
    expect_file![golden("records.rs")].assert_eq(&fs::read_to_string(&file).unwrap());

    let written = fs::metadata(&file).unwrap().modified().unwrap();
    generate().unwrap();
    let now = fs::metadata(&file).unwrap().modified().unwrap();
    assert_eq!(now, written, "an unchanged file is left alone");
}

/// Checks a snapshot in, or against the one that is.
fn save(schemas: &Path, ddl: &str) {
    let table = Source::read(ddl, "").unwrap().tables.remove(0);
    let updating = std::env::var_os("UPDATE_EXPECT").is_some();
    let saved = save_snapshot(schemas, table).unwrap();
    assert!(
        updating || saved.change == SnapshotChange::Unchanged,
        "{saved:?}"
    );
}

#[test]
fn a_missing_or_broken_snapshot_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let generate = || {
        Config::new()
            .schemas(folder.path())
            .out_dir(folder.path())
            .compile()
    };
    let error = generate().unwrap_err().to_string();
    assert!(error.contains("zerobus pull TABLE --schemas"), "{error}");

    fs::write(folder.path().join("t.json"), "{}").unwrap();
    let error = generate().unwrap_err().to_string();
    assert!(error.contains("t.json: not a snapshot"), "{error}");

    let ddl = "CREATE TABLE a.b.t (span INTERVAL DAY NOT NULL)";
    let table = Source::read(ddl, "").unwrap().tables.remove(0);
    fs::remove_file(folder.path().join("t.json")).unwrap();
    save_snapshot(folder.path(), table).unwrap();
    let error = generate().unwrap_err().to_string();
    assert!(
        error.contains("a.b.t.json: column span (INTERVAL DAY)"),
        "{error}"
    );
}
