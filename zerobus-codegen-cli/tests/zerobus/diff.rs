//! `zerobus diff` and `zerobus explain`.

use std::fs;
use std::path::Path;

use expect_test::{expect, expect_file};
use serde_json::Value;

use crate::{golden, run, zerobus};

const OLD: &str = "CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  note STRING,
  s STRUCT<a: INT>
)";
const NEW: &str = "CREATE TABLE main.default.t (
  id BIGINT NOT NULL,
  s STRUCT<a: INT, z: DOUBLE>
)";

/// A folder with the two schemas and a record of the old one.
fn folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("old.sql"), OLD).unwrap();
    fs::write(folder.path().join("new.sql"), NEW).unwrap();
    let record = "#[derive(zerobus_client::ZerobusRecord)]\n#[zerobus(table = \"main.default.t\")]\nstruct T {\n    id: i64,\n    note: Option<String>,\n}\n";
    fs::write(folder.path().join("record.rs"), record).unwrap();
    folder
}

fn diff(folder: &Path, args: &[&str]) -> (i32, String, String) {
    run(zerobus(&["diff"]).args(args).current_dir(folder))
}

#[test]
fn every_format_says_the_same() {
    let folder = folder();
    for format in ["human", "json", "github", "junit", "sarif", "gitlab"] {
        let args = [
            "old.sql",
            "new.sql",
            "--code",
            "record.rs",
            "--format",
            format,
        ];
        let (status, stdout, stderr) = diff(folder.path(), &args);
        assert_eq!((status, stderr.as_str()), (1, ""), "{format}");
        expect_file![golden(&format!("diff.{format}"))].assert_eq(&stdout);
    }
}

#[test]
fn the_status_follows_what_is_to_fail() {
    let folder = folder();
    for (args, status) in [
        (&["old.sql", "old.sql"][..], 0),
        (&["old.sql", "old.sql", "--fail-on", "any"], 0),
        (&["new.sql", "added.sql"], 0),
        (&["new.sql", "added.sql", "--fail-on", "any"], 1),
        (&["old.sql", "new.sql"], 1),
        (&["old.sql"], 2),
        (&["-", "-"], 2),
        (&["old.sql", "new.sql", "--format", "xml"], 2),
        (&["old.sql", "none.sql"], 3),
        (&["old.sql", "record.rs"], 3),
    ] {
        let added = NEW.replace("NOT NULL,", "NOT NULL, more INT,");
        fs::write(folder.path().join("added.sql"), added).unwrap();
        let (found, stdout, stderr) = diff(folder.path(), args);
        assert_eq!(found, status, "{args:?}: {stderr}");
        // What could not be told never reads as "no drift".
        assert_eq!(status >= 2, stdout.is_empty(), "{args:?}");
    }
}

#[test]
fn json_has_the_keys_that_others_parse_and_no_more() {
    let folder = folder();
    let (_, stdout, _) = diff(folder.path(), &["old.sql", "new.sql", "--format", "json"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    let keys = |value: &Value| {
        value
            .as_object()
            .unwrap()
            .keys()
            .cloned()
            .collect::<Vec<_>>()
    };
    assert_eq!(keys(&answer), ["compatible", "findings"]);
    for finding in answer["findings"].as_array().unwrap() {
        let mut found = keys(finding);
        found.sort();
        assert_eq!(
            found,
            ["deploy_first", "fix", "message", "path", "rule", "severity"]
        );
        assert!(found.iter().all(|key| finding[key].is_string()));
    }
    let (status, stdout, _) = diff(folder.path(), &["new.sql", "new.sql", "--format", "json"]);
    assert_eq!(
        (status, stdout.as_str()),
        (0, "{\n  \"compatible\": true,\n  \"findings\": []\n}\n")
    );
}

#[test]
fn several_tables_are_compared_by_name() {
    let folder = folder();
    let table =
        |name: &str, columns: &str| format!("CREATE TABLE main.default.{name} ({columns});\n");
    let old = table("a", "x INT") + &table("b", "x INT") + &table("c", "x INT");
    let new = table("c", "x INT, y INT") + &table("a", "x INT") + &table("d", "x INT");
    fs::write(folder.path().join("old.sql"), old).unwrap();
    fs::write(folder.path().join("new.sql"), new).unwrap();
    let (status, stdout, _) = diff(folder.path(), &["old.sql", "new.sql"]);
    assert_eq!(status, 1);
    expect![[r#"
        main.default.a: nothing to report

        main.default.b: 1 breaking, 0 compatible
          breaking TABLE_GONE
            the table is not there any more
            at old.sql:1
            deploy the producers first, then alter the table

        main.default.c: 0 breaking, 1 compatible
          compatible COLUMN_ADDED
            y: y (INT) is new and may be NULL
            at new.sql:1
            alter the table first, then deploy the producers
            fix: y: Option<i32>,

        main.default.d: 0 breaking, 1 compatible
          compatible TABLE_ADDED
            the table is new
            at new.sql:1
    "#]]
    .assert_eq(&stdout);

    let (_, stdout, _) = diff(folder.path(), &["old.sql", "new.sql", "--format", "json"]);
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["findings"][1]["table"], "main.default.c");
}

#[test]
fn what_only_one_side_knows_is_no_change() {
    let folder = folder();
    fs::write(
        folder.path().join("t.sql"),
        "CREATE TABLE main.default.t (id INT, day DATE) PARTITIONED BY (day) COMMENT 'c'",
    )
    .unwrap();
    let (status, ..) = run(zerobus(&["pull", "t.sql"]).current_dir(folder.path()));
    assert_eq!(status, 0);
    for [old, new] in [["schemas", "t.sql"], ["t.sql", "schemas"]] {
        let args = [old, new, "--fail-on", "any"];
        let (status, stdout, _) = diff(folder.path(), &args);
        assert_eq!(
            (status, stdout.as_str()),
            (0, "main.default.t: nothing to report\n")
        );
    }
}

#[test]
fn rules_are_explained() {
    let (status, stdout, _) = run(&mut zerobus(&["explain"]));
    assert_eq!(status, 0);
    expect_file![golden("rules.txt")].assert_eq(&stdout);
    let (_, stdout, _) = run(&mut zerobus(&["explain", "missing-required-column"]));
    assert!(
        stdout.starts_with("MISSING_REQUIRED_COLUMN (breaking)\n"),
        "{stdout}"
    );
    let (status, stdout, stderr) = run(&mut zerobus(&["explain", "COLUMN_GONE"]));
    assert_eq!((status, stdout.as_str()), (2, ""));
    assert!(stderr.contains("TABLE_GONE"), "{stderr}");
}
