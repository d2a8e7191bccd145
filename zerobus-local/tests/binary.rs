//! The binary: its ready line, its signals, its refusals.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

const SEED: &str = "CREATE TABLE main.default.t (a INT NOT NULL);\n";

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zerobus-local"));
    command.args(arguments).env_remove("ZEROBUS_LOCAL_CLIENT");
    command
}

/// On a port that is free.
const ANYWHERE: [&str; 2] = ["--listen", "127.0.0.1:0"];

fn refused(arguments: &[&str]) -> (i32, String) {
    let Output {
        status,
        stderr,
        stdout,
    } = command(arguments).output().unwrap();
    assert!(stdout.is_empty());
    (status.code().unwrap(), String::from_utf8(stderr).unwrap())
}

/// A server that runs, and is killed if the test fails.
struct Running {
    child: Child,
    ready: String,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments)
            .args(ANYWHERE)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut ready = String::new();
        let mut stdout = BufReader::new(child.stdout.as_mut().unwrap());
        stdout.read_line(&mut ready).unwrap();
        Self { child, ready }
    }

    #[cfg(unix)]
    fn terminate(&mut self) -> i32 {
        let pid = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-TERM", &pid])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The answer of the server whose ready line this is.
fn get(ready: &str, path: &str) -> String {
    let ready: Value = serde_json::from_str(ready).unwrap();
    let address = ready["url"].as_str().unwrap();
    let mut connection = TcpStream::connect(address.strip_prefix("http://").unwrap()).unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
    connection.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).unwrap();
    answer
}

fn path(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[cfg(unix)]
#[test]
fn it_says_when_it_is_ready_and_stops_when_told_to() {
    let folder = TempDir::new().unwrap();
    let data = folder.path().join("data");
    let seed = folder.path().join("seed.sql");
    let ready_file = folder.path().join("ready.json");
    fs::write(&seed, SEED).unwrap();
    let mut server = Running::start(&[
        "--data",
        path(&data),
        "--seed",
        path(&seed),
        "--ready-file",
        path(&ready_file),
    ]);
    let ready: Value = serde_json::from_str(&server.ready).unwrap();
    assert_eq!(fs::read_to_string(&ready_file).unwrap(), server.ready);
    assert!(
        server.ready.starts_with("{\"url\": \"http://127.0.0.1:"),
        "{}",
        server.ready
    );
    assert_eq!(ready["tls_url"], Value::Null);
    assert_eq!(ready["ca"], Value::Null);
    let data = fs::canonicalize(data).unwrap();
    assert_eq!(ready["data"], path(&data));
    assert!(data.join("main/default/t/_delta_log").is_dir());

    let answer = get(&server.ready, "/ready");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    let [listen, address] = ANYWHERE;
    let (status, stderr) = refused(&["--data", path(&data), listen, address]);
    assert_eq!(status, 3);
    assert!(stderr.contains("in use by another server"), "{stderr}");

    assert_eq!(server.terminate(), 0);
    let mut said = String::new();
    server
        .child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert!(said.contains("not for production"), "{said}");
    let url = ready["url"].as_str().unwrap();
    assert!(said.contains(&format!("{url}/ ")), "{said}");
    assert!(!ready_file.exists());
}

#[test]
fn the_default_address_is_fixed_and_who_finds_it_taken_is_told_what_to_do() {
    let folder = TempDir::new().unwrap();
    // By this, or by whoever has it already.
    let _taken = TcpListener::bind("127.0.0.1:8844");
    let (status, stderr) = refused(&["--data", path(&folder.path().join("data"))]);
    assert_eq!(status, 3);
    let problem = "cannot listen on 127.0.0.1:8844: ";
    assert!(stderr.contains(problem), "{stderr}");
    assert!(
        stderr.contains("choose another port, or 0 for a free one"),
        "{stderr}"
    );
    assert!(!folder.path().join("data").exists());

    let _taken = TcpListener::bind("127.0.0.1:8845");
    let [listen, address] = ANYWHERE;
    let (status, stderr) = refused(&["--data", path(folder.path()), "--tls", listen, address]);
    assert_eq!(status, 3);
    assert!(
        stderr.contains("cannot listen on 127.0.0.1:8845: "),
        "{stderr}"
    );
}

#[test]
fn the_ready_line_tells_of_tls_where_it_was_asked_for() {
    let folder = TempDir::new().unwrap();
    let server = Running::start(&["--data", path(folder.path()), "--tls-listen", "localhost:0"]);
    let ready: Value = serde_json::from_str(&server.ready).unwrap();
    let tls_url = ready["tls_url"].as_str().unwrap();
    assert!(tls_url.starts_with("https://127.0.0.1:"), "{tls_url}");
    let ca = fs::read_to_string(ready["ca"].as_str().unwrap()).unwrap();
    assert!(ca.starts_with("-----BEGIN CERTIFICATE-----"), "{ca}");
}

#[test]
fn a_seed_with_a_mistake_is_named_with_file_line_and_column() {
    let folder = TempDir::new().unwrap();
    let seed = folder.path().join("seed.sql");
    fs::write(
        &seed,
        format!("{SEED}CREATE TABLE main.default.u (\n  b,\n);\n"),
    )
    .unwrap();
    let data = folder.path().join("data");
    let (status, stderr) = refused(&["--data", path(&data), "--seed", path(&seed)]);
    assert_eq!(status, 3);
    assert!(
        stderr.contains(&format!("{}:3:4: ", seed.display())),
        "{stderr}"
    );
}

#[test]
fn a_folder_of_snapshots_and_statements_seeds_their_tables() {
    let folder = TempDir::new().unwrap();
    let schemas = folder.path().join("schemas");
    let data = folder.path().join("data");
    fs::create_dir(&schemas).unwrap();
    fs::copy(
        "tests/kill/events.json",
        schemas.join("main.default.events.json"),
    )
    .unwrap();
    fs::write(schemas.join("more.sql"), SEED).unwrap();
    fs::write(schemas.join("README.md"), "no seed").unwrap();
    let arguments = ["--data", path(&data), "--seed", path(&schemas)];
    drop(Running::start(&arguments));
    for table in ["events", "t"] {
        assert!(
            data.join("main/default")
                .join(table)
                .join("_delta_log")
                .is_dir(),
            "{table}"
        );
    }
    let broken = schemas.join("broken.json");
    fs::write(&broken, "{}").unwrap();
    let (status, stderr) = refused(&arguments);
    assert_eq!(status, 3);
    assert!(
        stderr.contains(&format!("{}: ", broken.display())),
        "{stderr}"
    );
}

#[test]
fn faults_come_from_a_file() {
    let folder = TempDir::new().unwrap();
    let faults = folder.path().join("faults.json");
    let data = folder.path().join("data");
    let arguments = ["--data", path(&data), "--faults", path(&faults)];
    fs::write(&faults, r#"{"faults": [{"fault": "nonsense"}]}"#).unwrap();
    let (status, stderr) = refused(&arguments);
    assert_eq!(status, 2);
    let problem = format!(
        "{}: faults[0]: there is no fault \"nonsense\"",
        faults.display()
    );
    assert!(stderr.contains(&problem), "{stderr}");

    fs::write(
        &faults,
        r#"{"faults": [{"fault": "internal", "times": 3}]}"#,
    )
    .unwrap();
    let server = Running::start(&arguments);
    let answer = get(&server.ready, "/faults");
    assert!(answer.contains("\"times\":3"), "{answer}");
}

#[test]
fn wrong_usage_has_a_status_of_its_own_and_shows_no_secret() {
    for arguments in [
        &[][..],
        &["--data"],
        &["--nonsense"],
        &["--data", "x", "--listen", "nowhere"],
        &["--data", "x", "--client", "hunter2"],
    ] {
        let (status, stderr) = refused(arguments);
        assert_eq!(status, 2, "{arguments:?}");
        // What is wrong stays in sight.
        assert!(
            stderr.contains("Usage: zerobus-local --data DIR"),
            "{stderr}"
        );
        assert!(stderr.lines().count() <= 4, "{stderr}");
        assert!(!stderr.contains("hunter2"), "{stderr}");
    }
    for (flag, unit) in [
        ("--commit-interval", "milliseconds"),
        ("--compact-after", "seconds, or never"),
        ("--token-lifetime", "seconds"),
        ("--pending-mib", "MiB"),
    ] {
        let (status, stderr) = refused(&["--data", "x", flag, "1.5"]);
        assert_eq!(status, 2, "{flag}");
        let said = format!("{flag} must be a whole number of {unit}, not \"1.5\"");
        assert!(stderr.contains(&said), "{stderr}");
    }
}

#[test]
fn help_goes_to_stdout_and_the_readme_has_all_of_it() {
    let output = command(&["--help"]).output().unwrap();
    assert!(output.status.success());
    let help = String::from_utf8(output.stdout).unwrap();
    assert!(help.starts_with("Usage: zerobus-local"));
    let readme = include_str!("../README.md");
    let flags = help.lines().filter_map(|line| line.strip_prefix("  --"));
    let flags: Vec<_> = flags.map(|flag| flag.split("  ").next().unwrap()).collect();
    assert!(flags.len() > 10, "{flags:?}");
    for flag in flags {
        assert!(readme.contains(&format!("`--{flag}`")), "--{flag}");
    }
}
