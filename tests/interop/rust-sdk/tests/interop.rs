//! The official SDK, pointed at the local server, and what lies in the table afterwards.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;
use zerobus_interop_rust_sdk::rows::rows;
use zerobus_local::{Fault, LocalZerobus};
use zerobus_schema::{ddl, mapping};

const DDL: &str = include_str!("../table.sql");
const TABLE: &str = "main.default.sdk";
const COUNT: i64 = 40;

async fn server() -> (LocalZerobus, TempDir) {
    let data = TempDir::new().unwrap();
    let server = LocalZerobus::builder()
        .data(data.path())
        .table_ddl(DDL)
        .client("interop", "local")
        .tls_listen("127.0.0.1:0".parse().unwrap())
        .start()
        .await
        .unwrap();
    (server, data)
}

/// The message that the table's rows are, as a file.
fn descriptor(folder: &Path) -> String {
    let table = ddl::parse_create_table(DDL).unwrap();
    let message = mapping::message(&table, &mapping::MappingOptions::default()).unwrap();
    let path = folder.join("sdk.descriptor");
    std::fs::write(&path, message.descriptor()).unwrap();
    path.display().to_string()
}

async fn write(server: &LocalZerobus, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_zerobus-interop-rust-sdk"));
    command.args(args);
    command.env("SSL_CERT_FILE", server.ca_certificate().unwrap());
    tokio::task::spawn_blocking(move || command.output().unwrap())
        .await
        .unwrap()
}

async fn assert_writes(server: &LocalZerobus, args: &[&str]) {
    let output = write(server, args).await;
    let problem = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {problem}");
}

async fn stored(server: &LocalZerobus) -> Vec<Value> {
    let mut stored: Vec<Value> = server.rows(TABLE).await.unwrap();
    stored.sort_by_key(|row| row["id"].as_i64());
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_arrive_in_each_format_over_plaintext_and_tls() {
    let (server, folder) = server().await;
    let descriptor = descriptor(folder.path());
    let mut first = 1;
    for url in [server.url(), server.tls_url().unwrap()] {
        for format in ["proto", "dynamic", "json"] {
            let args = [
                &url,
                format,
                &first.to_string(),
                &COUNT.to_string(),
                &descriptor,
            ];
            assert_writes(&server, &args).await;
            first += COUNT;
        }
    }
    let expected: Vec<Value> = rows(1, first - 1).iter().map(|row| row.stored()).collect();
    for (stored, expected) in stored(&server).await.iter().zip(&expected) {
        assert_eq!(stored, expected);
    }
    assert_eq!(stored(&server).await.len(), expected.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lost_connection_loses_nothing() {
    let (server, folder) = server().await;
    let descriptor = descriptor(folder.path());
    server.fail_next(Fault::Disconnect);
    assert_writes(&server, &[&server.url(), "proto", "1", "40", &descriptor]).await;
    let mut ids: Vec<_> = stored(&server)
        .await
        .iter()
        .map(|row| row["id"].as_i64().unwrap())
        .collect();
    // What was stored and not acked is sent again.
    ids.dedup();
    assert_eq!(ids, (1..=COUNT).collect::<Vec<_>>());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_ca_is_not_trusted_gets_nothing() {
    let (server, _folder) = server().await;
    let output = Command::new(env!("CARGO_BIN_EXE_zerobus-interop-rust-sdk"))
        .args([&server.tls_url().unwrap(), "json", "1", "4"])
        .env_remove("SSL_CERT_FILE")
        .output()
        .unwrap();
    assert!(!output.status.success());
    assert_eq!(stored(&server).await.len(), 0);
}
