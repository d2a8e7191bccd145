//! Records over plain HTTP.

use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use zerobus_local::{Fault, FaultRule};

use crate::Local;
use crate::air_quality::TABLE;
use crate::http::{Answer, catalog_bearer, ingest_token, request};

async fn insert(local: &Local, table: &str, header: &str, body: &str) -> Answer {
    let path = format!("/zerobus/v1/tables/{table}/insert");
    request(&local.server, "POST", &path, &[header], body).await
}

async fn bearer(local: &Local, table: &str) -> String {
    format!(
        "authorization: Bearer {}",
        ingest_token(&local.server, table).await
    )
}

#[tokio::test]
async fn inserted_records_are_in_the_table_when_they_are_answered() {
    let local = Local::start().await;
    let bearer = bearer(&local, TABLE).await;
    let records = json!([
        {"device_name": "a", "observed_at": 1, "temp": 0},
        {"device_name": "b", "observed_at": 2, "temp": 1, "price": "1.50", "payload": "{\"a\":1}"},
    ]);
    let answer = insert(&local, TABLE, &bearer, &records.to_string()).await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(local.temps(), [0, 1]);
    let answer = insert(&local, TABLE, &bearer, "[]").await;
    assert_eq!((answer.status, answer.body.as_str()), (200, "{}"));
    assert_eq!(local.temps(), [0, 1]);
}

#[tokio::test]
async fn one_bad_record_keeps_the_whole_request_out() {
    let local = Local::start().await;
    let bearer = bearer(&local, TABLE).await;
    let good = json!({"device_name": "a", "observed_at": 1, "temp": 0});
    for (bad, problem) in [
        (
            json!({"device_name": "a"}),
            "column observed_at: expected TIMESTAMP NOT NULL, found no value",
        ),
        (
            json!({"device_name": "a", "observed_at": 1, "x": 1}),
            "unrecognized field name 'x' at line 1 column 38 (column x: the table takes no such field)",
        ),
        (json!(1), "expected a JSON object, found a number"),
    ] {
        let answer = insert(
            &local,
            TABLE,
            &bearer,
            &json!([good, bad, good]).to_string(),
        )
        .await;
        assert_eq!(answer.status, 400);
        let error = answer.json();
        assert_eq!(error["error_code"], "INVALID_PARAMETER_VALUE");
        assert_eq!(
            error["message"],
            format!(
                "Record decoder/encoder error: {problem}, in record 1 of the request for table {TABLE}. Error Code: 4044, Error State: 3."
            )
        );
    }
    assert!(local.temps().is_empty());
}

#[tokio::test]
async fn what_is_no_array_of_records_is_refused() {
    let local = Local::start().await;
    let bearer = bearer(&local, TABLE).await;
    let large = format!("[{{\"device_name\": \"{}\"}}]", "x".repeat(11 << 20));
    let deep = "[".repeat(100_000);
    for (body, problem) in [
        ("{}", "must be a JSON array"),
        ("", "is no JSON"),
        ("[{]", "is no JSON"),
        (deep.as_str(), "is no JSON"),
        (large.as_str(), "at most 10485760 are taken"),
    ] {
        let answer = insert(&local, TABLE, &bearer, body).await;
        assert_eq!(answer.status, 400);
        let error = answer.json();
        assert_eq!(error["error_code"], "INVALID_PARAMETER_VALUE");
        assert!(
            error["message"].as_str().unwrap().contains(problem),
            "{error}"
        );
    }
}

#[tokio::test]
async fn an_insert_takes_the_token_of_a_stream_and_no_other() {
    let local = Local::with(&format!(
        "{} CREATE TABLE main.default.other (a INT);",
        crate::air_quality::DDL
    ))
    .await;
    let good = bearer(&local, TABLE).await;
    let other = bearer(&local, "main.default.other").await;
    let catalog = catalog_bearer(&local.server).await;
    let made_up = "authorization: Bearer made-up".to_owned();
    for (table, header, status, error_code) in [
        (TABLE, "accept: */*", 401, "UNAUTHENTICATED"),
        (TABLE, made_up.as_str(), 401, "UNAUTHENTICATED"),
        (TABLE, other.as_str(), 403, "PERMISSION_DENIED"),
        (TABLE, catalog.as_str(), 403, "PERMISSION_DENIED"),
        ("main.default.missing", good.as_str(), 404, "NOT_FOUND"),
        ("air_quality", good.as_str(), 400, "INVALID_PARAMETER_VALUE"),
    ] {
        let answer = insert(&local, table, header, "[]").await;
        assert_eq!(answer.status, status, "{}", answer.body);
        assert_eq!(answer.json()["error_code"], error_code);
    }
}

#[tokio::test]
async fn an_insert_into_a_table_whose_folder_is_gone_is_not_answered_as_done() {
    let local = Local::start().await;
    let bearer = bearer(&local, TABLE).await;
    std::fs::remove_dir_all(local.server.table_dir(&TABLE.parse().unwrap())).unwrap();
    let record = json!([{"device_name": "a", "observed_at": 1}]).to_string();
    let answer = insert(&local, TABLE, &bearer, &record).await;
    assert_eq!(answer.status, 404);
}

#[tokio::test]
async fn inserts_suffer_from_faults_as_messages_do() {
    let local = Local::start().await;
    let record = |temp| json!([{"device_name": "a", "observed_at": 1, "temp": temp}]).to_string();
    for (fault, status, error_code) in [
        (Fault::Unavailable, 503, "TEMPORARILY_UNAVAILABLE"),
        (Fault::PipelineBlocked, 503, "TEMPORARILY_UNAVAILABLE"),
        (Fault::ResourceExhausted, 429, "RESOURCE_EXHAUSTED"),
        (Fault::Internal, 500, "INTERNAL_ERROR"),
        (Fault::RefuseRecord, 400, "INVALID_PARAMETER_VALUE"),
        (Fault::ExpireToken, 401, "UNAUTHENTICATED"),
        (Fault::DiskFull, 503, "TEMPORARILY_UNAVAILABLE"),
    ] {
        let bearer = bearer(&local, TABLE).await;
        local.server.fail_next(fault);
        let answer = insert(&local, TABLE, &bearer, &record(1)).await;
        assert_eq!(answer.status, status, "{fault:?}: {}", answer.body);
        assert_eq!(answer.json()["error_code"], error_code);
        assert!(local.temps().is_empty(), "{fault:?}");
    }
    let bearer = bearer(&local, TABLE).await;
    for (fault, stored) in [(Fault::Disconnect, &[][..]), (Fault::DropAck, &[2])] {
        local.server.fail_next(fault);
        let body = record(2);
        let text = format!(
            "POST /zerobus/v1/tables/{TABLE}/insert HTTP/1.1\r\nhost: localhost\r\n{bearer}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let mut connection = TcpStream::connect(local.server.address()).await.unwrap();
        connection.write_all(text.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        connection.read_to_end(&mut answer).await.unwrap();
        assert!(answer.is_empty(), "{fault:?}");
        assert_eq!(local.temps(), stored);
    }
    // What is of no concern to it: one stream's faults.
    local
        .server
        .fail(FaultRule::new(Fault::Internal).stream("some stream"));
    local.server.fail_next(Fault::AlterTable);
    let answer = insert(&local, TABLE, &bearer, &record(3)).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let rows: Vec<serde_json::Value> = local.server.rows(TABLE).await.unwrap();
    assert_eq!(
        (&rows[1]["temp"], &rows[1]["added_1"]),
        (&json!(3), &json!(null))
    );
    assert!(rows[1].get("added_1").is_some());
}
