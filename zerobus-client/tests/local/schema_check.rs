//! The live table against the records' columns, when a stream opens.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use zerobus_client::schema::ddl;
use zerobus_client::{
    Client, Error, ErrorCode, RecordSchema, SchemaCause, SchemaDrift, Workspace, ZerobusRecord,
};
use zerobus_local::LocalZerobus;
use zerobus_tests::child;

use crate::{TABLE, client, rows, server};

#[derive(ZerobusRecord)]
struct Record {
    name: &'static str,
    n: Option<i32>,
    place: Option<Place>,
}

#[derive(ZerobusRecord)]
struct Place {
    lat: f64,
}

const SAME: &str = "name STRING NOT NULL, n INT, place STRUCT<lat: DOUBLE NOT NULL>";
const CHANGED: &str = "name STRING NOT NULL, n STRING, place STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL>, \
                       extra INT NOT NULL";

const RECORD: Record = Record {
    name: "a",
    n: Some(1),
    place: None,
};

fn drift<T: std::fmt::Debug>(opened: Result<T, Error>) -> SchemaDrift {
    match opened.unwrap_err() {
        Error::Drift { error } => *error,
        other => panic!("{other}"),
    }
}

fn found(drift: &SchemaDrift) -> Vec<(String, &'static str)> {
    let findings = drift.findings().iter();
    findings
        .map(|finding| (finding.path.to_string(), finding.rule.id))
        .collect()
}

#[tokio::test]
async fn what_breaks_records_is_told_by_column_before_the_first_is_sent() {
    let server = server(CHANGED).await;
    let drift = drift(client(&server).stream::<Record>().table(TABLE).open().await);
    assert_eq!(drift.table().to_string(), TABLE);
    let causes = [
        SchemaCause::TypeIncompatible,
        SchemaCause::MissingRequiredColumn,
    ];
    assert_eq!(drift.causes(), causes);
    assert_eq!(
        found(&drift),
        [
            ("n".to_owned(), "TYPE_INCOMPATIBLE"),
            ("place.lon".to_owned(), "MISSING_REQUIRED_COLUMN"),
            ("extra".to_owned(), "MISSING_REQUIRED_COLUMN"),
        ]
    );
    let text = drift.to_string();
    for part in [
        "table main.default.t does not take",
        "column n: INT has become STRING",
        "check_schema",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[tokio::test]
async fn without_the_check_the_service_alone_judges() {
    let server = server(CHANGED).await;
    let unchecked = client(&server).stream::<Record>().table(TABLE);
    let opened = unchecked
        .configure(|options| options.check_schema = false)
        .open()
        .await;
    assert_eq!(
        opened.unwrap_err().error_code(),
        Some(ErrorCode::SCHEMA_MISMATCH)
    );
}

#[tokio::test]
async fn a_descriptor_alone_is_held_against_the_table_too() {
    let server =
        server("name STRING NOT NULL, at TIMESTAMP, price DECIMAL(10,2), n BIGINT, more STRING")
            .await;
    let client = client(&server);
    let open = |columns: &str| {
        let table = ddl::parse_create_table(&format!("CREATE TABLE t ({columns})")).unwrap();
        let schema = RecordSchema::of(&table).unwrap();
        // Of the table nothing is known but what the descriptor says.
        client
            .proto_stream(TABLE, schema.descriptor().clone())
            .open()
    };
    // int64 and string, whatever they are called, `optional` or `required`.
    open("name STRING, at BIGINT, price STRING").await.unwrap();
    open("name STRING NOT NULL, at BIGINT NOT NULL, price STRING")
        .await
        .unwrap();
    let drift = drift(open("at BIGINT, n INT, gone STRING").await);
    let mut found = found(&drift);
    found.sort();
    assert_eq!(
        found,
        [
            ("gone".to_owned(), "FIELD_NOT_IN_TABLE"),
            ("n".to_owned(), "TYPE_INCOMPATIBLE"),
            ("name".to_owned(), "MISSING_REQUIRED_COLUMN"),
        ]
    );
}

/// `n` is always there, `note` is not; compiled against a table where both may be NULL.
#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.t", schema = "tests/local/nullable.json")]
struct Filled {
    n: i32,
    place: Option<Place>,
    note: Option<&'static str>,
}

#[tokio::test]
async fn a_column_that_became_not_null_takes_records_that_always_fill_it() {
    let place = "place STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE>";
    let tightened = server(&format!("n INT NOT NULL, {place}, note STRING")).await;
    let mut stream = client(&tightened).stream::<Filled>().open().await.unwrap();
    let record = Filled {
        n: 1,
        place: Some(Place { lat: 47.5 }),
        note: None,
    };
    stream.ingest_record(&record).await.unwrap();
    stream.close().await.unwrap();
    let rows: Vec<Value> = rows(&tightened).await;
    assert_eq!(rows[0]["n"], 1);

    let too_far = server(&format!("n INT NOT NULL, {place}, note STRING NOT NULL")).await;
    let drift = drift(client(&too_far).stream::<Filled>().open().await);
    assert_eq!(
        found(&drift),
        [("note".to_owned(), "NULLABILITY_TIGHTENED")]
    );
}

#[tokio::test]
async fn a_schema_read_long_ago_is_held_against_the_table() {
    let server = server("name STRING, at TIMESTAMP").await;
    let old =
        ddl::parse_create_table("CREATE TABLE main.default.t (name STRING, at BIGINT)").unwrap();
    let old = RecordSchema::of(&old).unwrap();
    let drift = drift(client(&server).dynamic_stream(&old).open().await);
    assert_eq!(found(&drift), [("at".to_owned(), "MEANING_CHANGED")]);
}

/// A client whose tokens come from the server and whose catalog is elsewhere.
fn with_catalog(server: &LocalZerobus, url: &str) -> Client {
    let tokens = Workspace::builder()
        .workspace_url(server.url())
        .oauth("id", "secret")
        .build()
        .unwrap();
    Client::builder()
        .endpoint(server.url())
        .headers_provider(tokens)
        .workspace_url(url)
        .oauth("id", "secret")
        .build()
        .unwrap()
}

/// Answers every request with this, or not at all.
async fn catalog(answer: Option<&'static str>) -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        let mut held = Vec::new();
        while let Ok((mut connection, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            let _ = connection.read(&mut [0; 4096]).await;
            if let Some(answer) = answer {
                let _ = connection.write_all(answer.as_bytes()).await;
            } else {
                held.push(connection);
            }
        }
    });
    (url, asked)
}

const REFUSING: &str =
    "HTTP/1.1 401 Unauthorized\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}";

#[tokio::test]
async fn one_lane_asks_for_all() {
    let server = server(SAME).await;
    let (url, asked) = catalog(Some(REFUSING)).await;
    let builder = with_catalog(&server, &url).stream::<Record>().table(TABLE);
    let mut lanes = builder.lanes(8).open().await.unwrap();
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    lanes.close().await.unwrap();
}

#[tokio::test]
async fn a_catalog_that_cannot_be_read_keeps_no_stream_from_opening() {
    let server = server(SAME).await;
    for answer in [Some(REFUSING), None] {
        let client = with_catalog(&server, &catalog(answer).await.0);
        let mut stream = client.stream::<Record>().table(TABLE).open().await.unwrap();
        stream.ingest_record(&RECORD).await.unwrap();
        stream.close().await.unwrap();
    }
}

/// What the client tells of schemas.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<String>>>);

impl tracing::Subscriber for Told {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata
            .target()
            .starts_with("zerobus_client::schema_check")
    }

    fn new_span(&self, _: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut text = format!("{} ", event.metadata().level());
        event.record(
            &mut |field: &tracing::field::Field, value: &dyn std::fmt::Debug| {
                text += &format!("{field}={value:?} ");
            },
        );
        self.0.lock().unwrap().push(text);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn what_does_not_break_records_is_one_event() {
    if !child::is_child() {
        child::run_again("schema_check::what_does_not_break_records_is_one_event").unwrap();
        return;
    }
    let told = Told::default();
    let _default = tracing::subscriber::set_default(told.clone());
    let heard = || std::mem::take(&mut *told.0.lock().unwrap());

    let same = server(SAME).await;
    client(&same)
        .stream::<Record>()
        .table(TABLE)
        .open()
        .await
        .unwrap();
    assert_eq!(heard(), [""; 0]);

    let wider = server(
        "n INT COMMENT 'x', name STRING, place STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE>, extra INT, \
         twice INT GENERATED ALWAYS AS (n * 2)",
    )
    .await;
    client(&wider)
        .stream::<Record>()
        .table(TABLE)
        .open()
        .await
        .unwrap();
    let events = heard();
    assert_eq!(events.len(), 1, "{events:?}");
    for part in [
        "INFO",
        "table=main.default.t",
        "column name:",
        "NULLABILITY_RELAXED",
        "column place.lon:",
        "column extra:",
        "GENERATED_COLUMN_ADDED",
        "FIELD_OUT_OF_ORDER",
    ] {
        assert!(events[0].contains(part), "{part}: {events:?}");
    }
    assert!(!events[0].contains("comment"), "{events:?}");

    // Columns that the descriptor leaves out are no news.
    let schema =
        RecordSchema::of(&ddl::parse_create_table("CREATE TABLE t (n INT)").unwrap()).unwrap();
    let descriptor = schema.descriptor().clone();
    client(&wider)
        .proto_stream(TABLE, descriptor)
        .open()
        .await
        .unwrap();
    assert_eq!(heard(), [""; 0]);

    let away = with_catalog(&same, "http://127.0.0.1:1");
    away.stream::<Record>().table(TABLE).open().await.unwrap();
    let events = heard();
    assert_eq!(events.len(), 1, "{events:?}");
    assert!(events[0].contains("WARN"), "{events:?}");
}
