//! What a queue's two sides change under its lock.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::Waker;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::RecordId;
use crate::ack::{Ledger, Message};
use crate::batch::{Batch, Payload};
use crate::budget::Budget;
use crate::error::Error;
use crate::metrics::Counters;
use crate::pace::Pace;
use crate::slot::{Found, Slot};
use crate::spool::SpoolWriter;

/// What is changed under the lock.
#[derive(Debug, Default)]
pub(super) struct Core {
    pub(super) ledger: Ledger<Payload>,
    /// Of each producer, and of those gone whose records are not all acked.
    pub(super) slots: Vec<Arc<Slot>>,
    pub(super) slots_made: u64,
    /// All slots are shut: only who already has a batch with records in hand may still queue it.
    pub(super) shut: bool,
    /// Records queued so far.
    pub(super) queued_records: i64,
    pub(super) pace: Pace,
    pub(super) counters: Counters,
    /// Written to under this very lock, so that it says what the ledger says; and moved, never shared, when another
    /// stream goes on with it.
    pub(super) spool: Option<SpoolWriter>,
    /// The stream has ended: what is not acked stays so.
    pub(super) over: bool,
    /// Why the stream has to end.
    pub(super) failure: Option<Error>,
    pub(super) failed: Arc<Notify>,
    /// Which connection may take messages out; that of an earlier one has ended.
    pub(super) connection: u64,
    pub(super) sending: Sending,
    /// A producer waits for the connection to catch up.
    pub(super) is_behind: bool,
    /// The messages sent when a producer last waited for that in vain, and not one was sent meanwhile.
    pub(super) stalled_at: Option<u64>,
    /// Of the request body, while it waits for a message.
    pub(super) body: Option<Waker>,
    /// The latest messages that were refused and handed out.
    pub(super) refused: VecDeque<RefusedMessage>,
    /// Since when the oldest message on the present connection, or the one after the last ack, waits for its ack.
    pub(super) waiting_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Sending {
    /// Messages stay here.
    #[default]
    Held,
    Open,
    /// The request side is at its end.
    Finished,
}

/// Records that were refused and handed out, one after the other, and why: one, or those of a batch that is whole.
#[derive(Debug)]
pub(super) struct RefusedMessage {
    pub(super) first: RecordId,
    pub(super) records: i64,
    pub(super) error: Error,
}

impl Core {
    pub(super) fn push(&mut self, budget: &Budget, slot: &Slot, batch: Batch, whole: bool) {
        let message = Message {
            records: batch.records(),
            bytes: batch.bytes() as u64,
            queued: Instant::now(),
            payload: batch.into_payload(),
            whole,
        };
        if let Some(spool) = &mut self.spool
            && let Err(error) = spool.append(message.payload.framed(), message.records, whole)
        {
            self.failure.get_or_insert(error);
            self.failed.notify_one();
        }
        self.push_message(budget, slot, message);
    }

    pub(super) fn push_message(&mut self, budget: &Budget, slot: &Slot, message: Message<Payload>) {
        let Message { records, bytes, .. } = message;
        self.queued_records += records;
        slot.queued(
            records,
            bytes,
            self.queued_records,
            self.ledger.acked_records(),
        );
        self.counters.queued_bytes += bytes;
        budget.queued(records, bytes);
        self.ledger.push(message);
        self.wake_body();
    }

    /// Under the lock: what a producer sealed before is queued already, and what it seals from here on has to wait,
    /// so the order is the producer's. False when a batch is in its producer's hand.
    pub(super) fn seal(&mut self, budget: &Budget, slot: &Slot) -> bool {
        if !self.shut
            && let Found::Batch(batch) = slot.take()
        {
            self.push(budget, slot, *batch, false);
            slot.set_making(false);
        }
        !slot.is_making()
    }

    pub(super) fn seal_all(&mut self, budget: &Budget) {
        let slots = std::mem::take(&mut self.slots);
        for slot in &slots {
            self.seal(budget, slot);
        }
        self.slots = slots;
    }

    /// So many records are acked, or were handed out.
    pub(super) fn settled(&mut self, records: i64) {
        if let Some(spool) = &mut self.spool {
            spool.settled(records);
        }
    }

    pub(super) fn set_sending(&mut self, sending: Sending) {
        self.sending = sending;
        self.wake_body();
    }

    pub(super) fn wake_body(&mut self) {
        if let Some(body) = self.body.take() {
            body.wake();
        }
    }
}
