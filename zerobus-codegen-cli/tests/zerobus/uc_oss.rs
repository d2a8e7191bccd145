//! What servers that others wrote have answered, served again by a few lines of HTTP.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::thread;

use serde_json::Value;

use crate::{run, zerobus};

/// Status, content type, body.
type Answer = (u16, String, String);

/// Answers `GET /NAME/…` with the answer of that name, whatever follows.
fn serve(answers: BTreeMap<String, Answer>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = Arc::new(answers);
    thread::spawn(move || {
        for stream in listener.incoming() {
            let answers = Arc::clone(&answers);
            thread::spawn(move || reply(stream.unwrap(), &answers));
        }
    });
    url
}

/// The name without what cannot stand in an address.
fn address(name: &str) -> String {
    name.replace(|c: char| !c.is_ascii_alphanumeric(), "_")
}

fn reply(stream: TcpStream, answers: &BTreeMap<String, Answer>) {
    let mut reader = BufReader::new(&stream);
    let mut first = String::new();
    reader.read_line(&mut first).unwrap();
    let mut line = String::new();
    while reader.read_line(&mut line).unwrap_or(0) > 2 {
        assert!(
            !line.to_ascii_lowercase().starts_with("authorization"),
            "{line}"
        );
        line.clear();
    }
    let name = first.split('/').nth(1).unwrap_or("");
    let answer = answers.iter().find(|(known, _)| address(known) == name);
    let (status, kind, body) = answer.unwrap().1;
    let _ = write!(
        &stream,
        "HTTP/1.1 {status} X\r\ncontent-type: {kind}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// Every answer about a table, by the name of its file.
fn recorded(folder: &Path) -> BTreeMap<String, Answer> {
    let mut answers = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let file = entry.unwrap().path();
        let Ok(exchange) = serde_json::from_slice::<Value>(&fs::read(&file).unwrap()) else {
            continue;
        };
        let request = &exchange["request"];
        let path = request["path"].as_str().unwrap_or("");
        let of_table = path.starts_with("/api/2.1/unity-catalog/tables/");
        let (Some(status), true, true) = (
            exchange["status"].as_u64(),
            of_table,
            request["method"] == "GET",
        ) else {
            continue;
        };
        let body = match &exchange["body"] {
            Value::String(text) => text.clone(),
            json => json.to_string(),
        };
        let kind = exchange["content_type"].as_str().unwrap_or("").to_owned();
        let stem = file.file_stem().unwrap().to_str().unwrap().to_owned();
        answers.insert(stem, (u16::try_from(status).unwrap(), kind, body));
    }
    answers
}

#[test]
fn a_catalog_of_others_is_pulled_generated_and_checked_errors_included() {
    let Some(corpus) = std::env::var_os("ZEROBUS_CORPUS") else {
        eprintln!("ZEROBUS_CORPUS is not set: nothing served");
        return;
    };
    let answers = recorded(&Path::new(&corpus).join("uc-oss"));
    assert!(answers.len() > 100, "{}", answers.len());
    let url = serve(answers.clone());
    let (mut pulled, mut unreadable, mut refused) = (0, 0, 0);
    for (name, (status, _, body)) in &answers {
        let json: Value = serde_json::from_str(body).unwrap_or_default();
        let part = |key: &str| json[key].as_str().unwrap_or("x").to_owned();
        let table = match *status {
            200 => [part("catalog_name"), part("schema_name"), part("name")].join("."),
            _ => "main.default.t".to_owned(),
        };
        let folder = tempfile::tempdir().unwrap();
        let workspace = format!("{url}/{}", address(name));
        let ask = |args: &[&str]| {
            let mut command = zerobus(args);
            command.args([
                "--no-auth",
                "--time-limit",
                "1",
                "--workspace-url",
                &workspace,
            ]);
            run(command.current_dir(folder.path()))
        };
        let (exit, stdout, stderr) = ask(&["pull", &table]);
        if *status != 200 {
            assert_eq!((exit, stdout.as_str()), (3, ""), "{name}: {stderr}");
            let said = json["message"].as_str().unwrap_or(body);
            let start: String = said
                .split_whitespace()
                .take(4)
                .collect::<Vec<_>>()
                .join(" ");
            // A long one is cut off.
            let start: String = start.trim_end_matches('.').chars().take(60).collect();
            assert!(
                stderr.starts_with("error: ") && stderr.contains(&start),
                "{name}: {stderr}"
            );
            refused += 1;
            continue;
        }
        if exit == 3 {
            // A column that cannot be read is named, and no columns at all are not taken for an empty table.
            let named = stderr.contains("column ") || stderr.contains("lists no columns");
            assert!(named && stdout.is_empty(), "{name}: {stderr}");
            assert!(!folder.path().join("schemas").exists(), "{name}");
            unreadable += 1;
            continue;
        }
        assert_eq!(exit, 0, "{name}: {stderr}");
        let (exit, stdout, stderr) = ask(&["check", "--fail-on", "any"]);
        assert_eq!(
            (exit, stdout),
            (0, format!("{table}: nothing to report\n")),
            "{name}: {stderr}"
        );
        let (exit, _, stderr) = ask(&[
            "generate",
            "proto",
            "schemas",
            "-o",
            "t.proto",
            "--skip-unsupported",
        ]);
        assert!(
            exit == 0 || exit == 3 && stderr.contains("column "),
            "{name}: {stderr}"
        );
        let (again, _, _) = ask(&[
            "generate",
            "proto",
            "schemas",
            "-o",
            "t.proto",
            "--skip-unsupported",
            "--check",
        ]);
        assert_eq!(again, exit, "{name}");
        pulled += 1;
    }
    eprintln!("{pulled} tables pulled, {unreadable} not to be read, {refused} errors");
    assert!(
        pulled > 100 && refused > 50,
        "{pulled} pulled, {refused} refused"
    );
}
