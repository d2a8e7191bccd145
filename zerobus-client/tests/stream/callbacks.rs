//! Who is told of acks, and who gets what was not acked.

use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use tonic::Status;
use zerobus_client::{AckCallback, Error, Stream, StreamState};

use crate::delivery::{client, open};
use crate::record::{Line, numbered, texts_of};
use crate::recovery::eager;
use crate::server::Server;

/// What was told of a record.
type Fate = Result<i64, (i64, String)>;

/// Writes down what it is told.
#[derive(Clone, Default)]
struct Told(Arc<Mutex<Vec<Fate>>>);

impl AckCallback for Told {
    fn on_ack(&self, offset: i64) {
        self.0.lock().unwrap().push(Ok(offset));
    }

    fn on_error(&self, offset: i64, message: &str) {
        self.0
            .lock()
            .unwrap()
            .push(Err((offset, message.to_owned())));
    }
}

#[tokio::test]
async fn acks_are_told_and_after_a_failure_each_record_without_one() {
    let mut server = Server::start().await;
    let told = Told::default();
    let builder = client(&server)
        .stream::<Line<'static>>()
        .ack_callback(told.clone())
        .configure(|options| options.batch_records = 2);
    let (stream, mut call) = tokio::join!(builder.open(), server.opened());
    let mut stream = stream.unwrap();
    for text in numbered(0..5) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (failed, ()) = tokio::join!(stream.flush(), async {
        call.records(0, 5).await;
        call.ack(0);
        // The callback has to see this one before the next.
        while told.0.lock().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        call.ack(1);
        call.fail(Status::not_found("gone"));
    });
    assert!(failed.is_err());
    // One that ended by itself is closed like any other, which waits for the callbacks.
    while told.0.lock().unwrap().len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let told = told.0.lock().unwrap();
    assert_eq!(told[..2], [Ok(1), Ok(3)]);
    let Err((4, message)) = &told[2] else {
        panic!("{told:?}");
    };
    assert!(message.contains("gone"), "{message}");
}

/// Takes its time.
struct Slow(mpsc::Sender<i64>);

impl AckCallback for Slow {
    fn on_ack(&self, offset: i64) {
        std::thread::sleep(Duration::from_millis(200));
        self.0.send(offset).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn close_waits_for_callbacks_as_long_as_it_may() {
    for (limit, expected) in [(None, Ok(0)), (Some(Duration::ZERO), Err(()))] {
        let mut server = Server::start().await;
        let (sender, told) = mpsc::channel();
        let builder = client(&server)
            .stream::<Line<'static>>()
            .ack_callback(Slow(sender))
            .configure(|options| options.callback_max_wait_time = limit);
        let (stream, mut call) = tokio::join!(builder.open(), server.opened());
        let mut stream = stream.unwrap();
        stream.ingest_record(&Line("a")).await.unwrap();
        let (closed, ()) = tokio::join!(stream.close(), async {
            let (_, last) = call.records(0, 1).await;
            call.ack(last);
            assert!(call.try_batch().await.is_none());
            call.end();
        });
        closed.unwrap();
        assert_eq!(told.try_recv().map_err(drop), expected, "{limit:?}");
    }
}

#[tokio::test]
async fn an_ack_can_be_waited_for_elsewhere() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    let first = stream.ingest_record(&Line("a")).await.unwrap();
    let waiting = tokio::spawn(stream.ack(first));
    let second = stream.ingest_record(&Line("b")).await.unwrap();
    let second = tokio::spawn(stream.ack(second));
    let (_, last) = call.records(0, 1).await;
    call.ack(last);
    waiting.await.unwrap().unwrap();
    let unknown = stream.ack(2).await;
    assert!(matches!(
        unknown,
        Err(Error::UnknownOffset { offset: 2, next: 2 })
    ));
    drop(stream);
    let _ = second.await.unwrap();
}

async fn with_sink(
    server: &mut Server,
) -> (
    Stream<Line<'static>>,
    crate::server::Call,
    mpsc::Receiver<Vec<String>>,
) {
    let (sender, left) = mpsc::channel();
    let builder = client(server)
        .stream::<Line<'static>>()
        .configure(eager)
        .unacked_sink(move |records| sender.send(texts_of(records)).unwrap());
    let (stream, call) = tokio::join!(builder.open(), server.opened());
    (stream.unwrap(), call, left)
}

#[tokio::test]
async fn a_dropped_stream_hands_over_what_is_not_acked_and_a_closed_one_nothing() {
    let mut server = Server::start().await;
    let (mut stream, mut call, left) = with_sink(&mut server).await;
    let mut producer = stream.producer();
    stream.ingest_record(&Line("acked")).await.unwrap();
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (_, last) = call.records(0, 1).await;
        call.ack(last);
    });
    flushed.unwrap();
    stream.ingest_record(&Line("a")).await.unwrap();
    producer.ingest_record(&Line("b")).await.unwrap();
    drop(stream);
    assert_eq!(left.try_recv().unwrap(), ["a", "b"]);

    let (mut stream, mut call, left) = with_sink(&mut server).await;
    let (closed, ()) = tokio::join!(stream.close(), async {
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
    drop(stream);
    assert!(left.try_recv().is_err());
}

#[tokio::test]
async fn what_a_failed_stream_has_left_is_handed_over_once() {
    let mut server = Server::start().await;
    for asks in [false, true] {
        let (mut stream, mut call, left) = with_sink(&mut server).await;
        stream.ingest_record(&Line("a")).await.unwrap();
        let (flushed, ()) = tokio::join!(stream.flush(), async {
            call.records(0, 1).await;
            call.fail(Status::not_found("gone"));
        });
        flushed.unwrap_err();
        if asks {
            assert_eq!(stream.get_unacked_batches().len(), 1);
            assert_eq!(texts_of(stream.get_unacked_records()), ["a"]);
        }
        drop(stream);
        assert_eq!(left.try_recv().is_err(), asks);
    }
}

#[tokio::test]
async fn a_stream_that_is_made_anew_sends_first_what_was_not_acked() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 2;
    })
    .await;
    let mut producer = stream.producer();
    for text in numbered(0..5) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        call.records(0, 5).await;
        call.ack(0);
        call.fail(Status::not_found("gone"));
    });
    flushed.unwrap_err();

    // Not there yet: nothing is lost.
    let (made, ()) = tokio::join!(stream.recreate(), async {
        server.call().await.fail(Status::not_found("still gone"));
    });
    assert!(matches!(made, Err(Error::Status { .. })), "{made:?}");
    assert_eq!(stream.state(), StreamState::Failed);
    assert_eq!(texts_of(stream.get_unacked_records()), ["2", "3", "4"]);

    let (made, mut call) = tokio::join!(stream.recreate(), server.opened());
    made.unwrap();
    assert_eq!(stream.state(), StreamState::Opened);
    assert_eq!(stream.next_offset(), 3);
    assert_eq!(stream.ingest_record(&Line("5")).await.unwrap(), 3);
    assert!(matches!(
        producer.try_ingest(&Line("old")),
        Err(Error::Status { .. })
    ));
    stream.producer().try_ingest(&Line("6")).unwrap();
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (records, last) = call.records(0, 5).await;
        assert_eq!(records[..3], ["2", "3", "4"]);
        call.ack(last);
    });
    flushed.unwrap();
    assert_eq!(stream.acked_offset(), Some(3));

    // A stream that still goes can be made anew as well.
    stream.ingest_record(&Line("7")).await.unwrap();
    let (made, mut call) = tokio::join!(stream.recreate(), server.opened());
    made.unwrap();
    let (records, _) = call.records(0, 1).await;
    assert_eq!(records, ["7"]);
}

/// Takes its time with what was not acked.
#[derive(Clone, Default)]
struct SlowToTell(Told);

impl AckCallback for SlowToTell {
    fn on_ack(&self, offset: i64) {
        self.0.on_ack(offset);
    }

    fn on_error(&self, offset: i64, message: &str) {
        std::thread::sleep(Duration::from_millis(100));
        self.0.on_error(offset, message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn a_stream_made_anew_tells_nothing_before_the_one_that_ended_has_told_all() {
    let mut server = Server::start().await;
    let slow = SlowToTell::default();
    let told = slow.0.0.clone();
    let builder = client(&server).stream::<Line<'static>>().ack_callback(slow);
    let (stream, mut call) = tokio::join!(builder.open(), server.opened());
    let mut stream = stream.unwrap();
    for text in numbered(0..2) {
        stream.ingest_record(&Line(&text)).await.unwrap();
    }
    call.records(0, 2).await;
    call.fail(Status::not_found("gone"));
    stream.flush().await.unwrap_err();
    let (made, mut call) = tokio::join!(stream.recreate(), server.opened());
    made.unwrap();
    let (_, last) = call.records(0, 2).await;
    call.ack(last);
    stream.flush().await.unwrap();
    while told.lock().unwrap().len() < 3 {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    // Offsets begin anew: told in between, the ack would seem to be about the records that were not acked.
    let told = told.lock().unwrap();
    let offsets: Vec<_> = told
        .iter()
        .map(|one| {
            one.as_ref()
                .map_or_else(|lost| (lost.0, false), |offset| (*offset, true))
        })
        .collect();
    assert_eq!(offsets, [(0, false), (1, false), (1, true)]);
}
