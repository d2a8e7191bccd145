//! The binary `zerobus`: what it prints, and how it ends.

// Helpers of tests are tests too.
#![allow(clippy::unwrap_used)]

mod check;
mod diff;
mod doctor;
mod drift_check;
mod help;
mod live;
mod replay;
mod uc_oss;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use expect_test::{expect, expect_file};

fn golden(file: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(file)
}

/// The command with none of the environment that could reach a workspace.
fn zerobus(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zerobus"));
    command.args(args).stdin(Stdio::null());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("DATABRICKS_") || text.starts_with("ZEROBUS_") {
            command.env_remove(name);
        }
    }
    command.env("NO_COLOR", "1");
    // Nor a profile of whoever runs the test.
    command.env("HOME", env!("CARGO_TARGET_TMPDIR"));
    command
}

/// Exit status, standard output, standard error.
fn run(command: &mut Command) -> (i32, String, String) {
    of(&command.output().unwrap())
}

fn of(output: &Output) -> (i32, String, String) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap(),
        text(&output.stdout),
        text(&output.stderr),
    )
}

fn source(file: &str) -> String {
    golden(file).to_str().unwrap().to_owned()
}

#[test]
fn wrong_usage_is_status_2_and_help_is_not() {
    for args in [
        &[][..],
        &["fly"],
        &["pull"],
        &["generate", "proto"],
        &["show", "x", "--format", "sarif"],
        &["generate", "proto", "x", "--table", "not_full"],
        &["generate", "proto", "x", "--proto-msg", "no name"],
        &["pull", "x", "y", "--table", "a.b.c"],
        &["generate", "rust", "x", "--proto-msg", "Row"],
        &["generate", "ddl", "x", "--skip-unsupported"],
        &["generate"],
        &["generate", "rust", "--date-time", "chrono"],
        &["generate", "proto", "--skip-unsupported"],
        &["generate", "proto", "x", "--schemas", "y"],
        &["pull", "--table", "a.b.c"],
    ] {
        let (status, stdout, stderr) = run(&mut zerobus(args));
        assert_eq!((status, stdout.as_str()), (2, ""), "{args:?}: {stderr}");
        assert!(!stderr.is_empty(), "{args:?}");
    }
    let (status, stdout, _) = run(&mut zerobus(&["--help"]));
    assert_eq!(status, 0);
    assert!(
        stdout.contains("pull") && stdout.contains("generate"),
        "{stdout}"
    );
}

#[test]
fn show_for_reading() {
    let (status, stdout, stderr) = run(&mut zerobus(&["show", &source("air_quality.sql")]));
    assert_eq!((status, stderr.as_str()), (0, ""));
    expect_file![golden("air_quality.txt")].assert_eq(&stdout);
}

#[test]
fn show_for_programs() {
    let (status, stdout, stderr) = run(&mut zerobus(&[
        "show",
        &source("air_quality.sql"),
        "--format",
        "json",
    ]));
    assert_eq!((status, stderr.as_str()), (0, ""));
    expect_file![golden("air_quality.json")].assert_eq(&stdout);
}

#[test]
fn refusals_are_data_to_show_and_a_failure_to_generate() {
    let file = source("refused.sql");
    let (status, stdout, _) = run(&mut zerobus(&["show", &file, "--format", "json"]));
    assert_eq!(status, 0);
    expect_file![golden("refused.json")].assert_eq(&stdout);

    for what in ["proto", "rust", "descriptor"] {
        let (status, stdout, stderr) = run(&mut zerobus(&["generate", what, &file]));
        assert_eq!((status, stdout.as_str()), (3, ""), "{what}");
        assert!(
            stderr.contains("column span") && stderr.contains("column grid"),
            "{stderr}"
        );
    }
    let (status, stdout, _) = run(&mut zerobus(&[
        "generate",
        "proto",
        &file,
        "--skip-unsupported",
    ]));
    assert_eq!(status, 0);
    assert_eq!(
        stdout,
        "syntax = \"proto2\";\n\nmessage refused {\n  optional int32 ok = 1;\n}\n"
    );
}

#[test]
fn the_standard_input_is_a_source_and_a_message_gets_its_name_from_what_there_is() {
    let mut child = zerobus(&["generate", "proto", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child
        .stdin
        .take()
        .unwrap()
        .write_all(b"id BIGINT NOT NULL")
        .unwrap();
    let (status, stdout, _) = of(&child.wait_with_output().unwrap());
    assert_eq!(status, 0);
    assert_eq!(
        stdout,
        "syntax = \"proto2\";\n\nmessage record {\n  required int64 id = 1;\n}\n"
    );

    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("my-columns.txt");
    fs::write(&file, "id BIGINT").unwrap();
    let file = file.to_str().unwrap();
    for (args, name) in [
        (&[][..], "my_columns"),
        (&["--table", "a.b.c"], "c"),
        (&["--table", "a.b.c", "--proto-msg", "Mine"], "Mine"),
    ] {
        let (_, stdout, _) = run(zerobus(&["generate", "proto", file]).args(args));
        assert!(stdout.contains(&format!("message {name} {{")), "{stdout}");
    }
    // A statement needs a name too, and gets the same one.
    let (_, stdout, _) = run(&mut zerobus(&["generate", "ddl", file]));
    assert_eq!(stdout, "CREATE TABLE my_columns (\n  id BIGINT\n);\n");
}

#[test]
fn output_goes_where_it_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let file = source("air_quality.sql");
    for (what, args, path) in [
        ("proto", &["-o", "a/b.proto"][..], "a/b.proto"),
        ("proto", &["--output-dir", "out"], "out/air_quality.proto"),
        (
            "proto",
            &["--output-dir", "out", "--output", "x.proto"],
            "out/x.proto",
        ),
        ("descriptor", &["--output", "d.bin"], "d.bin"),
        ("rust", &["--output", "r.rs"], "r.rs"),
        ("ddl", &["--output-dir", "."], "air_quality.sql"),
    ] {
        let mut command = zerobus(&["generate", what, &file]);
        let (status, stdout, stderr) = run(command.args(args).current_dir(folder.path()));
        assert_eq!((status, stdout.as_str()), (0, ""), "{stderr}");
        assert!(stderr.starts_with("wrote "), "{stderr}");
        assert!(
            !fs::read(folder.path().join(path)).unwrap().is_empty(),
            "{path}"
        );
    }
    // What goes to the standard output is the same.
    let (_, stdout, _) = run(&mut zerobus(&["generate", "rust", &file]));
    assert_eq!(
        stdout,
        fs::read_to_string(folder.path().join("r.rs")).unwrap()
    );
}

#[test]
fn records_have_the_settings_that_are_asked_for() {
    let folder = tempfile::tempdir().unwrap();
    let ddl = "CREATE TABLE a.b.t (id BIGINT NOT NULL, at TIMESTAMP, note STRING);\nCREATE TABLE a.b.u (id BIGINT)";
    fs::write(folder.path().join("t.sql"), ddl).unwrap();
    let generate = |args: &[&str]| {
        run(zerobus(&["generate", "rust", "t.sql"])
            .args(args)
            .current_dir(folder.path()))
    };
    let (status, stdout, stderr) = generate(&[
        "--date-time",
        "chrono",
        "--string",
        "borrowed",
        "--skip",
        ".a.b.t.note",
        "--derives",
        "Debug",
        "--type-attribute",
        "t=#[must_use]",
    ]);
    assert_eq!((status, stderr.as_str()), (0, ""));
    expect![[r#"
        // Generated by zerobus-codegen. Do not edit.

        /// A row of `a.b.t`.
        #[rustfmt::skip]
        #[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
        #[derive(Debug, ::zerobus_client::ZerobusRecord)]
        #[zerobus(table = "a.b.t")]
        #[must_use]
        pub struct T {
            /// `BIGINT` NOT NULL
            pub id: i64,
            /// `TIMESTAMP`: microseconds since 1970-01-01T00:00:00Z
            pub at: Option<::chrono::DateTime<::chrono::Utc>>,
        }

        /// A row of `a.b.u`.
        #[rustfmt::skip]
        #[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]
        #[derive(Debug, ::zerobus_client::ZerobusRecord)]
        #[zerobus(table = "a.b.u")]
        pub struct U {
            /// `BIGINT`
            pub id: Option<i64>,
        }
    "#]]
    .assert_eq(&stdout);
    let (_, stdout, _) = generate(&["--style", "prost"]);
    assert!(
        stdout.contains("#[prost(int64, required, tag = \"1\")]"),
        "{stdout}"
    );
    for (args, part) in [
        (
            ["--date-time", "joda"],
            "--date-time: expected one of zerobus, jiff",
        ),
        (
            ["--type-attribute", "x"],
            "--type-attribute: expected PATH=#[…]",
        ),
        (
            ["--record-crate", "a-b"],
            "--record-crate: expected the name of a crate",
        ),
    ] {
        let (status, _, stderr) = generate(&args);
        assert_eq!(status, 2);
        assert!(stderr.contains(part), "{stderr}");
    }
    let (status, _, stderr) = generate(&["--skip", "id"]);
    assert_eq!(status, 3);
    assert!(stderr.contains("column a.b.t.id is NOT NULL"), "{stderr}");
}

#[test]
fn a_pulled_file_becomes_a_snapshot_that_keeps_its_numbers() {
    let folder = tempfile::tempdir().unwrap();
    let ddl = folder.path().join("t.sql");
    let pull = |text: &str| {
        fs::write(&ddl, text).unwrap();
        run(zerobus(&["pull", "t.sql"]).current_dir(folder.path()))
    };
    let file = Path::new("schemas").join("main.default.t.json");
    let (status, stdout, _) = pull("CREATE TABLE main.default.t (a INT, b INT)");
    assert_eq!(
        (status, stdout),
        (0, format!("created {}\n", file.display()))
    );
    let (_, stdout, _) = pull("CREATE TABLE main.default.t (a INT, b INT)");
    assert_eq!(stdout, format!("unchanged {}\n", file.display()));
    let (_, stdout, _) = pull("CREATE TABLE main.default.t (b INT, c INTERVAL DAY)");
    assert_eq!(stdout, format!("updated {}\n", file.display()));
    let (_, stdout, _) = run(zerobus(&["generate", "proto", "--skip-unsupported"])
        .arg(&file)
        .current_dir(folder.path()));
    expect![[r#"
        syntax = "proto2";

        message t {
          reserved 1;
          reserved "a";
          optional int32 b = 2;
        }
    "#]]
    .assert_eq(&stdout);

    let (status, _, stderr) = pull("CREATE TABLE t (a INT)");
    assert_eq!(status, 3);
    assert!(stderr.contains("--table catalog.schema.table"), "{stderr}");
}

#[test]
fn what_cannot_be_read_is_status_3_and_says_where() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(
        folder.path().join("bad.sql"),
        "CREATE TABLE t (\n  at DATETIME)",
    )
    .unwrap();
    for (args, part) in [
        (
            &["show", "bad.sql"][..],
            "error: bad.sql:2:6: expected a type",
        ),
        (
            &["show", "none.sql"],
            "none.sql is no file or folder here, and no table either",
        ),
        (
            &["show", "a.b.c"],
            "a.b.c is no file here, so it is taken for a table: no workspace given",
        ),
        (&["pull", "a.b.c"], "DATABRICKS_HOST"),
        (&["show", "."], "no _delta_log"),
    ] {
        let (status, stdout, stderr) = run(zerobus(args).current_dir(folder.path()));
        assert_eq!((status, stdout.as_str()), (3, ""), "{args:?}: {stderr}");
        assert!(stderr.contains(part), "{args:?}: {stderr}");
    }
    assert!(!folder.path().join("schemas").exists());
}

#[test]
fn types_are_those_of_the_mapping() {
    let (status, stdout, _) = run(&mut zerobus(&["types"]));
    assert_eq!((status, stdout), (0, zerobus_schema::mapping::type_table()));
    let (_, stdout, _) = run(&mut zerobus(&["types", "--format", "json"]));
    let json: serde_json::Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(json["version"], 1);
    assert_eq!(
        json["types"].as_array().unwrap().len(),
        zerobus_schema::mapping::TYPES.len()
    );
}
