//! Tables that somebody else changes while streams write to them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tonic::Code;
use zerobus_local::Fault;
use zerobus_proto::RecordType;
use zerobus_schema::{ddl, mapping};

use crate::Local;
use crate::client::{Client, bytes, json as json_record};
use crate::http::{catalog_bearer, request};

const TABLE: &str = "main.default.t";
const DDL: &str = "CREATE TABLE main.default.t (a INT NOT NULL, b STRING)";

fn descriptor(ddl: &str) -> Vec<u8> {
    let table = ddl::parse_create_table(ddl).unwrap();
    let message = mapping::message(&table, &mapping::MappingOptions::default());
    message.unwrap().descriptor()
}

/// A record with field 1 alone.
fn a(value: u8) -> Vec<u8> {
    vec![0x08, value]
}

async fn open(local: &Local, ddl: &str) -> Client {
    Client::open_table(&local.server, TABLE, RecordType::Proto, descriptor(ddl)).await
}

fn log(local: &Local) -> PathBuf {
    local
        .server
        .table_dir(&TABLE.parse().unwrap())
        .join("_delta_log")
}

fn entries(log: &Path) -> Vec<PathBuf> {
    let names = fs::read_dir(log)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut names: Vec<_> = names
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    names.sort();
    names
}

/// Another writer's next entry: the table with other columns.
fn set_columns(local: &Local, fields: Value) {
    let log = log(local);
    let entries = entries(&log);
    let first = fs::read_to_string(&entries[0]).unwrap();
    let metadata = first
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let mut metadata = metadata
        .into_iter()
        .find(|action| !action["metaData"].is_null())
        .unwrap();
    metadata["metaData"]["schemaString"] = json!({"type": "struct", "fields": fields})
        .to_string()
        .into();
    let entry = log.join(format!("{:020}.json", entries.len()));
    fs::write(entry, metadata.to_string()).unwrap();
}

fn field(name: &str, data_type: &str, nullable: bool) -> Value {
    json!({"name": name, "type": data_type, "nullable": nullable, "metadata": {}})
}

async fn columns_in_catalog(local: &Local) -> Vec<String> {
    let bearer = catalog_bearer(&local.server).await;
    let path = format!("/api/2.1/unity-catalog/tables/{TABLE}");
    let info = request(&local.server, "GET", &path, &[&bearer], "")
        .await
        .json();
    let columns = info["columns"].as_array().unwrap().iter();
    columns
        .map(|column| column["name"].as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn a_column_that_comes_while_streams_are_open_is_null_in_their_rows() {
    let local = Local::with(DDL).await;
    let mut client = open(&local, DDL).await;
    let mut json_client =
        Client::open_table(&local.server, TABLE, RecordType::Json, Vec::new()).await;
    local.server.fail_next(Fault::AlterTable);
    client.send(bytes(0, a(1))).await;
    assert_eq!(client.acked().await, 0);
    json_client
        .send(json_record(0, r#"{"a": 2, "b": "x"}"#))
        .await;
    assert_eq!(json_client.acked().await, 0);
    assert_eq!(columns_in_catalog(&local).await, ["a", "b", "added_1"]);

    // Who comes later knows of it.
    let mut later = open(
        &local,
        "CREATE TABLE main.default.t (a INT NOT NULL, b STRING, added_1 STRING)",
    )
    .await;
    later
        .send(bytes(0, [a(3), vec![0x1a, 1, b'y']].concat()))
        .await;
    assert_eq!(later.acked().await, 0);
    client.send(bytes(1, a(4))).await;
    assert_eq!(client.acked().await, 1);
    let rows: Vec<Value> = local.server.rows(TABLE).await.unwrap();
    assert_eq!(
        rows,
        [
            json!({"a": 1, "b": null, "added_1": null}),
            json!({"a": 2, "b": "x", "added_1": null}),
            json!({"a": 3, "b": null, "added_1": "y"}),
            json!({"a": 4, "b": null, "added_1": null}),
        ]
    );
    let local = local.restart().await;
    let rows: Vec<Value> = local.server.rows(TABLE).await.unwrap();
    assert_eq!(rows.len(), 4);
}

#[tokio::test]
async fn a_change_that_nobody_wrote_after_is_seen_by_who_opens_a_stream() {
    let local = Local::with(DDL).await;
    set_columns(
        &local,
        json!([
            field("a", "integer", false),
            field("b", "string", true),
            field("c", "long", true)
        ]),
    );
    let mut client = open(
        &local,
        "CREATE TABLE main.default.t (a INT NOT NULL, c BIGINT)",
    )
    .await;
    client.send(bytes(0, [a(1), vec![0x10, 9]].concat())).await;
    assert_eq!(client.acked().await, 0);
    let rows: Vec<Value> = local.server.rows(TABLE).await.unwrap();
    assert_eq!(rows, [json!({"a": 1, "b": null, "c": 9})]);
    assert_eq!(columns_in_catalog(&local).await, ["a", "b", "c"]);
}

#[tokio::test]
async fn a_stream_that_does_not_fit_any_more_is_told_why_and_the_others_go_on() {
    let with_b = [a(1), vec![0x12, 1, b'x']].concat();
    for (fields, cause, problem) in [
        (
            json!([field("a", "integer", false)]),
            "FIELD_NOT_IN_TABLE",
            "column b: it was dropped from the table while the stream was open",
        ),
        (
            json!([field("a", "integer", false), field("b", "long", true)]),
            "TYPE_INCOMPATIBLE",
            "column b: its type was changed in the table while the stream was open",
        ),
        (
            json!([
                field("a", "integer", false),
                field("b", "string", true),
                field("c", "string", false)
            ]),
            "MISSING_REQUIRED_COLUMN",
            "column c: it became NOT NULL in the table while the stream was open",
        ),
    ] {
        let local = Local::with(DDL).await;
        let mut client = open(&local, DDL).await;
        client.send(bytes(0, with_b.clone())).await;
        assert_eq!(client.acked().await, 0);
        set_columns(&local, fields);
        client.send(bytes(1, with_b.clone())).await;
        let (acked, status) = client.refusal().await;
        assert_eq!(
            (acked, status.code()),
            (None, Code::InvalidArgument),
            "{status}"
        );
        assert!(status.message().contains(problem), "{status}");
        assert!(
            status
                .message()
                .ends_with("Error Code: 8001, Error State: 0."),
            "{status}"
        );
        let details = String::from_utf8_lossy(status.details()).into_owned();
        assert!(details.contains(cause), "{details}");
        // The same stream, opened anew, is refused before it sends anything.
        if cause != "FIELD_NOT_IN_TABLE" {
            let refused = Client::refused_by_table(&local.server, TABLE, descriptor(DDL)).await;
            assert!(refused.message().contains(cause), "{refused}");
            continue;
        }
        let mut fitting = open(&local, "CREATE TABLE main.default.t (a INT NOT NULL)").await;
        fitting.send(bytes(0, a(2))).await;
        assert_eq!(fitting.acked().await, 0);
    }
}

#[tokio::test]
async fn settings_that_cannot_be_written_with_end_streams_and_leave_the_table_as_it_is() {
    let local = Local::with(DDL).await;
    let mut client = open(&local, DDL).await;
    let log = log(&local);
    let protocol = json!({"protocol": {"minReaderVersion": 3, "minWriterVersion": 7, "readerFeatures": ["unheardOf"],
        "writerFeatures": ["unheardOf"]}});
    fs::write(log.join(format!("{:020}.json", 1)), protocol.to_string()).unwrap();
    client.send(bytes(0, a(1))).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(
        (acked, status.code()),
        (None, Code::FailedPrecondition),
        "{status}"
    );
    assert_eq!(entries(&log).len(), 2);
}
