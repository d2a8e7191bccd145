//! What ends a stream, and what it hands back.

use std::time::Duration;

use tonic::Status;
use tracing::Level;
use zerobus_client::{
    Client, Error, ErrorCode, GrpcCode, Headers, HeadersFuture, HeadersProvider, StreamState,
    TableName,
};
use zerobus_tests::child;

use crate::delivery::{client, open};
use crate::record::{Line, numbered, texts_of};
use crate::recovery::eager;
use crate::server::Server;
use crate::sight::Recorder;

#[tokio::test]
async fn invalid_argument_is_final_and_hands_everything_unacked_back_in_order() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 10;
    })
    .await;
    for text in numbered(0..35) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    // The last five may or may not have lingered long enough to be a message of their own.
    call.records(0, 30).await;
    call.ack(0);
    stream.wait_for_offset(9).await.unwrap();
    call.fail(Status::invalid_argument(
        "Record cannot be decoded. Error Code: 4044, Error State: 0.",
    ));
    let error = stream.flush().await.unwrap_err();
    assert_eq!(error.error_code(), Some(ErrorCode::RECORD_REFUSED));
    assert!(!error.is_retryable());
    assert_eq!(stream.state(), StreamState::Failed);
    assert_eq!(texts_of(stream.get_unacked_records()), numbered(10..35));

    let later = stream.ingest_record(&Line("later")).await.unwrap_err();
    assert_eq!(later.to_string(), error.to_string());
    assert!(stream.close().await.is_err());
    assert_eq!(stream.get_unacked_records().len(), 25);
}

#[tokio::test]
async fn without_recovery_the_first_loss_ends_the_stream_and_hands_back() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| options.recovery = false).await;
    for text in numbered(0..5) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 1).await;
    drop(call);
    let error = stream.flush().await.unwrap_err();
    assert!(error.is_retryable(), "{error}");
    assert_eq!(texts_of(stream.get_unacked_records()), numbered(0..5));
}

#[tokio::test]
async fn a_spent_budget_ends_the_stream_and_hands_back() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.recovery_retries = 2;
    })
    .await;
    for text in numbered(0..5) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 1).await;
    drop((call, server));
    let error = stream.flush().await.unwrap_err();
    match &error {
        Error::RetriesExhausted {
            failures, causes, ..
        } => {
            assert_eq!((*failures, causes.len()), (3, 3));
            assert!(matches!(causes[2], Error::Connection { .. }), "{error}");
        }
        other => panic!("{other}"),
    }
    assert_eq!(texts_of(stream.get_unacked_records()), numbered(0..5));
}

#[tokio::test]
async fn an_ack_beyond_what_was_sent_is_a_protocol_error() {
    for (up_to, problem) in [(1, "sent"), (i64::MAX, "sent"), (-2, "after one up to -1")] {
        let mut server = Server::start().await;
        let (mut stream, mut call) = open(&mut server, eager).await;
        stream.ingest_record(&Line("a")).await.unwrap();
        call.records(0, 1).await;
        call.ack(up_to);
        let error = stream.flush().await.unwrap_err();
        assert!(matches!(error, Error::Protocol { .. }), "{up_to}: {error}");
        assert!(error.to_string().contains(problem), "{up_to}: {error}");
        assert_eq!(texts_of(stream.get_unacked_records()), ["a"]);
    }
}

#[tokio::test]
async fn an_unknown_table_is_told_at_open() {
    let mut server = Server::start().await;
    let builder = client(&server).stream::<Line<'_>>();
    let (opened, ()) = tokio::join!(builder.table("main.default.nowhere").open(), async {
        let mut call = server.call().await;
        let create = call.create_stream().await;
        assert_eq!(create.table_name.as_deref(), Some("main.default.nowhere"));
        call.fail(Status::not_found("no such table"));
    });
    let error = opened.unwrap_err();
    match &error {
        Error::Status { error } => assert_eq!(error.code(), GrpcCode::NotFound),
        other => panic!("{other}"),
    }
    assert_eq!(
        error.to_string(),
        "table main.default.nowhere: NOT_FOUND: no such table; \
         check the three parts of the table's name and the workspace"
    );
}

#[tokio::test]
async fn a_name_of_two_parts_never_reaches_the_service() {
    let server = Server::start().await;
    let builder = client(&server).stream::<Line<'_>>().table("default.lines");
    let error = builder.open().await.unwrap_err();
    assert!(
        error.to_string().contains("catalog.schema.table"),
        "{error}"
    );
}

#[tokio::test]
async fn no_server_is_told_with_its_address() {
    let server = Server::start().await;
    let client = client(&server);
    let url = server.url();
    drop(server);
    let builder = client.stream::<Line<'_>>().configure(|options| {
        options.recovery_backoff = Duration::from_millis(1);
    });
    let error = builder.open().await.unwrap_err();
    assert!(
        matches!(error, Error::RetriesExhausted { failures: 5, .. }),
        "{error}"
    );
    assert!(error.is_retryable());
    let text = error.to_string();
    let begin = format!("gave up on {url} after 5 failures in a row: 1");
    assert!(text.starts_with(&begin), "{text}");
    assert!(text.contains("refused"), "{text}");
}

#[tokio::test]
async fn a_stream_that_is_not_had_at_once_is_told_of_before_the_first_pause() {
    if !child::is_child() {
        let name = "refusal::a_stream_that_is_not_had_at_once_is_told_of_before_the_first_pause";
        child::run_again(name).unwrap();
        return;
    }
    let told = Recorder::default();
    let _default = tracing::subscriber::set_default(told.clone());
    let mut server = Server::start().await;
    let url = server.url();
    let builder = client(&server).stream::<Line<'_>>().configure(|options| {
        // So long that only the first attempt is made.
        options.recovery_backoff = Duration::from_secs(3_600);
    });
    tokio::select! {
        opened = builder.open() => panic!("{opened:?}"),
        () = async {
            server.call().await.fail(Status::unavailable("not today"));
            while told.of(Level::WARN).is_empty() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        } => {}
    }
    let told = told.of(Level::WARN);
    for part in [url.as_str(), "not today", "attempt=1 ", "retries=4 "] {
        assert!(told.contains(part), "{part}: {told}");
    }
}

#[tokio::test]
async fn causes_that_differ_are_told_one_by_one_and_a_final_one_alone() {
    let mut server = Server::start().await;
    let open = |retries| {
        let builder = client(&server).stream::<Line<'_>>();
        builder.configure(move |options| {
            eager(options);
            options.recovery_retries = retries;
        })
    };
    let (builder, short) = (open(2), open(100));
    let (opened, ()) = tokio::join!(builder.open(), async {
        server.call().await.fail(Status::internal("one"));
        server.call().await.fail(Status::internal("one"));
        server.call().await.fail(Status::unavailable("two"));
    });
    let text = opened.unwrap_err().to_string();
    let (one, two) = (text.find("1 to 2 (").unwrap(), text.find(", 3 (").unwrap());
    assert!(text[one..two].contains("INTERNAL: one"), "{text}");
    assert!(text[two..].contains("UNAVAILABLE: two"), "{text}");

    let (opened, ()) = tokio::join!(short.open(), async {
        server.call().await.fail(Status::unavailable("one"));
        server.call().await.fail(Status::not_found("gone"));
    });
    let error = opened.unwrap_err();
    assert!(matches!(error, Error::Status { .. }), "{error}");
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up_in_time() {
    let mut server = Server::start().await;
    let builder = client(&server).stream::<Line<'_>>().configure(|options| {
        options.recovery = false;
        options.recovery_timeout = Duration::from_millis(100);
    });
    let (opened, _call) = tokio::join!(builder.open(), server.call());
    let error = opened.unwrap_err();
    assert!(error.to_string().contains("recovery_timeout"), "{error}");
}

#[test]
fn what_is_missing_is_named_when_the_client_is_built() {
    let error = Client::builder()
        .oauth("id", "hunter2")
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("ZEROBUS_SERVER_ENDPOINT"),
        "{error}"
    );
    let error = Client::builder()
        .endpoint("http://127.0.0.1:1")
        .build()
        .unwrap_err();
    assert!(
        error.to_string().contains("DATABRICKS_CLIENT_ID"),
        "{error}"
    );
    let local = Client::builder().endpoint("http://127.0.0.1:1");
    assert!(local.oauth("id", "secret").build().is_ok());
    let error = Client::builder()
        .endpoint("https://1.zerobus.us-west-2.cloud.databricks.com")
        .oauth("id", "hunter2")
        .build()
        .unwrap_err();
    assert!(error.to_string().contains("workspace"), "{error}");
    let builder = Client::builder()
        .endpoint("http://10.0.0.1:1")
        .oauth("id", "hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"));
    let error = builder.build().unwrap_err();
    assert!(error.to_string().contains("plaintext"), "{error}");
}

struct HalfHeaders;

impl HeadersProvider for HalfHeaders {
    fn headers<'a>(&'a self, _: &'a TableName) -> HeadersFuture<'a> {
        Box::pin(async { Ok(Headers::new().with("authorization", "Bearer x")) })
    }
}

#[tokio::test]
async fn a_provider_without_the_table_header_is_refused_before_connecting() {
    let client = Client::builder()
        .endpoint("http://127.0.0.1:1")
        .headers_provider(HalfHeaders)
        .build()
        .unwrap();
    let error = client.stream::<Line<'_>>().open().await.unwrap_err();
    assert!(matches!(error, Error::Headers { .. }), "{error}");
}
