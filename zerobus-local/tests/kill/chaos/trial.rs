//! One stream, from its opening to what it hands back.

use std::collections::BTreeMap;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use zerobus_client::{
    Client, Error, Producer, Proto, ProtoBytes, ProtoDescriptor, RefusedRecord, Stream,
    StreamState, ZerobusRecord,
};

use super::plan::{BACKOFF, Outage, Plan};
use super::tally::Tally;
use crate::event::Event;
use crate::random::Random;

/// A stream that is to be run.
pub(super) struct Trial {
    plan: Plan,
    table: String,
    client: Client,
    outages: Sender<Outage>,
}

/// What its caller knows when it is over.
pub(super) struct Outcome {
    /// By producer: how many of its records were taken.
    pub(super) taken: BTreeMap<i32, i64>,
    /// Records that the dead-letter sink got, by producer and number.
    pub(super) refused: Vec<(i32, i64)>,
    /// Connections, records and errors so far; what is stored is still to be looked at.
    pub(super) tally: Tally,
}

type Letters = Arc<Mutex<Vec<RefusedRecord>>>;

impl Trial {
    pub(super) fn new(plan: Plan, table: String, client: Client, outages: Sender<Outage>) -> Self {
        Self {
            plan,
            table,
            client,
            outages,
        }
    }

    pub(super) async fn run(self) -> Outcome {
        let letters = Letters::default();
        let mut stream = self.open(&letters).await;
        let mut tasks = Vec::new();
        for (records, sequence) in self.plan.records[1..].iter().zip(1..) {
            let producer = stream.producer();
            let random = self.plan.random(sequence);
            tasks.push(tokio::spawn(fill(producer, *records, random)));
        }
        self.fill_own(&mut stream).await;
        let mut producers = Vec::new();
        for task in tasks {
            producers.push(task.await.unwrap());
        }

        let left = self.plan.left_after.is_some();
        let closed = match left {
            true => Ok(()),
            false => stream.close().await,
        };
        let mut handed_back = stream.get_unacked_records();
        let mut marks = BTreeMap::from([(0, (stream.acked_offset(), stream.next_offset()))]);
        for producer in &producers {
            let id = i32::try_from(producer.id()).unwrap();
            marks.insert(id, (producer.acked_offset(), producer.next_offset()));
        }
        match &closed {
            Ok(()) if left => {}
            Ok(()) => {
                // It may also have lost its connection, and its last retry, once everything was acked.
                assert!(stream.state().is_final());
                assert!(handed_back.is_empty(), "closed, and not all acked");
            }
            Err(error) => assert_eq!(stream.state(), StreamState::Failed, "{error}"),
        }
        check_handed_back(&handed_back, &marks, left);
        let mut tally = Tally {
            streams: 1,
            records: marks.values().map(|(_, taken)| taken).sum(),
            reconnects: stream.reconnects().cast_signed(),
            resent: stream.resent_records(),
            failed: closed.is_err().into(),
            left: left.into(),
            outages: self.plan.outages.len().try_into().unwrap(),
            ..Tally::default()
        };
        let (refused_records, table) = (stream.refused_records(), self.table.clone());
        drop((stream, producers));
        while !handed_back.is_empty() {
            let count = i64::try_from(handed_back.len()).unwrap();
            tally.handed_back += count;
            // Whether it was sent before, the caller cannot know.
            tally.resent += count;
            handed_back = self.send_again(handed_back, &mut tally).await;
        }

        let letters = std::mem::take(&mut *letters.lock().unwrap());
        assert_eq!(letters.len() as u64, refused_records, "{table}");
        tally.refused = letters.len().try_into().unwrap();
        Outcome {
            taken: marks.into_iter().map(|(id, mark)| (id, mark.1)).collect(),
            refused: letters.iter().map(named).collect(),
            tally,
        }
    }

    /// Opens it, however often the server is away just then.
    async fn open(&self, letters: &Letters) -> Stream<Event> {
        loop {
            let mut builder = self.client.stream::<Event>().table(&self.table);
            builder = builder.options(self.plan.options.clone());
            if self.plan.dead_letters {
                let letters = Arc::clone(letters);
                builder = builder.dead_letters(move |letter| letters.lock().unwrap().push(letter));
            }
            match builder.open().await {
                Ok(stream) => return stream,
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    async fn fill_own(&self, stream: &mut Stream<Event>) {
        let mut random = self.plan.random(0);
        let mut outages = self.plan.outages.clone();
        let mut acked = None;
        for seq in 0..self.plan.records[0] {
            for (_, outage) in outages.extract_if(.., |(after, _)| *after <= seq) {
                self.outages.send(outage).unwrap();
            }
            if self.plan.left_after == Some(seq) || !take(stream, seq).await {
                break;
            }
            let durable = match random.below(64) {
                0 => stream.flush().await.is_ok().then_some(seq),
                1 => {
                    let offset = random.between(0, seq);
                    let waited = stream.wait_for_offset(offset).await;
                    waited.is_ok().then_some(offset)
                }
                2..8 => {
                    tokio::time::sleep(random.pause(Duration::from_millis(4))).await;
                    None
                }
                _ => None,
            };
            let now = stream.acked_offset();
            assert!(
                now >= acked && now >= durable,
                "{now:?}, {acked:?}, {durable:?}"
            );
            acked = now;
        }
        for (_, outage) in outages {
            self.outages.send(outage).unwrap();
        }
    }

    /// Sends on another stream what one has handed back; tells what that one hands back in its turn.
    async fn send_again(&self, records: Vec<Bytes>, tally: &mut Tally) -> Vec<Bytes> {
        let descriptor = ProtoDescriptor::new(Event::DESCRIPTOR);
        let builder = self.client.proto_stream(&self.table, descriptor);
        let builder = builder.configure(|options| {
            options.batch_bytes = 8 << 10;
            options.recovery_backoff = BACKOFF;
            options.recovery_retries = 1_000_000;
        });
        let mut stream: Stream<Proto> = builder.open().await.unwrap();
        let (mut taken, mut result) = (0, Ok(0));
        for record in &records {
            result = stream.ingest_record(&ProtoBytes(record)).await;
            if result.is_err() {
                break;
            }
            taken += 1;
        }
        let closed = match result {
            Ok(_) => stream.close().await,
            Err(error) => Err(error),
        };
        tally.reconnects += stream.reconnects().cast_signed();
        tally.resent += stream.resent_records();
        let mut left = stream.get_unacked_records();
        match closed {
            Ok(()) => assert!(left.is_empty()),
            // What a fault says of a message goes for the next stream anew.
            Err(error) => assert!(error.error_code().is_some(), "{error}"),
        }
        left.extend_from_slice(&records[taken..]);
        left
    }
}

async fn fill(mut producer: Producer<Event>, records: i64, mut random: Random) -> Producer<Event> {
    let id = i32::try_from(producer.id()).unwrap();
    for seq in 0..records {
        match producer.ingest_record(&Event::new(id, seq)).await {
            Ok(offset) => assert_eq!(offset, seq),
            Err(error) => {
                assert!(!is_about_record(&error), "{error}");
                break;
            }
        }
        match random.below(64) {
            0 => {
                let flushed = producer.flush().await;
                assert!(flushed.is_err() || producer.acked_offset() == Some(seq));
            }
            1..8 => tokio::time::sleep(random.pause(Duration::from_millis(4))).await,
            _ => {}
        }
    }
    producer
}

/// Whether the stream took the record; otherwise it has ended.
async fn take(stream: &mut Stream<Event>, seq: i64) -> bool {
    match stream.ingest_record(&Event::new(0, seq)).await {
        Ok(offset) => {
            assert_eq!(offset, seq);
            true
        }
        Err(error) => {
            assert!(!is_about_record(&error), "{error}");
            assert_eq!(stream.next_offset(), seq);
            false
        }
    }
}

fn is_about_record(error: &Error) -> bool {
    matches!(error, Error::Record { .. } | Error::RecordTooLarge { .. })
}

/// Of each producer: everything from its first record that is not acked to its last one, in order.
fn check_handed_back(
    records: &[Bytes],
    marks: &BTreeMap<i32, (Option<i64>, i64)>,
    still_sending: bool,
) {
    let mut next = BTreeMap::new();
    for record in records {
        let event = Event::decode(record);
        let seq = next.entry(event.source).or_insert(event.seq);
        assert_eq!(event, Event::new(event.source, *seq), "handed back");
        *seq += 1;
        let acked = marks[&event.source].0.map_or(0, |offset| offset + 1);
        assert!(
            still_sending || event.seq >= acked,
            "handed back though acked"
        );
    }
    for (source, (acked, taken)) in marks {
        let acked = acked.map_or(0, |offset| offset + 1);
        match next.get(source) {
            Some(end) => assert_eq!(end, taken, "handed back of producer {source}"),
            None => assert_eq!(acked, *taken, "neither acked nor handed back: {source}"),
        }
    }
    let firsts = records.iter().map(|record| Event::decode(record));
    let mut first = BTreeMap::new();
    for event in firsts {
        first.entry(event.source).or_insert(event.seq);
    }
    for (source, first) in first {
        let acked = marks[&source].0.map_or(0, |offset| offset + 1);
        assert!(
            first <= acked,
            "producer {source}: {acked} acked, handed back from {first}"
        );
    }
}

/// Whose record it is, by its letter and by itself.
fn named(letter: &RefusedRecord) -> (i32, i64) {
    let source = i32::try_from(letter.producer).unwrap();
    assert_eq!(
        Event::decode(&letter.record),
        Event::new(source, letter.offset)
    );
    (source, letter.offset)
}
