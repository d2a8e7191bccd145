//! One measurement, in the process that sends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use zerobus_benches::measure::{Meter, Outcome, Sides, Writes, paced};
use zerobus_benches::records;
use zerobus_benches::rows::Order;
use zerobus_benches::samples::{Samples, percentiles};
use zerobus_client::{Client, Stream};

use crate::case::{Case, table};

/// How long a table is written to before anything is measured.
const WARM_UP: f64 = 1.0;
/// Of so many records one is timed.
const SAMPLED: usize = 1_000;
/// Before a record that is sent alone.
const PAUSE: Duration = Duration::from_millis(20);
/// On the way on each of many streams.
const INFLIGHT_OF_MANY: usize = 20_000;

/// Measures, and calls `warm` when it is.
pub async fn run(case: Case, seconds: f64, url: &str, sides: Sides, warm: impl Fn()) -> Outcome {
    let client = Client::builder()
        .endpoint(url)
        .oauth("bench", "local")
        .build()
        .expect("the endpoint is one");
    match case {
        Case::Full { inflight } => {
            let mut sender = Sender::open(&client, 0, inflight).await;
            sender.send_for(WARM_UP).await;
            sender.samples.clear();
            warm();
            let meter = Meter::start(sides);
            let sent = sender.send_for(seconds).await;
            with_times(meter.stop(sent), &mut sender.samples.take())
        }
        Case::Rate { records } => {
            let mut sender = Sender::open(&client, 0, 1_000_000).await;
            paced(&mut sender, records, WARM_UP, None).await;
            warm();
            let meter = Meter::start(sides);
            let samples = Arc::clone(&sender.samples);
            let sent = paced(&mut sender, records, seconds, Some(&samples)).await;
            with_times(meter.stop(sent), &mut samples.take())
        }
        Case::Streams { streams, tables } => {
            let mut senders = Vec::new();
            for at in 0..streams {
                senders.push(Sender::open(&client, at % tables, INFLIGHT_OF_MANY).await);
            }
            let senders = all_for(senders, WARM_UP).await.0;
            for sender in &senders {
                sender.samples.clear();
            }
            warm();
            let meter = Meter::start(sides);
            let (senders, sent) = all_for(senders, seconds).await;
            let outcome = meter.stop(sent);
            let times = senders.iter().flat_map(|sender| sender.samples.take());
            with_times(outcome, &mut times.collect::<Vec<_>>())
        }
        Case::Alone { records } => {
            let mut sender = Sender::open(&client, 0, 1_000_000).await;
            warm();
            let meter = Meter::start(sides);
            let mut micros = Vec::new();
            for at in 0..records {
                tokio::time::sleep(PAUSE).await;
                let called = Instant::now();
                let offset = sender.one(at).await;
                sender.wait(offset).await;
                micros.push(called.elapsed().as_secs_f64() * 1e6);
            }
            with_times(meter.stop(records), &mut micros)
        }
    }
}

fn with_times(outcome: Outcome, micros: &mut [f64]) -> Outcome {
    let (p50, p99) = percentiles(micros).unzip();
    Outcome {
        p50,
        p99,
        ..outcome
    }
}

async fn all_for(senders: Vec<Sender>, seconds: f64) -> (Vec<Sender>, usize) {
    let tasks = senders.into_iter().map(|mut sender| {
        tokio::spawn(async move {
            let sent = sender.send_for(seconds).await;
            (sender, sent)
        })
    });
    let tasks: Vec<_> = tasks.collect();
    let mut senders = Vec::new();
    let mut sent = 0;
    for task in tasks {
        let (sender, its) = task.await.expect("it does not panic");
        senders.push(sender);
        sent += its;
    }
    (senders, sent)
}

struct Sender {
    stream: Stream<Order>,
    ring: Vec<Order>,
    samples: Arc<Samples>,
}

impl Sender {
    async fn open(client: &Client, at: usize, inflight: usize) -> Self {
        let builder = client.stream::<Order>().table(table(at));
        let builder = builder.configure(|options| options.max_inflight_records = inflight);
        let stream = builder.open().await.expect("the table is there");
        let samples = Arc::<Samples>::default();
        let (mut watch, seen) = (stream.watch(), Arc::clone(&samples));
        tokio::spawn(async move {
            while watch.changed().await {
                if let Some(offset) = watch.acked_offset() {
                    seen.acked(offset);
                }
            }
        });
        Self {
            stream,
            ring: records::orders(),
            samples,
        }
    }

    /// Sends for so long, and then waits for the last ack. How many it sent.
    async fn send_for(&mut self, seconds: f64) -> usize {
        let start = Instant::now();
        let mut sent = 0;
        while start.elapsed().as_secs_f64() < seconds {
            let called = Instant::now();
            let offset = self.one(0).await;
            self.samples.add(offset, called);
            for at in 1..SAMPLED {
                self.one(at).await;
            }
            sent += SAMPLED;
            // The other streams' tasks have the same thread.
            tokio::task::yield_now().await;
        }
        self.flush().await;
        sent
    }
}

impl Writes for Sender {
    async fn one(&mut self, at: usize) -> i64 {
        let record = &self.ring[at % self.ring.len()];
        self.stream.ingest_record(record).await.expect("taken")
    }

    async fn batch(&mut self, at: usize, count: usize) {
        let records = (at..at + count).map(|at| &self.ring[at % self.ring.len()]);
        self.stream.ingest_records(records).await.expect("taken");
    }

    async fn wait(&mut self, offset: i64) {
        self.stream.wait_for_offset(offset).await.expect("acked");
    }

    async fn flush(&mut self) {
        self.stream.flush().await.expect("acked");
    }
}
