//! What a crash has left in a spool, sent later.

use std::path::Path;

use serde_json::Value;
use zerobus_client::{Client, JsonString, Spool};
use zerobus_local::{Fault, FaultRule, LocalZerobus};

use crate::{run, zerobus};

const DDL: &str = "CREATE TABLE main.default.t (id BIGINT)";

#[derive(serde::Deserialize)]
struct Row {
    id: i64,
}

/// Leaves ten records in the spool of each of these streams: the server goes away before it takes anything.
async fn leave(folders: &[&Path]) {
    let server = LocalZerobus::builder()
        .table_ddl(DDL)
        .start()
        .await
        .unwrap();
    server.fail(FaultRule::new(Fault::Unavailable));
    let client = Client::builder()
        .endpoint(server.url())
        .oauth("id", "secret")
        .build()
        .unwrap();
    for folder in folders {
        let stream = client
            .json_stream("main.default.t")
            .spool(Spool::at(*folder));
        let mut stream = stream
            .configure(|options| options.recovery = false)
            .open()
            .await
            .unwrap();
        for id in 0..10 {
            let record = JsonString(format!("{{\"id\": {id}}}"));
            stream.ingest_record(&record).await.unwrap();
        }
        stream.flush().await.unwrap_err();
    }
}

fn json(stdout: &str) -> Value {
    serde_json::from_str(stdout).unwrap()
}

#[test]
fn a_spool_is_told_of_sent_and_empty_then() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().to_str().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(leave(&[folder.path(), &folder.path().join("lane-3")]));

    let (status, stdout, stderr) = run(&mut zerobus(&["replay", path, "--dry-run"]));
    assert_eq!((status, stderr.as_str()), (0, ""));
    assert_eq!(
        stdout.matches("main.default.t: 10 records, ").count(),
        2,
        "{stdout}"
    );
    let (status, stdout, _) = run(&mut zerobus(&[
        "replay",
        path,
        "--dry-run",
        "--format",
        "json",
    ]));
    assert_eq!(status, 0);
    let told = json(&stdout);
    assert_eq!(told["version"], 1);
    assert_eq!(told["spools"][0]["records"], 10);
    assert_eq!(told["spools"][0]["sent"], Value::Null);
    assert_eq!(told["spools"][1]["folder"], format!("{path}/lane-3"));

    // Where there is no such table all of it stays.
    let other = LocalZerobus::builder().table_ddl("CREATE TABLE main.default.other (id BIGINT)");
    let other = runtime.block_on(other.start()).unwrap();
    let url = other.url();
    let mut nowhere = zerobus(&["replay", path, "--endpoint", &url]);
    let (status, _, stderr) =
        run(nowhere.args(["--client-id", "id", "--client-secret", "hunter2"]));
    assert_eq!(status, 3);
    assert!(
        stderr.contains("still there") && !stderr.contains("hunter2"),
        "{stderr}"
    );

    let server = runtime
        .block_on(LocalZerobus::builder().table_ddl(DDL).start())
        .unwrap();
    let url = server.url();
    let access = ["--client-id", "id", "--client-secret", "secret"];
    let mut replay = zerobus(&["replay", path, "--endpoint", &url]);
    let (status, stdout, stderr) = run(replay.args(access));
    assert_eq!((status, stderr.as_str()), (0, ""), "{stdout}");
    assert_eq!(
        stdout
            .matches("main.default.t: 10 records sent and acked")
            .count(),
        2,
        "{stdout}"
    );
    let rows: Vec<Row> = runtime.block_on(server.rows("main.default.t")).unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.id).collect();
    assert_eq!(ids, (0..10).chain(0..10).collect::<Vec<_>>());

    let (status, stdout, _) = run(&mut zerobus(&["replay", path]));
    assert_eq!((status, stdout.as_str()), (0, "nothing is left to send\n"));
    let (status, _, stderr) = run(&mut zerobus(&["replay", "no/such/folder"]));
    assert_eq!(status, 3);
    assert!(stderr.contains("no/such/folder"), "{stderr}");
}
