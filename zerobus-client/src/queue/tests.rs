//! Handing over what is not acked while the ended stream's task is still at work, in every order of their steps.
//!
//! Each step is what one side does under the lock of a queue, so these orders are all there are.

use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Waker};

use super::*;
use crate::slot::Slot;
use crate::spool::Spool;
use crate::spool::tests::{message, on_disk, open};

const MESSAGES: u64 = 5;

fn queue() -> Queue {
    let budget = Arc::new(Budget::new(100, 1 << 20));
    Queue::new(Encoding::Proto, Pace::default(), budget, Span::none())
}

/// Connects, and sends everything.
fn send_all(queue: &Queue) {
    let connection = queue.begin_connection();
    queue.start_sending("stream");
    let mut cx = Context::from_waker(Waker::noop());
    while queue.core().ledger.has_next() {
        assert!(queue.poll_send(connection, &mut None, &mut cx).is_ready());
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Of the old stream's task.
    Ack(i64),
    HandOut,
    /// Of the stream's owner.
    StopIntake,
    End,
    /// A new stream that does not open, or is dropped while it does.
    OpenInVain,
    Open,
    TakeOver,
    /// Of the new stream's task: the next message is acked.
    AckNext,
}

const TASK: [Step; 4] = [Step::Ack(0), Step::HandOut, Step::Ack(0), Step::Ack(2)];
const OWNER: [Step; 7] = [
    Step::StopIntake,
    Step::End,
    Step::OpenInVain,
    Step::Open,
    Step::TakeOver,
    Step::AckNext,
    Step::AckNext,
];

/// Every order of the steps of both.
fn orders() -> Vec<Vec<Step>> {
    let count = TASK.len() + OWNER.len();
    let picks = (0u32..1 << count).filter(|pick| pick.count_ones() as usize == TASK.len());
    picks
        .map(|pick| {
            let (mut task, mut owner) = (TASK.into_iter(), OWNER.into_iter());
            (0..count)
                .filter_map(|at| {
                    if pick & 1 << at != 0 {
                        task.next()
                    } else {
                        owner.next()
                    }
                })
                .collect()
        })
        .collect()
}

fn adopted(ended: &Queue) -> (Queue, Arc<Slot>) {
    let new = queue();
    let slot = new.new_slot();
    for message in ended.hand_over().unwrap() {
        new.adopt(&slot, message);
    }
    (new, slot)
}

fn run(order: &[Step], folder: &Path) {
    let old = queue();
    let slot = old.new_slot();
    let (writer, _) = open(&Spool::at(folder));
    old.set_spool(writer);
    for number in 0..MESSAGES {
        let message = message(number..number + 1);
        let mut core = old.core();
        let spool = core.spool.as_mut().unwrap();
        spool.append(message.payload.framed(), 1, false).unwrap();
        core.push_message(&old.budget, &slot, message);
    }
    send_all(&old);
    let mut new: Option<(Queue, Arc<Slot>)> = None;
    let mut on_new = 0;
    for step in order {
        match step {
            // Refused when it comes after a new connection, as that of a task that is late would be.
            Step::Ack(up_to) => drop(old.ack(*up_to)),
            Step::HandOut => {
                let id = RecordId {
                    producer: 0,
                    offset: 0,
                };
                old.settle_front(id, Error::Closed);
                if !old.core().over {
                    send_all(&old);
                }
            }
            Step::StopIntake => old.stop_intake(),
            Step::End => old.end(None),
            Step::OpenInVain => drop(adopted(&old)),
            Step::Open => {
                let opened = adopted(&old);
                send_all(&opened.0);
                new = Some(opened);
            }
            Step::TakeOver => new.as_ref().unwrap().0.take_over(&old),
            Step::AckNext => {
                let (new, _) = new.as_ref().unwrap();
                // The old stream's task may have been quicker.
                if new.unacked_records() > 0 {
                    new.ack(on_new).unwrap();
                    on_new += 1;
                }
            }
        }
        // How many a server or a sink has by now, first ones first, is what may be gone from the disk.
        let settled = MESSAGES
            - match &new {
                Some((new, _)) if new.core().spool.is_some() => {
                    new.unacked_records().unsigned_abs()
                }
                _ => old.unacked_records().unsigned_abs(),
            };
        let left: Vec<u64> = (settled..MESSAGES).collect();
        assert_eq!(on_disk(folder), left, "after {step:?} of {order:?}");
    }
    let (new, _) = new.unwrap();
    assert_eq!(
        new.unacked_records(),
        i64::try_from(on_disk(folder).len()).unwrap()
    );
    // What is in flight of both streams together is what is in flight of the new one.
    assert_eq!(old.budget.used(), (0, 0));
    new.close_spool();
}

#[test]
fn what_is_not_acked_is_on_disk_in_whatever_order_an_ack_and_a_new_stream_come() {
    let parent = tempfile::tempdir().unwrap();
    for (n, order) in orders().into_iter().enumerate() {
        run(&order, &parent.path().join(n.to_string()));
    }
}

#[test]
fn nothing_comes_after_the_end_of_a_stream() {
    let queue = queue();
    let slot = queue.new_slot();
    queue
        .core()
        .push_message(&queue.budget, &slot, message(0..1));
    queue.end(None);
    // A task that is told to stop goes on to where it waits next.
    let connection = queue.begin_connection();
    queue.start_sending("late");
    queue.set_state(StreamState::Recovering);
    queue.end(Some(Error::Closed));
    assert_eq!(queue.state(), StreamState::Closed);
    let mut cx = Context::from_waker(Waker::noop());
    assert!(matches!(
        queue.poll_send(connection, &mut None, &mut cx),
        std::task::Poll::Ready(None)
    ));
    assert!(!queue.ack(0).unwrap().moved);
    assert_eq!(queue.unacked_records(), 1);
}
