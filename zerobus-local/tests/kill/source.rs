//! Who sends: a task that puts record after record into a stream and, as any caller would, takes no notice of what
//! becomes of the server.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio::task::JoinHandle;
use zerobus_client::{Client, Stream, StreamOptions};

use crate::event::Event;
use crate::random::Random;

const MAX_RECORDS: usize = 1_500;
const MAX_BYTES: usize = 256 << 10;
/// The largest record and its frame.
const RECORD_BYTES: usize = 21_000;

/// Bounds that are reached all the time, and as many attempts as a slow machine may need.
pub(crate) fn options(options: &mut StreamOptions) {
    options.max_inflight_records = MAX_RECORDS;
    options.max_inflight_bytes = MAX_BYTES;
    options.batch_bytes = 16 << 10;
    options.recovery_backoff = Duration::from_millis(20);
    options.recovery_retries = 1_000;
}

/// A stream and the task that fills it.
pub(crate) struct Source {
    id: i32,
    state: Arc<State>,
    task: JoinHandle<i64>,
}

#[derive(Default)]
struct State {
    acked: AtomicI64,
    stop: AtomicBool,
}

impl Source {
    /// Opens a stream into a table and begins to send.
    pub(crate) async fn start(
        client: &Client,
        table: &str,
        id: i32,
        random: Random,
        change: fn(&mut StreamOptions),
    ) -> Self {
        let stream = client
            .stream::<Event>()
            .table(table)
            .configure(options)
            .configure(change)
            .open()
            .await
            .unwrap();
        let state = Arc::new(State::default());
        let task = tokio::spawn(send(stream, id, random, Arc::clone(&state)));
        Self { id, state, task }
    }

    pub(crate) fn id(&self) -> i32 {
        self.id
    }

    /// How many records are acked.
    pub(crate) fn acked(&self) -> i64 {
        assert!(!self.task.is_finished(), "source {} broke off", self.id);
        self.state.acked.load(Ordering::Acquire)
    }

    /// Stops sending, waits until everything is acked, and tells how many records there were.
    pub(crate) async fn finish(self) -> i64 {
        self.state.stop.store(true, Ordering::Release);
        self.task.await.unwrap()
    }
}

async fn send(mut stream: Stream<Event>, id: i32, mut random: Random, state: Arc<State>) -> i64 {
    let mut acked = 0;
    let mut sent = 0;
    while !state.stop.load(Ordering::Acquire) {
        for _ in 0..random.below(64) {
            let offset = stream.ingest_record(&Event::new(id, sent)).await.unwrap();
            assert_eq!(offset, sent);
            sent += 1;
        }
        match random.below(64) {
            0 if sent > 0 => stream.wait_for_offset(sent - 1).await.unwrap(),
            1 => stream.flush().await.unwrap(),
            2 => check_unacked(&stream, id, sent),
            _ => tokio::time::sleep(random.pause(Duration::from_millis(4))).await,
        }
        let now = acked_records(&stream);
        assert!(
            now >= acked,
            "source {id}: {now} records are acked, but {acked} were"
        );
        acked = now;
        state.acked.store(acked, Ordering::Release);
    }
    stream.close().await.unwrap();
    assert_eq!(acked_records(&stream), sent);
    sent
}

fn acked_records(stream: &Stream<Event>) -> i64 {
    stream.acked_offset().map_or(0, |offset| offset + 1)
}

/// What is on its way is within its bounds, and is what was sent, in order, up to the last record.
fn check_unacked(stream: &Stream<Event>, id: i32, sent: i64) {
    let mut unacked = VecDeque::from(stream.get_unacked_records());
    assert!(
        unacked.len() <= MAX_RECORDS,
        "{} records in flight",
        unacked.len()
    );
    let bytes: usize = unacked.iter().map(|record| record.len()).sum();
    assert!(bytes < MAX_BYTES + RECORD_BYTES, "{bytes} bytes in flight");
    for seq in (0..sent).rev().take(unacked.len()) {
        let record = unacked.pop_back().unwrap();
        assert_eq!(Event::decode(&record), Event::new(id, seq));
    }
    assert!(unacked.is_empty(), "more is unacked than was sent");
}
