//! What can be seen of a stream: its metrics, and what it tells through `tracing`.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tonic::Status;
use tracing::field::{Field, Visit};
use tracing::{Level, Metadata};
use zerobus_client::{StreamMetrics, StreamState};
use zerobus_tests::child;

use crate::delivery::{client, open};
use crate::record::{Line, numbered};
use crate::recovery::eager;
use crate::server::Server;

/// Keeps what this crate tells, spans and events alike, as text.
#[derive(Clone, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<(Level, String)>>>);

impl Recorder {
    /// What was told at a level, a line each.
    pub(crate) fn of(&self, level: Level) -> String {
        let told = self.0.lock().unwrap();
        let lines = told.iter().filter(|(at, _)| *at == level);
        lines.map(|(_, line)| line.as_str()).collect()
    }

    fn keep(&self, metadata: &Metadata<'_>, fields: Fields) {
        let line = format!("{}: {}\n", metadata.name(), fields.0);
        self.0.lock().unwrap().push((*metadata.level(), line));
    }
}

struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Recorder {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("zerobus_client")
    }

    fn new_span(&self, span: &tracing::span::Attributes<'_>) -> tracing::span::Id {
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        self.keep(span.metadata(), fields);
        tracing::span::Id::from_u64(1)
    }

    fn record(&self, _: &tracing::span::Id, _: &tracing::span::Record<'_>) {}

    fn record_follows_from(&self, _: &tracing::span::Id, _: &tracing::span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        self.keep(event.metadata(), fields);
    }

    fn enter(&self, _: &tracing::span::Id) {}

    fn exit(&self, _: &tracing::span::Id) {}
}

#[tokio::test]
async fn metrics_follow_a_stream_over_its_life() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 5;
    })
    .await;
    let watch = stream.watch();
    for text in numbered(0..20) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (_, last) = call.records(0, 20).await;
    assert_eq!(last, 3);
    let before = stream.metrics();
    assert_eq!(
        (
            before.queued_records,
            before.sent_records,
            before.sent_messages
        ),
        (20, 20, 4)
    );
    assert_eq!(
        (before.inflight_records, before.inflight_bytes),
        (20, before.queued_bytes)
    );
    assert!(before.oldest_unacked.is_some());

    // Three of four are acked, the last one is sent again, and the server then asks to move.
    call.ack(2);
    stream.wait_for_offset(14).await.unwrap();
    call.fail(Status::unavailable("gone"));
    server.call().await.fail(Status::unavailable("not yet"));
    let mut call = server.opened().await;
    let (_, last) = call.records(0, 5).await;
    call.close_signal(60);
    call.ack(last);
    let _call = server.opened().await;
    stream.flush().await.unwrap();
    while stream.state() != StreamState::Opened {
        tokio::task::yield_now().await;
    }

    let after = watch.metrics().unwrap();
    assert_eq!(
        (after.acked_records, after.acked_bytes),
        (20, after.queued_bytes)
    );
    assert_eq!((after.inflight_records, after.oldest_unacked), (0, None));
    assert_eq!((after.sent_records, after.resent_records), (25, 5));
    assert_eq!(
        (after.reconnects, after.rotations, after.failed_attempts),
        (2, 1, 1)
    );
    assert_eq!(after.ack_latency.count(), 4);
    assert!(after.ack_latency.quantile(0.99).is_some());
    let text = StreamMetrics::to_prometheus(&[after]);
    assert!(text.contains("zerobus_client_acked_records_total{table=\"main.default.lines\""));
    drop(stream);
    // Until its task is gone too.
    while watch.metrics().is_some() {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

#[tokio::test]
async fn what_is_told_has_opentelemetrys_names_and_nothing_of_the_records() {
    if !child::is_child() {
        let name = "sight::what_is_told_has_opentelemetrys_names_and_nothing_of_the_records";
        child::run_again(name).unwrap();
        return;
    }
    let told = Recorder::default();
    let _default = tracing::subscriber::set_default(told.clone());
    let mut server = Server::start().await;
    let port = server.address().port();
    let builder = client(&server).stream::<Line<'static>>().configure(eager);
    let (stream, mut call) = tokio::join!(builder.open(), server.opened());
    let mut stream = stream.unwrap();
    stream.ingest_record(&Line("payload-9")).await.unwrap();
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        call.records(0, 1).await;
        call.fail(Status::unavailable("gone"));
        let mut call = server.opened().await;
        let (_, last) = call.records(0, 1).await;
        call.ack(last);
    });
    flushed.unwrap();
    drop(stream);

    let span = told.of(Level::INFO);
    for part in [
        "zerobus_stream: ",
        "otel.name=send main.default.lines ",
        "messaging.system=\"zerobus\" ",
        "messaging.destination.name=main.default.lines ",
        "messaging.operation.name=\"send\" ",
        "messaging.operation.type=\"send\" ",
        "server.address=\"127.0.0.1\" ",
        &format!("server.port={port} "),
    ] {
        assert!(span.contains(part), "{part} is not in {span}");
    }
    let sent = told.of(Level::TRACE);
    assert_eq!(sent.matches("batch sent").count(), 2, "{sent}");
    assert_eq!(sent.matches("batches acked").count(), 1, "{sent}");
    assert!(sent.contains("messaging.batch.message_count=1 "), "{sent}");
    let levels = [
        Level::TRACE,
        Level::DEBUG,
        Level::INFO,
        Level::WARN,
        Level::ERROR,
    ];
    let all: String = levels.map(|level| told.of(level)).concat();
    assert!(all.contains("gone"), "{all}");
    for part in ["payload-9", "secret"] {
        assert!(!all.contains(part), "{part} is in {all}");
    }
}
