//! The producers' side of a queue.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::core::Sending;
use super::{Queue, RecordId};
use crate::ack::Message;
use crate::batch::{Batch, Payload};
use crate::budget::Budget;
use crate::error::Error;
use crate::slot::Slot;
use crate::spool::SpoolWriter;

/// Producers that are further ahead of a connection which sends let it catch up: what fits into a core's cache is written
/// and sent in half the time.
const AHEAD_BYTES: u64 = 1 << 20;
/// A link that takes longer is not what memory has to wait for.
const CATCH_UP_TIME: Duration = Duration::from_millis(2);

impl Queue {
    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// A place for one more producer.
    pub(crate) fn new_slot(&self) -> Arc<Slot> {
        let mut core = self.core();
        let acked = core.ledger.acked_records();
        core.slots.retain(|slot| !slot.is_done(acked));
        let slot = Arc::new(Slot::new(core.slots_made));
        core.slots_made += 1;
        self.shared.store(core.slots_made > 1, Ordering::Relaxed);
        if core.shut {
            slot.shut();
        } else {
            core.slots.push(Arc::clone(&slot));
        }
        slot
    }

    /// Whether a producer has to look again, from batch to batch, at what the others have on their way.
    #[inline]
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Relaxed)
    }

    pub(crate) fn budget(&self) -> &Budget {
        &self.budget
    }

    /// Lets a connection that is more than [`AHEAD_BYTES`] behind catch up, for at most [`CATCH_UP_TIME`], and once
    /// when it sends nothing at all.
    pub(crate) async fn let_catch_up(&self) {
        let mut caught_up = pin!(self.caught_up.notified());
        // From here on nothing is missed.
        caught_up.as_mut().enable();
        let sent = {
            let mut core = self.core();
            let sent = Some(core.counters.sent_messages);
            let is_ahead = core.ledger.unsent_bytes() > AHEAD_BYTES;
            if core.sending != Sending::Open || !is_ahead || core.stalled_at == sent {
                return;
            }
            core.is_behind = true;
            sent
        };
        if timeout(CATCH_UP_TIME, caught_up).await.is_err() {
            let mut core = self.core();
            core.stalled_at = sent.filter(|sent| *sent == core.counters.sent_messages);
        }
    }

    /// How many records and bytes the slot's producer may have taken in all, given what is on its way.
    pub(crate) fn bounds(&self, slot: &Slot) -> (i64, i64) {
        // Under the lock, so that what the background task queues from the slot is counted once.
        let _core = self.core();
        let (records, bytes) = slot.totals();
        let (records_left, bytes_left) = self.budget.left();
        (
            records.saturating_add(records_left),
            bytes.cast_signed().saturating_add(bytes_left),
        )
    }

    /// Queues a batch from the hand of its producer. False when the stream takes nothing any more and nobody waits
    /// for the batch.
    pub(crate) fn push(&self, slot: &Slot, batches: impl IntoIterator<Item = Batch>) -> bool {
        let mut core = self.core();
        if core.shut && !slot.is_making() {
            return false;
        }
        for batch in batches {
            core.push(&self.budget, slot, batch, false);
        }
        slot.set_making(false);
        true
    }

    /// Queues a batch that is stored whole or not at all, behind what is in the slot. False when the stream takes
    /// nothing any more.
    pub(crate) fn push_whole(&self, slot: &Slot, batch: Batch) -> bool {
        let mut core = self.core();
        if core.shut {
            return false;
        }
        core.seal(&self.budget, slot);
        core.push(&self.budget, slot, batch, true);
        true
    }

    /// What is queued from here on is written down as well.
    pub(crate) fn set_spool(&self, spool: SpoolWriter) {
        self.core().spool = Some(spool);
    }

    /// Frees the folder of the spool.
    pub(crate) fn close_spool(&self) {
        let spool = self.core().spool.take();
        drop(spool);
    }

    /// Of a stream that has ended: what is not acked, in the messages that it was or would have been sent in, and all
    /// of it in the spool if there is one. It stays here until [`take_over`](Self::take_over).
    ///
    /// # Errors
    /// [`Error::Spool`] when something cannot be written down.
    pub(crate) fn hand_over(&self) -> Result<Vec<Message<Payload>>, Error> {
        let mut core = self.core();
        let messages = core.ledger.unacked_mut().map(|message| Message {
            payload: message.payload.share(),
            ..*message
        });
        let messages: Vec<_> = messages.collect();
        if let Some(spool) = &mut core.spool {
            spool.resume(&messages)?;
        }
        Ok(messages)
    }

    /// Goes on with the spool of a stream that has ended, whose messages this one has by now.
    pub(crate) fn take_over(&self, ended: &Self) {
        let mut theirs = ended.core();
        let spool = theirs.spool.take();
        let (records, bytes) = theirs.ledger.forget();
        drop(theirs);
        ended.budget.settled(records, bytes);
        self.core().spool = spool;
    }

    /// Queues what was a message of another stream, or of an earlier process.
    pub(crate) fn adopt(&self, slot: &Slot, message: Message<Payload>) {
        self.core().push_message(&self.budget, slot, message);
    }

    /// Queues the slot's batch in the making, if there is one. False when its producer has it in hand.
    pub(crate) fn seal(&self, slot: &Slot) -> bool {
        self.core().seal(&self.budget, slot)
    }

    /// Queues all batches in the making but for those that are in their producers' hands.
    pub(crate) fn seal_all(&self) {
        self.core().seal_all(&self.budget);
    }

    /// Queues what the slot's producer has taken so far, also while it takes more, on another thread.
    pub(crate) async fn seal_taken(&self, slot: &Slot) {
        let (before, _) = slot.totals();
        // In its hand for as long as it takes to encode a record; or queued by itself in the meantime.
        while !self.seal(slot) && slot.totals().0 == before {
            tokio::task::yield_now().await;
        }
    }

    /// Queues what all producers have taken so far.
    pub(crate) async fn seal_all_taken(&self) {
        let slots = self.core().slots.clone();
        for slot in slots {
            self.seal_taken(&slot).await;
        }
    }

    /// A batch has been begun: has the background task seal it once it has lingered.
    pub(crate) fn arm_linger(&self) {
        if !self.lingering.swap(true, Ordering::SeqCst) {
            self.linger.notify_one();
        }
    }

    /// Takes no more records, and queues those that were taken.
    pub(crate) fn stop_intake(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.budget.wake();
        let mut core = self.core();
        let slots = core.slots.clone();
        if !core.shut {
            core.shut = true;
            for slot in &slots {
                if let Some(batch) = slot.shut() {
                    core.push(&self.budget, slot, *batch, false);
                    slot.set_making(false);
                }
            }
        }
        drop(core);
        for slot in &slots {
            // In its producer's hand, on another thread, for as long as it takes to encode one record.
            while slot.is_making() {
                std::thread::yield_now();
            }
        }
    }

    /// The producer is gone: queues what it has left.
    pub(crate) fn abandon(&self, slot: &Slot) {
        self.seal(slot);
        slot.abandon();
    }

    /// Why this record was refused, if it was.
    pub(crate) fn refusal(&self, record: RecordId) -> Option<Error> {
        let core = self.core();
        let mut refused = core.refused.iter();
        refused.find_map(|refused| {
            let RecordId { producer, offset } = refused.first;
            let within = (offset..offset + refused.records).contains(&record.offset);
            (producer == record.producer && within).then(|| refused.error.clone())
        })
    }

    /// Each record that is not acked, oldest first, as it was encoded.
    pub(crate) fn unacked(&self) -> Vec<Bytes> {
        self.unacked_batches().into_iter().flatten().collect()
    }

    /// The same by message.
    pub(crate) fn unacked_batches(&self) -> Vec<Vec<Bytes>> {
        if self.is_ended() {
            self.stop_intake();
        }
        let mut core = self.core();
        // Under one lock: what is queued only now is neither sent nor acked before it is looked at.
        core.seal_all(&self.budget);
        let messages = core.ledger.unacked();
        messages
            .map(|message| message.payload.records().collect())
            .collect()
    }

    pub(crate) fn flush_guard(&self) -> FlushGuard<'_> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        FlushGuard { queue: self }
    }

    /// Has the background task end the stream.
    pub(crate) fn request_close(&self) {
        self.close.notify_one();
    }
}

/// While it lives, the stream is being flushed.
pub(crate) struct FlushGuard<'a> {
    queue: &'a Queue,
}

impl Drop for FlushGuard<'_> {
    fn drop(&mut self) {
        self.queue.flushes.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::task::{Context, Poll, Waker};

    use super::*;
    use crate::batch::BatchLimits;
    use crate::format::Encoding;
    use crate::pace::Pace;

    /// A queue of more than a connection should be behind, and messages of which it is made.
    fn full() -> (Queue, usize) {
        let budget = Arc::new(Budget::new(1 << 20, 1 << 30));
        let queue = Queue::new(
            Encoding::Proto,
            Pace::default(),
            budget,
            tracing::Span::none(),
        );
        let slot = queue.new_slot();
        let limits = BatchLimits {
            bytes: 1 << 20,
            records: 1 << 20,
            message_bytes: 1 << 20,
        };
        let messages = 20;
        for _ in 0..messages {
            let mut batch = Batch::with_capacity(0);
            batch
                .append(&limits, |out| {
                    out.resize(out.len() + (64 << 10), b'x');
                    Ok(())
                })
                .unwrap();
            assert!(queue.push(&slot, [batch]));
        }
        (queue, messages)
    }

    /// Takes one message out, as a connection does.
    fn send(queue: &Queue, connection: u64) {
        let mut cx = Context::from_waker(Waker::noop());
        let sent = queue.poll_send(connection, &mut None, &mut cx);
        assert!(matches!(sent, Poll::Ready(Some(_))));
    }

    /// Whether it is over without a wait.
    fn is_ready(future: impl Future<Output = ()>) -> bool {
        let mut cx = Context::from_waker(Waker::noop());
        pin!(future).poll(&mut cx).is_ready()
    }

    #[tokio::test]
    async fn producers_wait_for_a_connection_that_is_behind_until_it_has_nearly_caught_up() {
        let (queue, messages) = full();
        assert!(is_ready(queue.let_catch_up()), "nothing is connected yet");
        let connection = queue.begin_connection();
        queue.start_sending("");
        assert!(!is_ready(queue.let_catch_up()));
        for _ in 0..messages - 4 {
            send(&queue, connection);
            assert!(queue.core().is_behind);
        }
        send(&queue, connection);
        assert!(!queue.core().is_behind);
        assert!(is_ready(queue.let_catch_up()));
    }

    #[tokio::test]
    async fn a_connection_that_takes_nothing_holds_producers_up_for_a_moment_and_once() {
        let (queue, _) = full();
        let connection = queue.begin_connection();
        queue.start_sending("");
        queue.let_catch_up().await;
        assert!(queue.core().is_behind);
        assert!(is_ready(queue.let_catch_up()));
        send(&queue, connection);
        assert!(!is_ready(queue.let_catch_up()));
    }
}
