//! Where a stream's two sides meet: its producers, which add records, and its connection, which takes messages out.
//!
//! The producers' side costs a record two atomic exchanges and nothing else: the batch in the making lies in a slot
//! that its producer empties to append and fills again, so that the background task can take it out when it has
//! lingered long enough, whether or not the producer ever calls again. Everything else happens once per batch, under
//! a mutex, which is where producers meet.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, Sleep, sleep_until};
use tracing::Span;
use zerobus_schema::TableName;

use crate::ack::{AckViolation, Ledger, Message};
use crate::batch::{Batch, Payload};
use crate::budget::Budget;
use crate::codec::batch_frames;
use crate::error::Error;
use crate::format::Encoding;
use crate::isolation::Suspects;
use crate::metrics::{Counters, StreamMetrics, stream_number};
use crate::pace::Pace;
use crate::slot::{Found, Place, Slot};
use crate::state::StreamState;

/// Of so many refused messages the reason is kept.
const REFUSED_MAX: usize = 256;

/// The state of one stream, shared by its producers, its background task and the request body of its connection.
pub(crate) struct Queue {
    number: u64,
    /// What the stream does is told within it.
    span: Span,
    budget: Arc<Budget>,
    /// The stream takes no more records; `progress` says why.
    ended: AtomicBool,
    /// There is or was more than one producer.
    shared: AtomicBool,
    /// The background task will look for batches in the making.
    lingering: AtomicBool,
    linger: Notify,
    close: Notify,
    flushes: AtomicUsize,
    core: Mutex<Core>,
    progress: watch::Sender<Progress>,
    encoding: Encoding,
}

#[derive(Debug, Default)]
struct Core {
    ledger: Ledger<Payload>,
    /// Of each producer, and of those gone whose records are not all acked.
    slots: Vec<Arc<Slot>>,
    slots_made: u64,
    /// All slots are shut: only who already has a batch with records in hand may still queue it.
    shut: bool,
    /// Records queued so far.
    queued_records: i64,
    pace: Pace,
    counters: Counters,
    /// Which connection may take messages out; that of an earlier one has ended.
    connection: u64,
    sending: Sending,
    /// Of the request body, while it waits for a message.
    body: Option<Waker>,
    /// The latest messages that were refused and handed out.
    refused: VecDeque<RefusedMessage>,
    /// Since when the oldest message on the present connection, or the one after the last ack, waits for its ack.
    waiting_since: Option<Instant>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Sending {
    /// Messages stay here.
    #[default]
    Held,
    Open,
    /// The request side is at its end.
    Finished,
}

/// A record, by its producer's slot and its own offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordId {
    pub(crate) producer: u64,
    pub(crate) offset: i64,
}

/// Records that were refused and handed out, one after the other, and why: one, or those of a batch that is whole.
#[derive(Debug)]
struct RefusedMessage {
    first: RecordId,
    records: i64,
    error: Error,
}

/// How far a stream has come.
#[derive(Debug, Clone)]
pub(crate) struct Progress {
    /// The offset of the first record that is not durable.
    pub(crate) acked_records: i64,
    pub(crate) acked_bytes: u64,
    pub(crate) state: StreamState,
    /// Why the stream failed.
    pub(crate) error: Option<Error>,
    pub(crate) stream_id: Arc<str>,
    /// How often the stream was opened at the service.
    pub(crate) connections: u64,
    /// Records that the service refused and the dead-letter sink got.
    pub(crate) refused_records: u64,
    /// Records sent again, each time counted.
    pub(crate) resent_records: i64,
}

impl Queue {
    pub(crate) fn new(encoding: Encoding, pace: Pace, budget: Arc<Budget>, span: Span) -> Self {
        Self {
            number: stream_number(),
            span,
            encoding,
            budget,
            ended: AtomicBool::new(false),
            shared: AtomicBool::new(false),
            lingering: AtomicBool::new(false),
            linger: Notify::new(),
            close: Notify::new(),
            flushes: AtomicUsize::new(0),
            core: Mutex::new(Core {
                pace,
                ..Core::default()
            }),
            progress: watch::Sender::new(Progress {
                acked_records: 0,
                acked_bytes: 0,
                state: StreamState::Recovering,
                error: None,
                stream_id: Arc::from(""),
                connections: 0,
                refused_records: 0,
                resent_records: 0,
            }),
        }
    }

    pub(crate) fn encoding(&self) -> Encoding {
        self.encoding
    }

    fn core(&self) -> MutexGuard<'_, Core> {
        // Nothing in here leaves the core half changed.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    pub(crate) fn state(&self) -> StreamState {
        let state = self.progress.borrow().state;
        if state == StreamState::Opened && self.flushes.load(Ordering::Relaxed) > 0 {
            StreamState::Flushing
        } else {
            state
        }
    }

    // The producers' side.

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

    /// Queues what was a message of another stream.
    pub(crate) fn adopt(&self, slot: &Slot, message: Message<Payload>) {
        self.core().push_message(&self.budget, slot, message);
    }

    /// What the stream is at the service.
    pub(crate) fn stream_id(&self) -> Arc<str> {
        Arc::clone(&self.progress.borrow().stream_id)
    }

    /// An attempt to open the stream failed.
    pub(crate) fn count_failed_attempt(&self) {
        self.core().counters.failed_attempts += 1;
    }

    /// The service asked the stream to move.
    pub(crate) fn count_rotation(&self) {
        self.core().counters.rotations += 1;
    }

    /// What was done so far.
    pub(crate) fn metrics(&self, table: TableName) -> StreamMetrics {
        let now = Instant::now();
        let progress = self.progress.borrow().clone();
        let core = self.core();
        let (counters, ledger) = (&core.counters, &core.ledger);
        let acked_records = ledger.acked_records();
        StreamMetrics {
            table,
            stream: self.number,
            state: progress.state,
            queued_records: core.queued_records.unsigned_abs(),
            queued_bytes: counters.queued_bytes,
            sent_messages: counters.sent_messages,
            sent_records: counters.sent_records,
            sent_bytes: counters.sent_bytes,
            acked_records: acked_records.unsigned_abs(),
            acked_bytes: ledger.acked_bytes(),
            inflight_records: (core.queued_records - acked_records).unsigned_abs(),
            inflight_bytes: counters.queued_bytes - ledger.acked_bytes(),
            oldest_unacked: ledger
                .front()
                .map(|message| now.saturating_duration_since(message.queued)),
            reconnects: progress.connections.saturating_sub(1),
            rotations: counters.rotations,
            failed_attempts: counters.failed_attempts,
            resent_records: progress.resent_records.unsigned_abs(),
            refused_records: progress.refused_records,
            slowed_to: core.pace.slowed_to(now),
            ack_latency: counters.ack_latency,
        }
    }

    /// The service is overrun: sends more slowly for a while. Tells the records a second.
    pub(crate) fn slow_down(&self) -> Option<f64> {
        let now = Instant::now();
        let mut core = self.core();
        core.pace.slow_down(now);
        core.pace.slowed_to(now)
    }

    /// What is not acked, in the messages that it was or would have been sent in.
    pub(crate) fn unacked_messages(&self) -> Vec<Message<Payload>> {
        let mut core = self.core();
        let messages = core.ledger.unacked_mut();
        messages
            .map(|message| Message {
                payload: message.payload.share(),
                ..*message
            })
            .collect()
    }

    /// Queues the slot's batch in the making, if there is one.
    pub(crate) fn seal(&self, slot: &Slot) {
        self.core().seal(&self.budget, slot);
    }

    /// Queues all batches in the making.
    pub(crate) fn seal_all(&self) {
        self.core().seal_all(&self.budget);
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

    /// Each record that is not acked, oldest first, as it was encoded.
    pub(crate) fn unacked(&self) -> Vec<Bytes> {
        self.unacked_batches().into_iter().flatten().collect()
    }

    /// The same by message.
    pub(crate) fn unacked_batches(&self) -> Vec<Vec<Bytes>> {
        if self.is_ended() {
            self.stop_intake();
        } else {
            self.seal_all();
        }
        let core = self.core();
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

    /// Where a producer's record is.
    pub(crate) fn place(&self, slot: &Slot, offset: i64) -> Place {
        match slot.place(offset) {
            Place::Open => {
                self.seal(slot);
                slot.place(offset)
            }
            place => place,
        }
    }

    // The background task's side.

    pub(crate) async fn lingered(&self) {
        self.linger.notified().await;
    }

    /// Queues the batches in the making after their time; the next one arms the timer again.
    pub(crate) fn seal_lingered(&self) {
        self.lingering.store(false, Ordering::SeqCst);
        let mut core = self.core();
        core.seal_all(&self.budget);
        let in_hand = core.slots.iter().any(|slot| slot.is_making());
        drop(core);
        // A slot is also empty while its producer appends. That batch was armed before and is not armed again, so it
        // gets another term.
        if in_hand {
            self.arm_linger();
        }
    }

    /// A batch has been begun: has the background task seal it once it has lingered.
    pub(crate) fn arm_linger(&self) {
        if !self.lingering.swap(true, Ordering::SeqCst) {
            self.linger.notify_one();
        }
    }

    pub(crate) async fn close_requested(&self) {
        self.close.notified().await;
    }

    /// Cuts any earlier connection off and numbers what is not acked from 0. Nothing is sent before
    /// [`start_sending`](Self::start_sending).
    pub(crate) fn begin_connection(&self) -> u64 {
        let mut core = self.core();
        core.ledger.reconnect();
        core.connection += 1;
        core.waiting_since = None;
        core.set_sending(Sending::Held);
        core.connection
    }

    /// The stream is open on the present connection.
    pub(crate) fn start_sending(&self, stream_id: &str) {
        let mut core = self.core();
        let sent = core
            .ledger
            .unacked()
            .filter(|message| message.payload.was_sent());
        let resent: i64 = sent.map(|message| message.records).sum();
        core.set_sending(Sending::Open);
        drop(core);
        self.progress.send_modify(|progress| {
            progress.connections += 1;
            progress.resent_records += resent;
            progress.state = StreamState::Opened;
            progress.stream_id = Arc::from(stream_id);
        });
    }

    /// Sends nothing more on the present connection, whose acks still count.
    pub(crate) fn hold_sending(&self) {
        self.core().set_sending(Sending::Held);
        self.set_state(StreamState::Recovering);
    }

    /// Ends the request side of the present connection.
    pub(crate) fn finish_sending(&self) {
        self.core().set_sending(Sending::Finished);
    }

    /// Settles what an ack of the present connection says.
    ///
    /// # Errors
    /// [`AckViolation`] when it cannot be; nothing changes then.
    pub(crate) fn ack(&self, up_to: i64) -> Result<Acked, AckViolation> {
        let mut core = self.core();
        let before = (core.ledger.acked_records(), core.ledger.acked_bytes());
        let Core {
            ledger, counters, ..
        } = &mut *core;
        let now = Instant::now();
        let moved = ledger.ack(up_to, |message| {
            let latency = now.saturating_duration_since(message.queued);
            counters.ack_latency.add(latency);
        })? > 0;
        let in_flight = core.ledger.in_flight();
        if moved {
            core.waiting_since = (in_flight > 0).then_some(now);
            let records = core.ledger.acked_records() - before.0;
            core.pace.acked(records, now);
        }
        if moved && core.ledger.is_one_by_one() {
            core.wake_body();
        }
        let (records, bytes) = (core.ledger.acked_records(), core.ledger.acked_bytes());
        drop(core);
        if moved {
            tracing::trace!(
                messaging.operation.name = "settle",
                messaging.batch.message_count = records - before.0,
                offset_id = up_to,
                "batches acked"
            );
            self.progress.send_modify(|progress| {
                progress.acked_records = records;
                progress.acked_bytes = bytes;
            });
            self.budget.settled(records - before.0, bytes - before.1);
        }
        Ok(Acked {
            moved,
            in_flight,
            records,
        })
    }

    /// The service refused the stream and the present connection is over: what it may be about.
    pub(crate) fn suspects(&self) -> Suspects {
        self.core().ledger.suspects()
    }

    /// From here on each message waits until the one before it is acked, or no longer does.
    pub(crate) fn set_one_by_one(&self, one_by_one: bool) {
        let mut core = self.core();
        core.ledger.set_one_by_one(one_by_one);
        core.wake_body();
    }

    /// Makes two messages of the oldest one. There is no connection meanwhile.
    pub(crate) fn halve_front(&self) {
        self.begin_connection();
        self.core().ledger.halve_front(Payload::split);
    }

    /// The records of the oldest message, which are one producer's, and which of them the first one is.
    pub(crate) fn front_records(&self) -> Option<(RecordId, Vec<Bytes>)> {
        let core = self.core();
        let records = core.ledger.front()?.payload.records().collect();
        let stream_offset = core.ledger.acked_records();
        let id = core.slots.iter().find_map(|slot| {
            let offset = slot.own_offset(stream_offset)?;
            let producer = slot.id;
            Some(RecordId { producer, offset })
        });
        Some((id?, records))
    }

    /// Settles the oldest message, which begins with `first`; the service will never take it and its owner has been
    /// given it. There is no connection meanwhile.
    pub(crate) fn settle_front(&self, first: RecordId, error: Error) {
        self.begin_connection();
        let mut core = self.core();
        let Some(message) = core.ledger.settle_front() else {
            return;
        };
        if core.refused.len() == REFUSED_MAX {
            core.refused.pop_front();
        }
        core.refused.push_back(RefusedMessage {
            first,
            records: message.records,
            error,
        });
        let (records, bytes) = (core.ledger.acked_records(), core.ledger.acked_bytes());
        drop(core);
        self.progress.send_modify(|progress| {
            progress.acked_records = records;
            progress.acked_bytes = bytes;
            progress.refused_records += message.records.unsigned_abs();
        });
        self.budget.settled(message.records, message.bytes);
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

    /// Records taken and queued, and not acked.
    pub(crate) fn unacked_records(&self) -> i64 {
        let core = self.core();
        core.queued_records - core.ledger.acked_records()
    }

    /// The stream offset of the next record that is queued.
    pub(crate) fn queued_records(&self) -> i64 {
        self.core().queued_records
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.core().ledger.in_flight()
    }

    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.core().waiting_since
    }

    pub(crate) fn set_state(&self, state: StreamState) {
        self.progress.send_modify(|progress| progress.state = state);
    }

    /// The end: nothing is taken or sent any more.
    pub(crate) fn end(&self, error: Option<Error>) {
        let mut core = self.core();
        core.connection += 1;
        core.set_sending(Sending::Finished);
        drop(core);
        self.progress.send_modify(|progress| {
            progress.state = match error {
                Some(_) => StreamState::Failed,
                None => StreamState::Closed,
            };
            progress.error = error;
            // Within the change, so that who sees the one finds the other.
            self.ended.store(true, Ordering::Release);
        });
        self.budget.wake();
    }

    // The request body's side.

    /// The next message for this connection, when there is one and it is time; the end when the connection is not the
    /// present one. `pause` is the body's own timer.
    pub(crate) fn poll_send(
        &self,
        connection: u64,
        pause: &mut Option<Pin<Box<Sleep>>>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Bytes, Option<Bytes>)>> {
        let mut core = self.core();
        let core = &mut *core;
        if core.connection != connection || core.sending == Sending::Finished {
            return Poll::Ready(None);
        }
        if core.sending == Sending::Open && core.ledger.has_next() {
            if let Some(until) = core.pace.wait_until(Instant::now) {
                let pause = pause.get_or_insert_with(|| Box::pin(sleep_until(until)));
                pause.as_mut().reset(until);
                if pause.as_mut().poll(cx).is_ready() {
                    // It is time by now, to the timer's precision.
                    cx.waker().wake_by_ref();
                }
            } else if let Some((offset_id, message)) = core.ledger.send_next() {
                let frames = batch_frames(offset_id, &mut message.payload, self.encoding);
                core.pace.sent(message.records, message.bytes);
                core.counters.sent_messages += 1;
                core.counters.sent_records += message.records.unsigned_abs();
                core.counters.sent_bytes += message.bytes;
                core.waiting_since.get_or_insert_with(Instant::now);
                self.span.in_scope(|| {
                    tracing::trace!(
                        messaging.operation.name = "send",
                        messaging.batch.message_count = message.records,
                        messaging.message.body.size = message.bytes,
                        offset_id,
                        "batch sent"
                    );
                });
                return Poll::Ready(Some(frames));
            }
        }
        core.body = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Core {
    fn push(&mut self, budget: &Budget, slot: &Slot, batch: Batch, whole: bool) {
        let message = Message {
            records: batch.records(),
            bytes: batch.bytes() as u64,
            queued: Instant::now(),
            payload: batch.into_payload(),
            whole,
        };
        self.push_message(budget, slot, message);
    }

    fn push_message(&mut self, budget: &Budget, slot: &Slot, message: Message<Payload>) {
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
    /// so the order is the producer's.
    fn seal(&mut self, budget: &Budget, slot: &Slot) {
        if self.shut {
            return;
        }
        if let Found::Batch(batch) = slot.take() {
            self.push(budget, slot, *batch, false);
            slot.set_making(false);
        }
    }

    fn seal_all(&mut self, budget: &Budget) {
        let slots = std::mem::take(&mut self.slots);
        for slot in &slots {
            self.seal(budget, slot);
        }
        self.slots = slots;
    }

    fn set_sending(&mut self, sending: Sending) {
        self.sending = sending;
        self.wake_body();
    }

    fn wake_body(&mut self) {
        if let Some(body) = self.body.take() {
            body.wake();
        }
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let core = self.core.get_mut().unwrap_or_else(PoisonError::into_inner);
        let unacked = core.ledger.unacked();
        let (records, bytes) = unacked.fold((0, 0), |(records, bytes), message| {
            (records + message.records, bytes + message.bytes)
        });
        self.budget.settled(records, bytes);
    }
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue")
            .field("state", &self.state())
            .finish_non_exhaustive()
    }
}

/// What an ack changed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Acked {
    /// Something new is durable.
    pub(crate) moved: bool,
    /// Messages that still wait on this connection.
    pub(crate) in_flight: usize,
    /// The offset of the first record that is not durable.
    pub(crate) records: i64,
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
