//! Several tasks on one stream, each with a producer of its own.

use std::collections::HashSet;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use tokio::sync::oneshot;
use tonic::Status;
use zerobus_client::{
    AckFuture, ColumnInfo, Error, Fingerprint, RecordError, Stream, ZerobusRecord,
};

use crate::delivery::{client, open};
use crate::record::{Line, numbered, text_of, texts_of};
use crate::recovery::eager;
use crate::server::{Call, Server};

const HOUR: Duration = Duration::from_secs(3_600);

/// Stores and acks, but breaks the connection off at each 300th message and refuses what begins with `!`.
async fn serve(mut server: Server, mut call: Call, mut done: oneshot::Receiver<()>) -> Vec<String> {
    let mut stored = Vec::new();
    let mut messages = 0;
    loop {
        match call.try_batch().await {
            Some((_, batch)) if batch.iter().any(|text| text.starts_with('!')) => {
                call.fail(Status::invalid_argument(
                    "no. Error Code: 4044, Error State: 0.",
                ));
            }
            Some((id, batch)) => {
                stored.extend(batch);
                messages += 1;
                if messages % 300 != 0 {
                    call.ack(id);
                    continue;
                }
                call.fail(Status::unavailable("again"));
            }
            None => drop(call),
        }
        tokio::select! {
            next = server.opened() => call = next,
            _ = &mut done => return stored,
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 3)]
async fn each_keeps_its_order_over_lost_connections_and_all_is_stored_when_the_stream_is_closed() {
    const EACH: usize = 3_000;
    const NAMES: [&str; 4] = ["a", "b", "c", "d"];
    let mut server = Server::start().await;
    let (mut stream, call) = open(&mut server, |options| {
        eager(options);
        options.batch_records = 7;
        options.max_inflight_records = 200;
    })
    .await;
    let (finish, done) = oneshot::channel();
    let service = tokio::spawn(serve(server, call, done));
    let tasks = NAMES.map(|name| {
        let mut producer = stream.producer();
        tokio::spawn(async move {
            for n in 0..EACH {
                let offset = producer
                    .ingest_record(&Line(&format!("{name}{n}")))
                    .await
                    .unwrap();
                assert_eq!(usize::try_from(offset), Ok(n));
                if n % 1_000 == 10 {
                    producer.wait_for_offset(offset - 5).await.unwrap();
                    assert!(producer.acked_offset() >= Some(offset - 5));
                }
            }
            // Gone with a batch in the making.
        })
    });
    for task in tasks {
        task.await.unwrap();
    }
    stream.close().await.unwrap();
    finish.send(()).unwrap();
    let stored = service.await.unwrap();
    for name in NAMES {
        let mut seen = HashSet::new();
        let own = stored.iter().filter_map(|text| text.strip_prefix(name));
        let firsts: Vec<&str> = own.filter(|n| seen.insert(*n)).collect();
        assert_eq!(firsts, numbered(0..EACH), "{name}");
    }
}

#[tokio::test]
async fn offsets_and_acks_are_a_producers_own() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| options.linger = HOUR).await;
    let (mut one, mut two) = (stream.producer(), stream.producer());
    stream.ingest_record(&Line("s0")).await.unwrap();
    assert_eq!(two.ingest_record(&Line("t0")).await.unwrap(), 0);
    assert_eq!(two.ingest_record(&Line("t1")).await.unwrap(), 1);
    assert_eq!(one.ingest_record(&Line("o0")).await.unwrap(), 0);
    assert!(matches!(
        one.wait_for_offset(1).await,
        Err(Error::UnknownOffset { offset: 1, next: 1 })
    ));

    // Only what the one that flushes has gathered goes out.
    let (flushed, ()) = tokio::join!(two.flush(), async {
        let (records, last) = call.records(0, 2).await;
        assert_eq!(records, ["t0", "t1"]);
        call.ack(last);
    });
    flushed.unwrap();
    assert_eq!(two.acked_offset(), Some(1));
    assert_eq!((one.acked_offset(), stream.acked_offset()), (None, None));

    // The stream's flush is everyone's.
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (mut records, last) = call.records(1, 2).await;
        records.sort();
        assert_eq!(records, ["o0", "s0"]);
        call.ack(last);
    });
    flushed.unwrap();
    assert_eq!(
        (one.acked_offset(), stream.acked_offset()),
        (Some(0), Some(0))
    );
}

#[tokio::test]
async fn the_bound_holds_for_all_together() {
    let mut server = Server::start().await;
    let (stream, mut call) = open(&mut server, |options| {
        options.max_inflight_records = 10;
        options.batch_records = 5;
        options.linger = HOUR;
    })
    .await;
    let (mut one, mut two) = (stream.producer(), stream.producer());
    for text in numbered(0..10) {
        one.try_ingest(&Line(&text)).unwrap();
    }
    let full = two.try_ingest(&Line("10")).unwrap_err();
    assert!(matches!(full, Error::Full { records: 10, .. }), "{full}");
    let mut waiting = std::pin::pin!(two.ingest_record(&Line("10")));
    let (_, last) = tokio::select! {
        taken = &mut waiting => panic!("taken beyond the bound: {taken:?}"),
        sent = call.records(0, 10) => sent,
    };
    call.ack(last);
    assert_eq!(waiting.await.unwrap(), 0);
}

#[tokio::test]
async fn a_stream_that_is_closed_or_gone_takes_nothing_from_its_producers() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| options.linger = HOUR).await;
    let mut producer = stream.producer();
    producer.ingest_record(&Line("in time")).await.unwrap();
    let (closed, ()) = tokio::join!(stream.close(), async {
        let (records, last) = call.records(0, 1).await;
        assert_eq!(records, ["in time"]);
        call.ack(last);
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
    producer.wait_for_offset(0).await.unwrap();
    for mut producer in [producer.clone(), stream.producer(), producer] {
        let late = producer.ingest_record(&Line("late")).await;
        assert!(matches!(late, Err(Error::Closed)), "{late:?}");
    }

    let (stream, _call) = open(&mut server, |_| {}).await;
    let mut producer = stream.producer();
    producer.try_ingest(&Line("a")).unwrap();
    drop(stream);
    assert!(matches!(
        producer.try_ingest(&Line("b")),
        Err(Error::Closed)
    ));
    assert!(matches!(producer.flush().await, Err(Error::Closed)));
}

#[tokio::test]
async fn a_refused_record_is_named_by_its_producer_and_its_offset_there() {
    let mut server = Server::start().await;
    let (letters, refused) = std::sync::mpsc::channel();
    let builder = client(&server)
        .stream::<Line<'static>>()
        .configure(eager)
        .dead_letters(move |letter| letters.send(letter).unwrap());
    let (stream, call) = tokio::join!(builder.open(), server.opened());
    let mut stream: Stream<Line<'static>> = stream.unwrap();
    let (finish, done) = oneshot::channel();
    let service = tokio::spawn(serve(server, call, done));
    let (mut one, mut two) = (stream.producer(), stream.producer());
    for text in ["o0", "o1", "o2"] {
        one.ingest_record(&Line(text)).await.unwrap();
    }
    one.flush().await.unwrap();
    for text in ["t0", "!t1", "t2"] {
        two.ingest_record(&Line(text)).await.unwrap();
    }
    stream.ingest_record(&Line("s0")).await.unwrap();
    stream.flush().await.unwrap();

    let letter = refused.try_recv().unwrap();
    assert_eq!((letter.producer, letter.offset), (two.id(), 1));
    assert_eq!(text_of(&letter.record), "!t1");
    assert!(refused.try_recv().is_err());
    let told = two.wait_for_offset(1).await.unwrap_err();
    assert!(
        matches!(told, Error::RecordRefused { offset: 1, .. }),
        "{told}"
    );
    // The same offset elsewhere is another record.
    one.wait_for_offset(1).await.unwrap();
    stream.close().await.unwrap();
    finish.send(()).unwrap();
    let stored = service.await.unwrap();
    assert_eq!(stored.len(), 6, "{stored:?}");
}

#[tokio::test]
async fn a_failed_stream_hands_back_what_its_producers_took() {
    let mut server = Server::start().await;
    let (stream, mut call) = open(&mut server, |options| options.linger = HOUR).await;
    let (mut one, mut two) = (stream.producer(), stream.producer());
    one.ingest_record(&Line("a")).await.unwrap();
    two.ingest_record(&Line("b")).await.unwrap();
    let failed = async {
        call.records(0, 1).await;
        call.fail(Status::not_found("gone"));
    };
    let (flushed, ()) = tokio::join!(one.flush(), failed);
    assert!(matches!(flushed, Err(Error::Status { .. })), "{flushed:?}");
    assert_eq!(texts_of(stream.get_unacked_records()), ["a", "b"]);
    // Why, not only that.
    let error = two.try_ingest(&Line("c")).unwrap_err();
    assert!(matches!(error, Error::Status { .. }), "{error}");
}

/// A record whose encoder waits until it may go on.
struct Slow {
    begun: mpsc::Sender<()>,
    go_on: Mutex<mpsc::Receiver<()>>,
}

impl ZerobusRecord for Slow {
    const TABLE: &'static str = Line::TABLE;
    const FINGERPRINT: Fingerprint = Line::FINGERPRINT;
    const COLUMNS: &'static [ColumnInfo] = Line::COLUMNS;
    const DESCRIPTOR: &'static [u8] = Line::DESCRIPTOR;

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.begun.send(()).unwrap();
        self.go_on.lock().unwrap().recv().unwrap();
        Line("slow").encode(out)
    }

    fn validate(&self) -> Result<(), RecordError> {
        Ok(())
    }
}

/// A producer that has taken a record, told by the future, and is encoding the next one into the same batch, on a
/// thread of its own, until it may go on.
fn busy(stream: &Stream<Line<'static>>) -> (AckFuture, mpsc::Sender<()>) {
    let mut producer = stream.producer();
    let (begun, is_begun) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    producer.try_ingest(&Line("taken")).unwrap();
    let ack = producer.ack(0);
    let slow = Slow {
        begun,
        go_on: Mutex::new(may_go_on),
    };
    thread::spawn(move || {
        producer.try_ingest(&slow).unwrap();
        // It is the stream's to send what has gathered.
        std::mem::forget(producer);
    });
    is_begun.recv().unwrap();
    (ack, go_on)
}

/// Comes to nothing while the producer is busy, and to `Ok` when what it took is acked.
async fn comes_with_the_ack(
    call: &mut Call,
    go_on: mpsc::Sender<()>,
    waiting: impl Future<Output = Result<(), Error>>,
) {
    let mut waiting = std::pin::pin!(waiting);
    for _ in 0..20 {
        tokio::select! {
            biased;
            early = &mut waiting => panic!("{early:?} when nothing was sent"),
            () = tokio::task::yield_now() => {}
        }
    }
    go_on.send(()).unwrap();
    let (waited, ()) = tokio::join!(waiting, async {
        let (records, last) = call.records(0, 2).await;
        assert_eq!(records, ["taken", "slow"]);
        call.ack(last);
    });
    waited.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flush_waits_for_what_a_producer_took_while_it_takes_more() {
    let mut server = Server::start().await;
    let (stream, mut call) = open(&mut server, |options| options.linger = HOUR).await;
    let (_, go_on) = busy(&stream);
    comes_with_the_ack(&mut call, go_on, stream.flush()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_ack_can_be_waited_for_while_its_producer_takes_more() {
    let mut server = Server::start().await;
    let (stream, mut call) = open(&mut server, |options| options.linger = HOUR).await;
    let (ack, go_on) = busy(&stream);
    comes_with_the_ack(&mut call, go_on, ack).await;
}
