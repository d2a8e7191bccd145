//! Who is let in.

use tonic::Code;
use zerobus_proto::RecordType;
use zerobus_proto::ephemeral_stream_request::Payload;

use crate::Local;
use crate::air_quality::{TABLE, descriptor};
use crate::client::{Client, create};
use crate::http::{catalog_bearer, ingest_token, request};

const TABLE_HEADER: &str = "x-databricks-zerobus-table-name";

async fn refused(local: &Local, metadata: &[(&'static str, &str)]) -> tonic::Status {
    match Client::call(&local.server, metadata).await {
        Err(status) => status,
        Ok(client) => client.refusal().await.1,
    }
}

#[tokio::test]
async fn without_a_token_nobody_gets_in() {
    let local = Local::start().await;
    for metadata in [
        vec![(TABLE_HEADER, TABLE)],
        vec![
            (TABLE_HEADER, TABLE),
            ("authorization", "Basic aWQ6c2VjcmV0"),
        ],
        vec![(TABLE_HEADER, TABLE), ("authorization", "Bearer ")],
        vec![(TABLE_HEADER, TABLE), ("authorization", "Bearer made-up")],
    ] {
        let status = refused(&local, &metadata).await;
        assert_eq!(
            status.code(),
            Code::Unauthenticated,
            "{metadata:?} {status}"
        );
        assert!(!status.message().contains("made-up"), "{status}");
    }
}

#[tokio::test]
async fn a_token_is_for_its_own_table() {
    let local = Local::start().await;
    let ddl = "CREATE TABLE main.default.other (a INT)";
    assert_eq!(
        request(&local.server, "POST", "/api/local/ddl", &[], ddl)
            .await
            .status,
        200
    );
    let token = ingest_token(&local.server, "main.default.other").await;
    let bearer = format!("Bearer {token}");
    let status = refused(&local, &[(TABLE_HEADER, TABLE), ("authorization", &bearer)]).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert_eq!(
        status.message(),
        "The token is for table main.default.other, not for main.default.air_quality. \
         Error Code: 3, Error State: 0."
    );
}

#[tokio::test]
async fn a_catalog_token_opens_no_stream() {
    let local = Local::start().await;
    let header = catalog_bearer(&local.server).await;
    let bearer = header.strip_prefix("authorization: ").unwrap();
    let status = refused(&local, &[(TABLE_HEADER, TABLE), ("authorization", bearer)]).await;
    assert_eq!(status.code(), Code::PermissionDenied);
    assert!(
        status.message().ends_with("Error Code: 3, Error State: 0."),
        "{status}"
    );
}

#[tokio::test]
async fn the_table_must_be_named_whole_and_exist() {
    let local = Local::start().await;
    let bearer = format!("Bearer {}", ingest_token(&local.server, TABLE).await);
    for (table, code, text) in [
        (
            "main.default.missing",
            Code::NotFound,
            "Table \"main.default.missing\" cannot be found.",
        ),
        ("air_quality", Code::InvalidArgument, "catalog.schema.table"),
        ("a.b.c.d", Code::InvalidArgument, "parts"),
    ] {
        let status = refused(&local, &[(TABLE_HEADER, table), ("authorization", &bearer)]).await;
        assert_eq!(status.code(), code, "{status}");
        assert!(status.message().contains(text), "{status}");
    }
    let status = refused(&local, &[("authorization", &bearer)]).await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains(TABLE_HEADER), "{status}");
}

#[tokio::test]
async fn create_stream_and_metadata_must_name_one_table() {
    let local = Local::start().await;
    let mut client = Client::connect(&local.server).await;
    let Payload::CreateStream(mut other) = create(RecordType::Proto, descriptor()) else {
        unreachable!()
    };
    other.table_name = Some("main.default.other".to_owned());
    client.send(Payload::CreateStream(other)).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(status.message().contains("main.default.other"), "{status}");
}

#[tokio::test]
async fn tables_beyond_the_limits_of_the_service_take_no_streams() {
    let columns = |count: usize| {
        (0..count)
            .map(|n| format!("c{n} INT"))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let ddl = format!(
        "CREATE TABLE main.default.`a-b` (a INT); CREATE TABLE `my-catalog`.`a-b`.plain (a INT);
         CREATE TABLE main.default.wide ({}); CREATE TABLE main.default.wider ({});",
        columns(2_000),
        columns(2_001)
    );
    let local = Local::with(&ddl).await;
    for (table, problem) in [
        ("`my-catalog`.`a-b`.plain", None),
        ("main.default.wide", None),
        (
            "main.default.`a-b`",
            Some("may have ASCII letters, digits and underscores only"),
        ),
        (
            "main.default.wider",
            Some("has 2001 columns, at most 2000 are supported"),
        ),
    ] {
        let bearer = format!("Bearer {}", ingest_token(&local.server, table).await);
        let metadata = [(TABLE_HEADER, table), ("authorization", bearer.as_str())];
        match (Client::call(&local.server, &metadata).await, problem) {
            (Ok(_), None) => {}
            (Err(status), Some(problem)) => {
                assert_eq!(status.code(), Code::InvalidArgument, "{status}");
                assert!(status.message().contains(problem), "{status}");
                assert!(status.message().contains("Error Code: 4024"), "{status}");
            }
            (called, _) => panic!("{table}: {:?}", called.err()),
        }
    }
}
