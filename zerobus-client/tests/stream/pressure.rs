//! What is on its way is bounded, and what gathers is sent.

use std::time::{Duration, Instant};

use tonic::Status;
use zerobus_client::Error;

use crate::delivery::open;
use crate::record::{Line, numbered};
use crate::server::Server;

#[tokio::test]
async fn ingest_waits_at_the_bound_of_records() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.max_inflight_records = 3;
        options.linger = Duration::from_secs(3600);
    })
    .await;
    for text in numbered(0..3) {
        stream.try_ingest(&Line(&text)).unwrap();
    }
    let full = stream.try_ingest(&Line("3")).unwrap_err();
    assert!(matches!(full, Error::Full { records: 3, .. }), "{full}");
    {
        let mut waiting = std::pin::pin!(stream.ingest_record(&Line("3")));
        // What fills the bound is sent, however long it might linger, and the fourth record waits for its ack.
        let (records, last) = tokio::select! {
            taken = &mut waiting => panic!("taken beyond the bound: {taken:?}"),
            sent = call.records(0, 3) => sent,
        };
        assert_eq!(records, numbered(0..3));
        call.ack(last);
        assert_eq!(waiting.await.unwrap(), 3);
    }
    assert_eq!(stream.next_offset(), 4);
}

#[tokio::test]
async fn ingest_waits_at_the_bound_of_bytes_and_a_dropped_wait_takes_nothing() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.max_inflight_bytes = 100;
    })
    .await;
    let large = "x".repeat(200);
    stream.ingest_record(&Line(&large)).await.unwrap();
    let full = stream.try_ingest(&Line("1")).unwrap_err();
    assert!(matches!(full, Error::Full { bytes: 201.., .. }), "{full}");
    tokio::select! {
        taken = stream.ingest_record(&Line("dropped")) => panic!("taken beyond the bound: {taken:?}"),
        (_, last) = call.records(0, 1) => call.ack(last),
    }
    assert_eq!(stream.ingest_record(&Line("1")).await.unwrap(), 1);
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (records, last) = call.records(1, 1).await;
        assert_eq!(records, ["1"]);
        call.ack(last);
    });
    flushed.unwrap();
}

#[tokio::test]
async fn a_record_taken_by_an_idle_owner_is_sent_when_it_has_lingered() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    for text in numbered(0..3) {
        let n = text.parse().unwrap();
        stream.ingest_record(&Line(&text)).await.unwrap();
        assert_eq!(call.batch().await, (n, vec![text]));
    }
}

#[tokio::test]
async fn batches_are_sealed_by_rows_and_by_bytes() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.batch_records = 4;
        options.linger = Duration::from_secs(3600);
    })
    .await;
    let texts = numbered(0..8);
    let lines: Vec<_> = texts.iter().map(|text| Line(text)).collect();
    assert_eq!(stream.ingest_records(&lines).await.unwrap(), Some(7));
    assert_eq!(call.batch().await, (0, numbered(0..4)));
    assert_eq!(call.batch().await, (1, numbered(4..8)));

    let (mut stream, mut call) = open(&mut server, |options| {
        options.batch_bytes = 300;
        options.linger = Duration::from_secs(3600);
    })
    .await;
    let large = "x".repeat(200);
    for _ in 0..4 {
        stream.ingest_record(&Line(&large)).await.unwrap();
    }
    assert_eq!(call.batch().await.1.len(), 2);
    assert_eq!(call.batch().await.1.len(), 2);
}

#[tokio::test]
async fn no_message_is_larger_than_the_service_takes() {
    const LIMIT: usize = 10_420_224;
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.linger = Duration::from_secs(3600);
    })
    .await;
    let largest = "x".repeat(LIMIT - "text:".len());
    stream.ingest_record(&Line("small")).await.unwrap();
    stream.ingest_record(&Line(&largest)).await.unwrap();
    let error = stream
        .ingest_record(&Line(&format!("{largest}x")))
        .await
        .unwrap_err();
    assert!(
        matches!(error, Error::RecordTooLarge { limit: LIMIT, .. }),
        "{error}"
    );
    assert_eq!(stream.ingest_record(&Line("after")).await.unwrap(), 2);

    let (flushed, ()) = tokio::join!(stream.flush(), async {
        assert_eq!(call.batch().await, (0, vec!["small".to_owned()]));
        let (id, records) = call.batch().await;
        assert_eq!((id, records.len(), records[0].len()), (1, 1, largest.len()));
        assert_eq!(call.batch().await, (2, vec!["after".to_owned()]));
        call.ack(2);
    });
    flushed.unwrap();
}

#[tokio::test]
async fn a_record_that_cannot_be_encoded_costs_only_itself() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    stream.ingest_record(&Line("a")).await.unwrap();
    let error = stream.ingest_record(&Line("bad")).await.unwrap_err();
    assert!(
        error
            .to_string()
            .starts_with("column text: expected another text"),
        "{error}"
    );
    assert_eq!(stream.ingest_record(&Line("b")).await.unwrap(), 1);
    let lines = [Line("c"), Line("bad"), Line("d")];
    assert!(stream.ingest_records(&lines).await.is_err());
    assert_eq!(stream.next_offset(), 3);
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (records, last) = call.records(0, 3).await;
        assert_eq!(records, ["a", "b", "c"]);
        call.ack(last);
    });
    flushed.unwrap();
}

#[tokio::test]
async fn a_stream_with_a_rate_sends_no_faster_and_takes_all_the_same() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.max_records_per_second = Some(10);
        options.batch_records = 2;
    })
    .await;
    let begun = Instant::now();
    for text in numbered(0..8) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (records, last) = call.records(0, 8).await;
    // Two at once, six more at ten a second, less what may go out at once.
    assert!(begun.elapsed() >= Duration::from_millis(450));
    assert_eq!(records, numbered(0..8));
    call.ack(last);
    stream.flush().await.unwrap();
}

#[tokio::test]
async fn a_rate_does_not_keep_a_stream_from_ending() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.max_bytes_per_second = Some(1);
        options.batch_records = 1;
    })
    .await;
    for text in numbered(0..3) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 1).await;
    call.fail(Status::not_found("gone"));
    assert!(matches!(stream.flush().await, Err(Error::Status { .. })));
    assert_eq!(stream.get_unacked_records().len(), 3);
}

#[tokio::test]
async fn an_overrun_service_costs_a_retry_only_when_going_slowly_does_not_help() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.recovery_backoff = Duration::from_millis(1);
        options.recovery_retries = 1;
    })
    .await;
    stream.ingest_record(&Line("a")).await.unwrap();
    for _ in 0..2 {
        call.records(0, 1).await;
        call.fail(Status::resource_exhausted("quota"));
        call = server.opened().await;
    }
    let (_, last) = call.records(0, 1).await;
    call.ack(last);
    stream.flush().await.unwrap();

    stream.ingest_record(&Line("b")).await.unwrap();
    for first in [1, 0] {
        call.records(first, 1).await;
        call.fail(Status::resource_exhausted("quota"));
        call = server.opened().await;
    }
    call.records(0, 1).await;
    call.fail(Status::resource_exhausted("quota"));
    let error = stream.flush().await.unwrap_err();
    assert!(matches!(error, Error::RetriesExhausted { .. }), "{error}");
}
