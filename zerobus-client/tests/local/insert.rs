//! Records with one request and no stream.

use std::time::Duration;

use zerobus_client::{Client, Error, ErrorCode, GrpcCode, JsonValue, ProtoMessage, RecordSchema};
use zerobus_local::{Fault, LocalZerobus};

use crate::kinds::{COLUMNS, Derived, derived, expected, message};
use crate::{TABLE, builder, client, rows, server};

#[tokio::test]
async fn every_kind_of_record_is_inserted_and_durable_when_it_is_answered() {
    let server = server(COLUMNS).await;
    let client = client(&server);
    client
        .insert::<Derived>()
        .table(TABLE)
        .send([&derived()])
        .await
        .unwrap();
    assert_eq!(rows(&server).await, [expected("derived")]);

    let schema = RecordSchema::of(&client.table_schema(TABLE).await.unwrap()).unwrap();
    let mut record = schema.record();
    record
        .set_json(expected("dynamic").as_object().unwrap())
        .unwrap();
    client
        .dynamic_insert(&schema)
        .send([&record])
        .await
        .unwrap();

    let prost = message("prost");
    let insert = client.proto_insert(TABLE, schema.descriptor().clone());
    insert
        .send(&[ProtoMessage(&prost), ProtoMessage(&prost)])
        .await
        .unwrap();
    insert
        .send(&[prost::Message::encode_to_vec(&prost)])
        .await
        .unwrap();

    let mut json = expected("json");
    json["payload"] = "{\"a\":[1]}".into();
    let insert = client.json_insert(TABLE);
    insert.send([&json]).await.unwrap();
    insert.send(&[JsonValue(&json)]).await.unwrap();
    insert.send::<str>([]).await.unwrap();

    let names = [
        "derived", "dynamic", "prost", "prost", "prost", "json", "json",
    ];
    assert_eq!(rows(&server).await, names.map(expected));
}

#[test]
fn it_can_be_called_without_a_runtime() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let server = runtime.block_on(server("n INT"));
    let client = client(&server);
    client
        .json_insert(TABLE)
        .send_blocking([r#"{"n": 1}"#])
        .unwrap();
    assert_eq!(runtime.block_on(rows(&server)).len(), 1);
}

fn status(error: &Error) -> GrpcCode {
    match error {
        Error::Status { error } => error.code(),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_is_refused_is_told_by_type_and_stored_not_at_all() {
    let server = server("name STRING NOT NULL, at TIMESTAMP").await;
    let client = client(&server);
    let insert = client.json_insert(TABLE);
    let error = insert
        .send([r#"{"name": "a"}"#, r#"{"name": "b", "nowhere": 1}"#])
        .await
        .unwrap_err();
    assert_eq!(status(&error), GrpcCode::InvalidArgument);
    assert_eq!(error.error_code(), Some(ErrorCode::RECORD_REFUSED));
    assert!(
        error.to_string().contains("nowhere") && error.to_string().contains(TABLE),
        "{error}"
    );

    let error = insert.send([r#"{"name": "a"}"#, "{"]).await.unwrap_err();
    assert!(matches!(error, Error::Record { .. }), "{error}");
    let large = format!(r#"{{"name": "{}"}}"#, "x".repeat(6 << 20));
    let error = insert.send([large.as_str(), &large]).await.unwrap_err();
    assert!(
        matches!(error, Error::BatchTooLarge { records: 2, .. }),
        "{error}"
    );
    assert!(rows(&server).await.is_empty());

    // There is no token for a table that is not there; with another table's, the service says so.
    let error = client
        .json_insert("main.default.missing")
        .send(["{}"])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Catalog { .. }), "{error}");
    let stranger = builder(&server).ingest_token("made-up").build().unwrap();
    let error = stranger
        .json_insert(TABLE)
        .send([r#"{"name": "a"}"#])
        .await
        .unwrap_err();
    assert_eq!(status(&error), GrpcCode::Unauthenticated);
}

#[tokio::test]
async fn a_token_that_has_expired_is_replaced_once() {
    let server = LocalZerobus::builder()
        .table_ddl(format!("CREATE TABLE {TABLE} (n INT)"))
        .start()
        .await
        .unwrap();
    let client = client(&server);
    let insert = client.json_insert(TABLE);
    insert.send([r#"{"n": 1}"#]).await.unwrap();
    // A server that was started anew knows none of the tokens that it gave out before.
    let address = server.address();
    server.shutdown().await;
    let server = LocalZerobus::builder()
        .table_ddl(format!("CREATE TABLE {TABLE} (n INT)"))
        .listen(address)
        .start()
        .await
        .unwrap();
    insert.send([r#"{"n": 2}"#]).await.unwrap();
    assert_eq!(rows(&server).await.len(), 1);
}

#[tokio::test]
async fn a_service_that_is_away_is_asked_again_and_given_up() {
    let client = Client::builder()
        .endpoint("http://127.0.0.1:1")
        .ingest_token("t")
        .build()
        .unwrap();
    let insert = client.json_insert(TABLE).configure(|options| {
        options.recovery_backoff = Duration::from_millis(1);
        options.recovery_retries = 2;
    });
    let error = insert.send(["{}"]).await.unwrap_err();
    assert!(
        matches!(error, Error::RetriesExhausted { failures: 3, .. }),
        "{error}"
    );
}

#[tokio::test]
async fn what_may_pass_is_tried_again_and_what_may_not_is_told() {
    let server = server("n INT").await;
    let client = client(&server);
    let insert = client
        .json_insert(TABLE)
        .configure(|options| options.recovery_backoff = Duration::from_millis(1));
    // A connection that is lost after the records were stored has them stored twice: at least once, never less.
    for (fault, stored) in [
        (Fault::Unavailable, 1),
        (Fault::ResourceExhausted, 1),
        (Fault::Internal, 1),
        (Fault::ExpireToken, 1),
        (Fault::Disconnect, 1),
        (Fault::DropAck, 2),
    ] {
        let before = rows(&server).await.len();
        server.fail_next(fault);
        insert.send([r#"{"n": 1}"#]).await.unwrap();
        assert_eq!(rows(&server).await.len() - before, stored, "{fault:?}");
    }
    let before = rows(&server).await.len();
    server.fail_next(Fault::RefuseRecord);
    let error = insert.send([r#"{"n": 1}"#]).await.unwrap_err();
    assert_eq!(status(&error), GrpcCode::InvalidArgument);
    server.fail_next(Fault::Unavailable);
    let once = client
        .json_insert(TABLE)
        .configure(|options| options.recovery = false);
    let error = once.send([r#"{"n": 1}"#]).await.unwrap_err();
    assert_eq!(status(&error), GrpcCode::Unavailable);
    assert!(error.is_retryable());
    assert_eq!(rows(&server).await.len(), before);
}
