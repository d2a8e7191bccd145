//! The queue against two flat lists, whatever comes in whatever order: records, messages out, acks right and wrong, close
//! signals, lost connections, messages sent again, whole or halved.

use std::task::{Context, Poll, Waker};

use proptest::prelude::*;
use prost::Message as _;
use zerobus_proto::ephemeral_stream_request::Payload as Request;
use zerobus_proto::ingest_record_batch_request::Batch as Records;

use super::*;
use crate::batch::{Batch, BatchLimits};
use crate::slot::Slot;

const LIMITS: BatchLimits = BatchLimits {
    bytes: 1 << 20,
    records: 1 << 20,
    message_bytes: 1 << 20,
};

#[derive(Debug, Clone)]
enum Step {
    /// A message of so many records.
    Push(u8),
    Send,
    /// Up to so many messages before or beyond the last one sent; the same may come twice.
    Ack(i64),
    CloseSignal,
    /// The connection is lost, or left after a close signal.
    Disconnect,
    /// The stream is open on a new one.
    Open,
    /// The oldest message is refused: two are sent in its place, one at a time from here on.
    Halve,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (1..5u8).prop_map(Step::Push),
        8 => Just(Step::Send),
        6 => (-4i64..3).prop_map(Step::Ack),
        1 => Just(Step::CloseSignal),
        1 => Just(Step::Disconnect),
        3 => Just(Step::Open),
        1 => Just(Step::Halve),
    ];
    proptest::collection::vec(step, 0..200)
}

/// What is not acked, message by message, and what the present connection has of it.
#[derive(Default)]
struct Model {
    unacked: Vec<Vec<u32>>,
    /// Every record that is acked, in the order of the acks.
    acked: Vec<u32>,
    /// How many of the messages, from the first, are on their way.
    sent: usize,
    last_ack: i64,
    open: bool,
    one_by_one: bool,
    made: u32,
}

impl Model {
    fn send(&mut self) -> Option<(i64, Vec<u32>)> {
        if !self.open || (self.one_by_one && self.sent > 0) {
            return None;
        }
        let message = self.unacked.get(self.sent)?.clone();
        self.sent += 1;
        Some((self.last_sent(), message))
    }

    fn last_sent(&self) -> i64 {
        self.last_ack + i64::try_from(self.sent).unwrap()
    }

    fn ack(&mut self, up_to: i64) -> bool {
        if up_to < self.last_ack || up_to > self.last_sent() {
            return false;
        }
        let settled = usize::try_from(up_to - self.last_ack).unwrap();
        self.acked.extend(self.unacked.drain(..settled).flatten());
        self.sent -= settled;
        self.last_ack = up_to;
        true
    }

    fn disconnect(&mut self) {
        (self.open, self.sent, self.last_ack) = (false, 0, -1);
    }
}

/// The message that goes out next, as the service reads it.
fn sent(queue: &Queue, connection: u64) -> Option<(i64, Vec<u32>)> {
    let mut cx = Context::from_waker(Waker::noop());
    let Poll::Ready(Some((first, second))) = queue.poll_send(connection, &mut None, &mut cx) else {
        return None;
    };
    let frame = [first, second.unwrap_or_default()].concat();
    let request = zerobus_proto::EphemeralStreamRequest::decode(&frame[5..]).unwrap();
    let Some(Request::IngestRecordBatch(message)) = request.payload else {
        panic!("{request:?}");
    };
    let Some(Records::ProtoEncodedBatch(batch)) = message.batch else {
        panic!("{message:?}");
    };
    Some((message.offset_id.unwrap(), numbers(batch.records)))
}

fn numbers<T: AsRef<[u8]>>(records: impl IntoIterator<Item = T>) -> Vec<u32> {
    let records = records.into_iter();
    records
        .map(|record| u32::from_be_bytes(record.as_ref().try_into().unwrap()))
        .collect()
}

fn push(queue: &Queue, slot: &Slot, records: &[u32]) {
    let mut batch = Batch::with_capacity(0);
    for record in records {
        let append = |out: &mut Vec<u8>| {
            out.extend_from_slice(&record.to_be_bytes());
            Ok(())
        };
        batch.append(&LIMITS, append).unwrap();
    }
    assert!(queue.push(slot, [batch]));
}

proptest! {
    #[test]
    fn the_queue_agrees_with_a_list_whatever_comes(steps in steps()) {
        let budget = Arc::new(Budget::new(1 << 20, 1 << 30));
        let queue = Queue::new(Encoding::Proto, Pace::default(), budget, Span::none());
        let slot = queue.new_slot();
        let mut model = Model { last_ack: -1, ..Model::default() };
        let mut connection = queue.begin_connection();
        for step in steps {
            match step {
                Step::Push(count) => {
                    let records: Vec<u32> = (model.made..).take(count.into()).collect();
                    model.made += u32::from(count);
                    push(&queue, &slot, &records);
                    model.unacked.push(records);
                }
                Step::Send => prop_assert_eq!(sent(&queue, connection), model.send()),
                Step::Ack(ahead) => {
                    let up_to = model.last_sent() + ahead;
                    prop_assert_eq!(queue.ack(up_to).is_ok(), model.ack(up_to));
                }
                Step::CloseSignal => {
                    queue.hold_sending();
                    model.open = false;
                }
                Step::Disconnect => {
                    let old = std::mem::replace(&mut connection, queue.begin_connection());
                    model.disconnect();
                    prop_assert_eq!(sent(&queue, old), None, "on a connection that is gone");
                }
                Step::Open => {
                    // As the service sees it: only a connection that has sent nothing is opened.
                    if model.sent == 0 && model.last_ack == -1 {
                        queue.start_sending("stream");
                        model.open = true;
                    }
                }
                Step::Halve => {
                    let Some(front) = model.unacked.first_mut().filter(|front| front.len() > 1) else {
                        continue;
                    };
                    let second = front.split_off(front.len() / 2);
                    model.unacked.insert(1, second);
                    queue.set_one_by_one(true);
                    queue.halve_front();
                    connection = queue.begin_connection();
                    model.one_by_one = true;
                    model.disconnect();
                }
            }
            prop_assert_eq!(queue.in_flight(), model.sent);
            prop_assert_eq!(numbers(queue.unacked()), model.unacked.concat());
            // Acked in order, each once, and never what is still to be sent.
            let acked = u32::try_from(queue.progress().borrow().acked_records).unwrap();
            prop_assert!(model.acked.iter().copied().eq(0..acked), "{:?}", model.acked);
            prop_assert_eq!(queue.waiting_since().is_some(), model.sent > 0);
        }
    }
}
