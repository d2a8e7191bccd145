//! What a build script writes.

use std::fs;

use expect_test::expect_file;
use zerobus_codegen::{Source, configure, save_snapshot};

use crate::golden;

#[test]
fn one_module_a_table_and_the_records_beside_them() {
    let folder = tempfile::tempdir().unwrap();
    let schemas = folder.path().join("schemas");
    for ddl in [
        "CREATE TABLE main.default.orders (id BIGINT, item STRUCT<n: INT>)",
        "CREATE TABLE main.other.orders (id BIGINT, item STRUCT<n: INT>)",
        "CREATE TABLE main.default.type (id BIGINT)",
    ] {
        save_snapshot(&schemas, Source::read(ddl, "").unwrap().tables.remove(0)).unwrap();
    }
    let generate = || {
        configure()
            .schemas(&schemas)
            .out_dir(folder.path())
            .generate()
    };
    generate().unwrap();
    let file = folder.path().join("zerobus.rs");
    let code = fs::read_to_string(&file).unwrap();
    // The folder's name is this test's own; a package gives one that lies within it.
    let shown = code.replace(schemas.to_str().unwrap(), "tables");
    expect_file![golden("build_script.rs")].assert_eq(&shown);

    let written = fs::metadata(&file).unwrap().modified().unwrap();
    generate().unwrap();
    assert_eq!(
        fs::metadata(&file).unwrap().modified().unwrap(),
        written,
        "an unchanged file is left alone"
    );
}

#[test]
fn a_missing_or_broken_snapshot_says_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let generate = || {
        configure()
            .schemas(folder.path())
            .out_dir(folder.path())
            .generate()
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
