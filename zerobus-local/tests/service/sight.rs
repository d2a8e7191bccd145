//! What the page is made of: the page itself, and the JSON that it shows.

use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zerobus_proto::RecordType;

use crate::Local;
use crate::air_quality::{DDL, TABLE, record};
use crate::client::{Client, batch, single};
use crate::http::{Answer, request};

async fn get(local: &Local, path: &str) -> Answer {
    request(&local.server, "GET", path, &[], "").await
}

pub(crate) async fn state(local: &Local) -> Value {
    let answer = get(local, "/api/local/state").await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    answer.json()
}

#[tokio::test]
async fn the_page_loads_nothing_and_lets_nothing_else_run() {
    let local = Local::start().await;
    let mut connection = TcpStream::connect(local.server.address()).await.unwrap();
    let request = "GET / HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n";
    connection.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    let (head, page) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    assert!(
        head.contains("content-type: text/html; charset=utf-8"),
        "{head}"
    );
    let mut lines = head.lines();
    let policy = lines
        .find_map(|line| line.strip_prefix("content-security-policy: "))
        .unwrap();
    let nonce = policy.split_once("script-src 'nonce-").unwrap().1;
    let nonce = nonce.split_once('\'').unwrap().0;
    assert!(nonce.len() >= 32, "{policy}");
    assert!(policy.starts_with("default-src 'none'; "), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    for tag in ["<style", "<script"] {
        assert_eq!(page.matches(tag).count(), 1);
        assert!(page.contains(&format!("{tag} nonce=\"{nonce}\">")));
    }
    // Neither loaded from elsewhere, nor made of text that may be a table's.
    let only_namespace = "http://www.w3.org/2000/svg";
    assert_eq!(
        page.matches("://").count(),
        page.matches(only_namespace).count()
    );
    for sink in [
        "innerHTML",
        "outerHTML",
        "insertAdjacentHTML",
        "document.write",
        "eval(",
        " style=",
        " onclick=",
    ] {
        assert!(!page.contains(sink), "{sink}");
    }
    let again = get(&local, "/").await.body;
    assert!(!again.contains(nonce), "a nonce is for one answer");
}

#[tokio::test]
async fn the_state_counts_what_came_and_lists_who_is_there() {
    let local = Local::start().await;
    let now = state(&local).await;
    assert_eq!(now["tables"][0]["rows"], 0);
    assert_eq!(now["streams"], json!([]));
    assert_eq!(now["faults"], json!([]));

    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    client.send(batch(1, &[record(1), record(2)])).await;
    assert_eq!(client.acked().await, 1);
    let now = state(&local).await;
    let table = &now["tables"][0];
    for (key, value) in [
        ("table", json!(TABLE)),
        ("columns", json!(11)),
        ("version", json!(2)),
        ("rows", json!(3)),
        ("files", json!(2)),
        ("streams", json!(1)),
        ("messages", json!(2)),
        ("records", json!(3)),
        ("rows_committed", json!(3)),
        ("commits", json!(2)),
        ("acks", json!(2)),
        ("problem", Value::Null),
        ("oldest_waiting_seconds", Value::Null),
    ] {
        assert_eq!(table[key], value, "{key}: {table}");
    }
    assert!(table["ack_wait_seconds"].as_f64().unwrap() > 0.0, "{table}");
    assert!(table["bytes"].as_u64().unwrap() > 0, "{table}");
    let stream = &now["streams"][0];
    for (key, value) in [
        ("table", json!(TABLE)),
        ("call", json!("ephemeral")),
        ("record_type", json!("PROTO")),
        ("records", json!(3)),
        ("last_offset", json!(1)),
        ("durable_offset", json!(1)),
        ("waiting_seconds", Value::Null),
    ] {
        assert_eq!(stream[key], value, "{key}: {stream}");
    }
    client.half_close();
    client.end().await;
    // The stream's end is told before its entry goes.
    while state(&local).await["streams"] != json!([]) {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_schema_is_shown_with_its_mapping_and_what_is_not_carried() {
    let ddl = format!(
        "{DDL}CREATE TABLE main.default.odd (ok INT, deep STRUCT<a: STRUCT<b: INT NOT NULL>>, m MAP<DOUBLE, INT>);"
    );
    let local = Local::with(&ddl).await;
    let schema = get(&local, &format!("/api/local/table?name={TABLE}"))
        .await
        .json();
    let columns = schema["columns"].as_array().unwrap();
    let column = |path: &str| {
        let found = columns.iter().find(|column| column["path"] == path);
        found.unwrap_or_else(|| panic!("{path}: {schema}"))
    };
    assert_eq!(
        column("device_name")["proto"],
        "required string device_name = 1"
    );
    assert_eq!(column("attrs")["proto"], "map<string, string> attrs = 8");
    assert_eq!(column("location")["delta"], "STRUCT");
    assert_eq!(column("location.lat")["proto"], "required double lat = 1");
    assert_eq!(column("price")["rust"][0], "DecimalText");
    assert!(
        column("observed_at")["note"]
            .as_str()
            .unwrap()
            .contains("micro")
    );
    let proto = schema["proto"].as_str().unwrap();
    assert!(
        proto.contains("required string device_name = 1;"),
        "{proto}"
    );
    assert!(
        schema["folder"]
            .as_str()
            .unwrap()
            .ends_with("main/default/air_quality")
    );

    let odd = get(&local, "/api/local/table?name=main.default.odd")
        .await
        .json();
    let map = odd["columns"].as_array().unwrap().last().unwrap();
    assert_eq!(map["proto"], Value::Null);
    assert!(map["reason"].as_str().unwrap().contains("m.key"), "{map}");
    assert_eq!(odd["columns"][3]["path"], "deep.a.b");
}

#[tokio::test]
async fn the_last_rows_are_shown_as_text_and_exactly() {
    for partitioned in ["", " PARTITIONED BY (device_name)"] {
        let ddl = format!("{}{partitioned};", DDL.trim_end_matches(';'));
        let local = Local::with(&ddl).await;
        let mut client = Client::open(&local.server, RecordType::Proto).await;
        let mut long = record(9);
        long.tags = vec!["<b>".repeat(1_000)];
        long.humidity = None;
        client
            .send(batch(0, &(0..9).map(record).collect::<Vec<_>>()))
            .await;
        client.acked().await;
        client.send(single(1, &long)).await;
        client.acked().await;
        let path = format!("/api/local/rows?name={TABLE}&last=3");
        let answer = get(&local, &path).await.json();
        let columns = answer["columns"].as_array().unwrap();
        let rows = answer["rows"].as_array().unwrap();
        assert_eq!(rows.len(), 3);
        let cell = |row: usize, name: &str| {
            let at = columns.iter().position(|column| column == name).unwrap();
            rows[row][at].as_str()
        };
        assert_eq!(
            [0, 1, 2].map(|row| cell(row, "temp")),
            [Some("7"), Some("8"), Some("9")]
        );
        assert_eq!(cell(0, "device_name"), Some("sensor-7"));
        // JSON's readers would round it.
        assert_eq!(cell(0, "humidity"), Some("-9223372036854775808"));
        assert_eq!(cell(2, "humidity"), None);
        assert_eq!(cell(0, "observed_at"), Some("2026-09-21T14:13:20.123456Z"));
        assert_eq!(cell(0, "day"), Some("2024-10-04"));
        assert_eq!(cell(0, "raw"), Some("0x00ff"));
        let tags = cell(2, "tags").unwrap();
        assert!(tags.ends_with("… (3004 characters)"), "{tags}");
        for (last, status) in [("0", 200), ("101", 400), ("x", 400)] {
            let answer = get(&local, &format!("/api/local/rows?name={TABLE}&last={last}")).await;
            assert_eq!(answer.status, status, "{last}");
        }
    }
}

#[tokio::test]
async fn tables_that_are_none_are_refused_and_strangers_see_no_rows() {
    let local = Local::start().await;
    for (name, status) in [("", 400), ("a.b", 400), ("a.b.c", 404)] {
        for endpoint in ["table", "rows"] {
            let answer = get(&local, &format!("/api/local/{endpoint}?name={name}")).await;
            assert_eq!(answer.status, status, "{name}");
        }
    }
    // A page whose own name was made to mean this machine reads nothing.
    for path in ["/api/local/state", &format!("/api/local/rows?name={TABLE}")] {
        for header in ["host: evil.example", "origin: https://evil.example"] {
            let answer = request(&local.server, "GET", path, &[header], "").await;
            assert_eq!(answer.status, 403, "{path}");
        }
    }
}
