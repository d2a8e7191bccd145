//! `zerobus check` in its three ways, `zerobus.toml`, and `generate --check`.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::live::Catalog;
use crate::{run, zerobus};

/// A folder with one snapshot and a configuration.
fn project(ddl: &str, config: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    pull(folder.path(), ddl);
    fs::write(folder.path().join("zerobus.toml"), config).unwrap();
    folder
}

fn pull(folder: &Path, ddl: &str) {
    fs::write(folder.join("table.sql"), ddl).unwrap();
    let (status, _, stderr) = run(zerobus(&["pull", "table.sql"]).current_dir(folder));
    assert_eq!(status, 0, "{stderr}");
}

fn check(folder: &Path, args: &[&str]) -> (i32, String, String) {
    run(zerobus(&["check"]).args(args).current_dir(folder))
}

fn rules(stdout: &str) -> Vec<String> {
    let answer: Value = serde_json::from_str(stdout).unwrap();
    let findings = answer["findings"].as_array().unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    findings
        .iter()
        .map(|finding| {
            format!(
                "{} {} {}",
                text(&finding["table"]),
                text(&finding["rule"]),
                text(&finding["path"])
            )
        })
        .collect()
}

const DDL: &str = "CREATE TABLE main.default.t (id BIGINT NOT NULL)";

#[test]
fn a_live_table_that_moved_is_a_finding_and_one_that_cannot_be_read_is_not_fine() {
    let catalog = Catalog::start();
    let live = |folder: &Path, secret: &str, args: &[&str]| {
        let mut command = zerobus(&["check"]);
        command.args(args).current_dir(folder);
        run(catalog.access(&mut command, secret))
    };
    let folder = project(DDL, "");
    let (status, stdout, stderr) = live(folder.path(), "hush", &[]);
    assert_eq!(
        (status, stdout.as_str()),
        (0, "main.default.t: nothing to report\n"),
        "{stderr}"
    );

    pull(
        folder.path(),
        "CREATE TABLE main.default.t (id BIGINT, note STRING)",
    );
    let (status, stdout, _) = live(folder.path(), "hush", &["--format", "json"]);
    assert_eq!(status, 1);
    assert_eq!(
        rules(&stdout),
        [
            "main.default.t NULLABILITY_TIGHTENED id",
            "main.default.t FIELD_NOT_IN_TABLE note"
        ]
    );

    // What could not be told is told beside the rest, and is status 3.
    let (status, stdout, stderr) = live(folder.path(), "wrong", &["--format", "json"]);
    assert_eq!(status, 3);
    assert!(
        stderr.contains("refused the client id and secret"),
        "{stderr}"
    );
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(answer["compatible"], false);
    assert_eq!(answer["errors"][0]["table"], "main.default.t");

    // A table that is gone is a finding, under the name that it has in the environment.
    let config = "[[table]]\nname = \"main.default.t\"\nenvironments = { prod = \"prod.x.t\", test = \"main.default.t\" }\n";
    fs::write(folder.path().join("zerobus.toml"), config).unwrap();
    let (status, stdout, _) = live(
        folder.path(),
        "hush",
        &["--env", "prod", "--format", "json"],
    );
    assert_eq!(
        (status, rules(&stdout)),
        (1, vec!["main.default.t TABLE_GONE ".to_owned()])
    );
    let (status, stdout, _) = live(
        folder.path(),
        "hush",
        &["--env", "test", "--format", "json"],
    );
    assert_eq!((status, rules(&stdout).len()), (1, 2));
    let (status, _, stderr) = live(folder.path(), "hush", &["--env", "dev"]);
    assert_eq!(status, 2);
    assert!(stderr.contains("it names prod, test"), "{stderr}");

    // And `pull` keeps the snapshot's own name.
    let mut command = zerobus(&["pull", "--env", "test"]);
    let (status, stdout, stderr) = run(catalog.access(command.current_dir(folder.path()), "hush"));
    let file = Path::new("schemas").join("main.default.t.json");
    assert_eq!(
        (status, stdout),
        (0, format!("updated {}\n", file.display())),
        "{stderr}"
    );
}

#[test]
fn approvals_let_findings_pass_until_they_expire_or_are_not_needed() {
    let catalog = Catalog::start();
    let folder = project(
        "CREATE TABLE main.default.t (id BIGINT NOT NULL, note STRING)",
        "",
    );
    let with = |approvals: &str| {
        fs::write(folder.path().join("zerobus.toml"), approvals).unwrap();
        let mut command = zerobus(&["check", "--format", "json"]);
        command.current_dir(folder.path());
        let (status, stdout, stderr) = run(catalog.access(&mut command, "hush"));
        (status, stdout, stderr)
    };
    let approval = |path: &str, expires: &str| {
        format!(
            "[[approval]]\nrule = \"FIELD_NOT_IN_TABLE\"\npath = \"{path}\"\nreason = \"on its way out\"\nexpires = {expires}\n"
        )
    };
    assert_eq!(with("").0, 1);

    let (status, stdout, _) = with(&approval("note", "9999-12-31"));
    assert_eq!((status, rules(&stdout).len()), (0, 1));
    assert!(
        stdout.contains("\"approved\": \"on its way out\""),
        "{stdout}"
    );

    let (status, stdout, _) = with(&approval("note", "2020-02-29"));
    assert_eq!(status, 1);
    assert_eq!(rules(&stdout)[1], "zerobus.toml APPROVAL_EXPIRED ");

    let (_, stdout, _) = with(&(approval("note", "9999-12-31") + &approval("other", "9999-12-31")));
    assert_eq!(rules(&stdout)[1], "zerobus.toml APPROVAL_UNUSED ");
    let answer: Value = serde_json::from_str(&stdout).unwrap();
    assert_eq!(
        (
            &answer["findings"][1]["file"],
            &answer["findings"][1]["line"]
        ),
        (&"zerobus.toml".into(), &6.into())
    );

    for (text, part) in [
        (
            "[[approval]]\nrule = \"X\"",
            "zerobus.toml:2:8: there is no rule `X`",
        ),
        (
            "[[approval]]\nrule = \"TABLE_GONE\"\nexpires = 2030-01-01",
            "`reason` is missing",
        ),
        (
            "[[approval]]\nrule = \"TABLE_GONE\"\nreason = \"r\"",
            "`expires` is missing",
        ),
        (
            "[[approval]]\nrule = \"TABLE_GONE\"\nreason = \"r\"\nexpires = \"soon\"",
            "zerobus.toml:4:11: expected `expires` to be a date",
        ),
        (
            "schema = \"x\"",
            "zerobus.toml:1:1: `schema` is not known here; known are schemas",
        ),
        (
            "schemas = 3",
            "expected `schemas` to be a string, found integer",
        ),
        (
            "[[output]]\nkind = \"xml\"",
            "zerobus.toml:2:8: expected proto, rust, descriptor or ddl",
        ),
        (
            "[[table]]\nname = \"t\"",
            "zerobus.toml:2:8: `t` is not a table name",
        ),
        ("x = ", "zerobus.toml:1:"),
    ] {
        let (status, stdout, stderr) = with(text);
        assert_eq!((status, stdout.as_str()), (2, ""), "{text}");
        assert!(stderr.contains(part), "{text}: {stderr}");
    }
}

const OUTPUTS: &str = "
schemas = \"s\"
code = [\"src\"]

[[table]]
name = \"main.default.t\"

[[output]]
kind = \"proto\"
path = \"gen/{table}.proto\"
message = \"Row\"

[[output]]
kind = \"rust\"
path = \"src/t.rs\"
record_crate = \"zerobus_record\"
";

#[test]
fn locked_holds_snapshots_outputs_and_code_to_each_other() {
    let folder = project(DDL, OUTPUTS);
    let file = |name: &str| folder.path().join(name);
    let locked = || {
        let (status, stdout, stderr) = check(folder.path(), &["--locked", "--format", "json"]);
        assert!(!stdout.is_empty(), "{stderr}");
        (status, rules(&stdout))
    };
    fs::create_dir(file("src")).unwrap();
    // The snapshot was pulled before the configuration named another folder.
    assert_eq!(
        locked(),
        (1, vec!["main.default.t SNAPSHOT_MISSING ".to_owned()])
    );
    fs::rename(file("schemas"), file("s")).unwrap();
    let (status, found) = locked();
    assert_eq!(status, 1);
    assert_eq!(
        found,
        ["gen/t.proto OUTPUT_MISSING ", "src/t.rs OUTPUT_MISSING "]
    );

    // From a folder below, the configuration is found, and its paths hold.
    let (status, _, stderr) = run(zerobus(&["generate"]).current_dir(file("src")));
    assert_eq!(status, 0, "{stderr}");
    assert_eq!(locked(), (0, Vec::new()));
    let proto = fs::read_to_string(file("gen/t.proto")).unwrap();
    assert_eq!(
        proto,
        "syntax = \"proto2\";\n\nmessage Row {\n  required int64 id = 1;\n}\n"
    );
    let generate_check =
        |args: &[&str]| run(zerobus(&["generate"]).args(args).current_dir(folder.path()));
    assert_eq!(generate_check(&["--check"]).0, 0);

    fs::write(file("gen/t.proto"), proto.replace("Row", "Other")).unwrap();
    assert_eq!(locked(), (1, vec!["gen/t.proto OUTPUT_STALE ".to_owned()]));
    let (status, stdout, _) = generate_check(&["proto", "--check"]);
    assert_eq!(
        (status, stdout),
        (
            1,
            format!("stale {}:3\n", Path::new("gen/t.proto").display())
        )
    );
    assert_eq!(generate_check(&["rust", "--check"]).0, 0);
    assert_eq!(generate_check(&["ddl", "--check"]).0, 2);
    assert_eq!(generate_check(&["proto"]).0, 0);

    // A record of a table without a snapshot.
    fs::write(
        file("src/o.rs"),
        "#[zerobus(table = \"main.default.other\")]\nstruct O;",
    )
    .unwrap();
    assert_eq!(
        locked(),
        (1, vec!["main.default.other SNAPSHOT_MISSING ".to_owned()])
    );
    fs::remove_file(file("src/o.rs")).unwrap();

    // A snapshot edited by hand says the same; one that is broken says nothing.
    let snapshot = file("s/main.default.t.json");
    let text = fs::read_to_string(&snapshot).unwrap();
    fs::write(&snapshot, text.replace("\n  ", "\n")).unwrap();
    assert_eq!(
        locked(),
        (0, vec!["main.default.t SNAPSHOT_NOT_CANONICAL ".to_owned()])
    );
    fs::write(&snapshot, "{").unwrap();
    assert_eq!(locked().0, 3);
}

#[test]
fn a_file_named_on_the_command_line_can_be_checked_too() {
    let folder = project(DDL, "");
    let generate = |args: &[&str]| {
        run(zerobus(&["generate", "proto", "table.sql"])
            .args(args)
            .current_dir(folder.path()))
    };
    let (status, stdout, _) = generate(&["-o", "t.proto", "--check"]);
    assert_eq!((status, stdout.as_str()), (1, "missing t.proto\n"));
    assert_eq!(generate(&["-o", "t.proto"]).0, 0);
    assert_eq!(generate(&["-o", "t.proto", "--check"]).0, 0);
    assert_eq!(generate(&["--check"]).0, 2);
    let (_, _, stderr) = generate(&["-o", "t.proto"]);
    assert_eq!(stderr, "unchanged t.proto\n");
}

#[test]
fn snapshots_are_compared_with_those_of_a_revision() {
    let folder = project(DDL, "");
    let git = |args: &[&str]| {
        let mut command = Command::new("git");
        command
            .args(["-c", "user.name=t", "-c", "user.email=t@t"])
            .args(args);
        let output = command.current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    };
    git(&["init", "--quiet"]);
    git(&["add", "."]);
    git(&["commit", "--quiet", "-m", "first"]);
    let against = |args: &[&str]| {
        let (status, stdout, stderr) = check(
            folder.path(),
            &[&["--format", "json", "--against"], args].concat(),
        );
        (
            status,
            if stdout.is_empty() {
                vec![stderr]
            } else {
                rules(&stdout)
            },
        )
    };
    assert_eq!(against(&["git:HEAD"]), (0, Vec::new()));

    pull(
        folder.path(),
        "CREATE TABLE main.default.t (id BIGINT NOT NULL, more INT)",
    );
    pull(folder.path(), "CREATE TABLE main.default.u (id BIGINT)");
    assert_eq!(
        against(&["git:HEAD", "--fail-on", "any"]),
        (
            1,
            vec![
                "main.default.t COLUMN_ADDED more".to_owned(),
                "main.default.u TABLE_ADDED ".to_owned()
            ]
        )
    );
    assert_eq!(
        against(&["git:HEAD", "main.default.u"]).1,
        ["main.default.u TABLE_ADDED "]
    );
    fs::remove_file(folder.path().join("schemas/main.default.t.json")).unwrap();
    assert_eq!(
        against(&["git:HEAD"]),
        (
            1,
            vec![
                "main.default.t TABLE_GONE ".to_owned(),
                "main.default.u TABLE_ADDED ".to_owned()
            ]
        )
    );

    let (status, said) = against(&["git:no-such-branch"]);
    assert_eq!(status, 3, "{said:?}");
    for wrong in ["HEAD", "git:", "git:--output=x", "git:HEAD:x"] {
        assert_eq!(against(&[wrong]).0, 2, "{wrong}");
    }
    assert_eq!(against(&["git:HEAD", "--locked"]).0, 2);
}
