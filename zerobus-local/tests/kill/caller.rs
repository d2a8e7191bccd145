//! What the caller gets back from a stream that ends.

use std::ops::Range;
use std::time::Duration;

use zerobus_client::{Client, Error, Stream, StreamOptions, StreamState};

use crate::event::Event;
use crate::process::Server;
use crate::random::Seed;
use crate::source;
use crate::table;

pub(crate) const TABLE: &str = "main.default.events";
pub(crate) const SOURCE: i32 = 1;

/// A server and a stream into it that has taken some records and had some of them acked.
async fn started(change: fn(&mut StreamOptions)) -> (Server, Client, Stream<Event>) {
    let mut server = Server::new(&[TABLE.to_owned()]);
    server.start();
    let client = server.client();
    let mut stream = open(&client, change).await;
    send(&mut stream, 0..100).await.unwrap();
    stream.flush().await.unwrap();
    (server, client, stream)
}

async fn open(client: &Client, change: fn(&mut StreamOptions)) -> Stream<Event> {
    client
        .stream::<Event>()
        .configure(source::options)
        .configure(change)
        .open()
        .await
        .unwrap()
}

async fn send(stream: &mut Stream<Event>, records: Range<i64>) -> Result<(), Error> {
    for seq in records {
        stream.ingest_record(&Event::new(SOURCE, seq)).await?;
    }
    Ok(())
}

/// Holds the failed stream to what it promises, and sends what it gives back on another one.
pub(crate) async fn send_again(failed: Stream<Event>, server: &Server) {
    assert_eq!(failed.state(), StreamState::Failed);
    let acked = failed.acked_offset().unwrap() + 1;
    let taken = failed.next_offset();
    let unacked: Vec<Event> = failed
        .get_unacked_records()
        .iter()
        .map(|record| Event::decode(record))
        .collect();
    let expected: Vec<Event> = (acked..taken).map(|seq| Event::new(SOURCE, seq)).collect();
    assert!(
        unacked == expected,
        "what is unacked is not {acked} to {taken}, in order"
    );
    let mut stream = open(&server.client(), |_| {}).await;
    for event in &unacked {
        stream.ingest_record(event).await.unwrap();
    }
    stream.close().await.unwrap();
    assert_eq!(
        table::read(&server.table_dir(TABLE))[&SOURCE].records,
        taken
    );
}

/// Whether the error is one that a lost server gives, and says that trying again may help.
fn is_lost(error: &Error) -> bool {
    let lost = matches!(
        error,
        Error::Connection { .. } | Error::Status { .. } | Error::RetriesExhausted { .. }
    );
    lost && error.is_retryable()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_recovery_the_unacked_records_come_back() {
    let _seed = Seed::of_test();
    let (mut server, _, mut stream) = started(|options| options.recovery = false).await;
    // From here on nothing is acked, so that some of what follows is not when the server dies.
    server.halt();
    send(&mut stream, 100..400).await.unwrap();
    server.kill();
    let error = stream.flush().await.unwrap_err();
    assert!(is_lost(&error), "{error:?}");
    assert!(!stream.get_unacked_records().is_empty());
    // The stream stays as it is, and says the same to every call.
    let later = stream
        .ingest_record(&Event::new(SOURCE, 400))
        .await
        .unwrap_err();
    assert_eq!(later.to_string(), error.to_string());
    assert!(stream.close().await.is_err());
    assert_eq!(stream.next_offset(), 400);

    server.start();
    send_again(stream, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_that_waits_for_room_gets_the_error_too() {
    let _seed = Seed::of_test();
    let (mut server, _, mut stream) = started(|options| options.recovery = false).await;
    server.halt();
    let killer = tokio::task::spawn_blocking(move || {
        std::thread::sleep(Duration::from_millis(50));
        server.kill();
        server.start();
        server
    });
    // More than the bounds let in, so that the caller waits when the server dies.
    let error = send(&mut stream, 100..100_000).await.unwrap_err();
    assert!(is_lost(&error), "{error:?}");
    let server = killer.await.unwrap();
    send_again(stream, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_the_attempts_are_spent_the_unacked_records_come_back() {
    let _seed = Seed::of_test();
    let (mut server, _, mut stream) = started(|options| {
        options.recovery_backoff = Duration::from_millis(5);
        options.recovery_retries = 3;
    })
    .await;
    server.halt();
    send(&mut stream, 100..300).await.unwrap();
    server.kill();
    let error = stream.flush().await.unwrap_err();
    assert!(is_lost(&error), "{error:?}");

    server.start();
    send_again(stream, &server).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_keeps_what_it_takes_while_there_is_no_server() {
    let _seed = Seed::of_test();
    let (mut server, _, mut stream) = started(|_| {}).await;
    server.kill();
    send(&mut stream, 100..600).await.unwrap();
    server.start();
    stream.close().await.unwrap();
    assert_eq!(table::read(&server.table_dir(TABLE))[&SOURCE].records, 600);
}
