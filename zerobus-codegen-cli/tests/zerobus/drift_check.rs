//! The files of `examples/drift-check`: each command that they contain is run, as it stands there.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use zerobus_schema::{Snapshot, TableRef, catalog};

use crate::live::Catalog;
use crate::{run, zerobus};

const WORKFLOW: &str = ".github/workflows/drift.yml";
const GITLAB: &str = ".gitlab-ci.yml";
const PRE_COMMIT: &str = ".pre-commit-config.yaml";
const SNAPSHOT: &str = "schemas/main.default.air_quality.json";

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/drift-check")
}

/// A repository with the example in it, `origin/main` at its first commit, and a workspace that has the table.
struct Repository {
    folder: tempfile::TempDir,
    catalog: Catalog,
}

impl Repository {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&example(), folder.path());
        let json = fs::read_to_string(folder.path().join(SNAPSHOT)).unwrap();
        let mut table = Snapshot::parse(&json).unwrap().schema().clone();
        table.table = Some(TableRef::parse("prod.iot.air_quality").unwrap());
        let answer = catalog::table_to_json(&table).to_string();
        let repository = Self {
            folder,
            catalog: Catalog::with("prod.iot.air_quality", answer),
        };
        repository.git(&["init", "--quiet"]);
        repository.git(&["add", "--all"]);
        repository.git(&[
            "-c",
            "user.name=t",
            "-c",
            "user.email=t@t",
            "commit",
            "--quiet",
            "-m",
            "first",
        ]);
        repository.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
        repository
    }

    fn git(&self, args: &[&str]) {
        let output = Command::new("git")
            .args(args)
            .current_dir(self.folder.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    fn path(&self, file: &str) -> PathBuf {
        self.folder.path().join(file)
    }

    /// Runs a command line as a runner does, with `zerobus` on the path.
    fn shell(&self, line: &str) -> (i32, String, String) {
        let own = Path::new(env!("CARGO_BIN_EXE_zerobus")).parent().unwrap();
        let path = std::env::var("PATH").unwrap_or_default();
        // The environment of `zerobus` is that of the tests: no workspace but this one.
        let mut command = zerobus(&[]);
        let environment: Vec<_> = command
            .get_envs()
            .map(|(key, value)| (key.to_owned(), value.map(ToOwned::to_owned)))
            .collect();
        command = Command::new("sh");
        command
            .args(["-e", "-c", line])
            .current_dir(self.folder.path());
        for (key, value) in environment {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        command
            .env("PATH", format!("{}:{path}", own.display()))
            .env("GITHUB_BASE_REF", "main")
            .env("CI_MERGE_REQUEST_TARGET_BRANCH_NAME", "main");
        run(self.catalog.access(&mut command, "hush"))
    }
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Every line of a shell that a file has, but for the installation.
fn commands(file: &str) -> Vec<String> {
    let text = fs::read_to_string(example().join(file)).unwrap();
    let line = |line: &str| {
        let line = line.trim();
        let line = line.strip_prefix("- ").unwrap_or(line);
        let line = ["run: ", "entry: "]
            .iter()
            .find_map(|key| line.strip_prefix(key))
            .unwrap_or(line);
        line.starts_with("zerobus ").then(|| line.to_owned())
    };
    let found: Vec<String> = text.lines().filter_map(line).collect();
    let mentions = text
        .lines()
        .filter(|line| !line.trim_start().starts_with('#') && line.contains("zerobus check"));
    assert_eq!(
        found.len(),
        mentions.count(),
        "{file}: a command that is not run"
    );
    found
}

#[test]
#[cfg(unix)]
fn every_command_of_the_examples_runs_and_says_what_has_moved() {
    let repository = Repository::new();
    let all = |status: &dyn Fn(&str) -> i32| {
        for file in [WORKFLOW, GITLAB, PRE_COMMIT] {
            let commands = commands(file);
            assert!(!commands.is_empty(), "{file}");
            for line in commands {
                let (found, stdout, stderr) = repository.shell(&line);
                assert_eq!(found, status(&line), "{file}: {line}\n{stdout}{stderr}");
            }
        }
    };
    all(&|_| 0);

    // A column that a running producer fills is taken out of the snapshot, and nothing else follows.
    let json = fs::read_to_string(repository.path(SNAPSHOT)).unwrap();
    let snapshot = Snapshot::parse(&json).unwrap();
    let mut table = snapshot.schema().clone();
    table
        .columns
        .fields
        .retain(|field| field.name != "humidity");
    fs::write(repository.path(SNAPSHOT), snapshot.update(table).to_json()).unwrap();
    all(&|line| i32::from(!line.contains("--env prod")));

    let (_, annotations, _) = repository.shell(&commands(WORKFLOW)[1]);
    let start = format!("::error file={SNAPSHOT},line=");
    assert!(annotations.starts_with(&start), "{annotations}");
    assert!(
        annotations.contains("title=FIELD_NOT_IN_TABLE"),
        "{annotations}"
    );
    assert!(
        annotations.contains("::error file=src/records.rs,line="),
        "{annotations}"
    );
    let read = |file: &str| fs::read_to_string(repository.path(file)).unwrap();
    let issues: Value = serde_json::from_str(&read("drift.json")).unwrap();
    assert_eq!(issues[0]["location"]["path"], SNAPSHOT);
    let locked = read("locked.xml");
    assert!(
        locked.contains("<failure") && locked.contains("OUTPUT_STALE"),
        "{locked}"
    );

    // What the snapshot no longer says, the live table still has: for a producer of the snapshot that is one more column.
    let sarif: Value = serde_json::from_str(&read("drift.sarif")).unwrap();
    assert_eq!(sarif["runs"][0]["results"][0]["ruleId"], "COLUMN_ADDED");

    // From a folder below, annotations lie where they lie in the repository.
    let (_, below, _) = repository.shell(&format!("cd src && {}", commands(WORKFLOW)[1]));
    assert_eq!(below, annotations);

    // Generated and committed, it is only said to be breaking against the base.
    assert_eq!(repository.shell("zerobus generate").0, 0);
    all(&|line| i32::from(line.contains("--against")));
}
