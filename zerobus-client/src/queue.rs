//! Where a stream's two sides meet: its owner, who adds records, and its connection, which takes messages out.
//!
//! The owner's side costs a record two atomic exchanges and nothing else: the batch in the making lies in a slot that
//! the owner empties to append and fills again, so that the background task can take it out when it has lingered
//! long enough, whether or not the owner ever calls again. Everything else happens once per batch, under a mutex.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use crossbeam_utils::atomic::AtomicCell;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;

use crate::ack::{AckViolation, Ledger, Message};
use crate::batch::{Batch, Payload};
use crate::codec::batch_frames;
use crate::error::Error;
use crate::format::Encoding;
use crate::isolation::Suspects;
use crate::state::StreamState;

/// Of so many refused records the reason is kept.
const REFUSED_MAX: usize = 256;

/// The state of one stream, shared by its owner, its background task and the request body of its connection.
pub(crate) struct Queue {
    /// The batch in the making. Only the owner puts one in.
    open: AtomicCell<Option<Box<Batch>>>,
    /// The stream takes no more records; `progress` says why.
    ended: AtomicBool,
    /// A batch is in the making: in the slot, or in its owner's hand.
    making: AtomicBool,
    /// The background task will look for the batch in the making.
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
    /// Which connection may take messages out; that of an earlier one has ended.
    connection: u64,
    sending: Sending,
    /// Of the request body, while it waits for a message.
    body: Option<Waker>,
    /// The latest records that were refused and handed out, and why.
    refused: VecDeque<(i64, Error)>,
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
    pub(crate) fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            open: AtomicCell::new(None),
            ended: AtomicBool::new(false),
            making: AtomicBool::new(false),
            lingering: AtomicBool::new(false),
            linger: Notify::new(),
            close: Notify::new(),
            flushes: AtomicUsize::new(0),
            core: Mutex::default(),
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

    // The owner's side.

    #[inline]
    pub(crate) fn is_ended(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    /// Takes the batch in the making out, to append to it.
    #[inline]
    pub(crate) fn take_open(&self) -> Option<Box<Batch>> {
        self.open.take()
    }

    /// Puts the batch in the making back.
    #[inline]
    pub(crate) fn put_open(&self, batch: Box<Batch>) {
        self.open.store(Some(batch));
    }

    /// A batch has been begun: has the background task seal it once it has lingered.
    pub(crate) fn arm_linger(&self) {
        self.making.store(true, Ordering::SeqCst);
        if !self.lingering.swap(true, Ordering::SeqCst) {
            self.linger.notify_one();
        }
    }

    /// Queues a batch to be sent as one message. The slot is empty meanwhile: the owner has what was in it.
    pub(crate) fn push(&self, batch: Batch) {
        self.making.store(false, Ordering::SeqCst);
        let message = message(batch);
        self.core().push(message);
    }

    /// Queues the batch in the making, if there is one.
    pub(crate) fn seal_open(&self) {
        let mut core = self.core();
        // Taken under the lock: what the owner sealed before is queued already, and what it seals from here on has
        // to wait, so the order is the owner's.
        if let Some(batch) = self.open.take() {
            self.making.store(false, Ordering::SeqCst);
            core.push(message(*batch));
        }
    }

    /// Each record that is not acked, oldest first, as it was encoded.
    pub(crate) fn unacked(&self) -> Vec<Bytes> {
        self.seal_open();
        let core = self.core();
        let messages = core.ledger.unacked();
        messages
            .flat_map(|message| message.payload.records())
            .collect()
    }

    pub(crate) fn flush_guard(&self) -> FlushGuard<'_> {
        self.flushes.fetch_add(1, Ordering::Relaxed);
        FlushGuard { queue: self }
    }

    /// Takes no more records, and has the background task end the stream.
    pub(crate) fn request_close(&self) {
        self.ended.store(true, Ordering::Relaxed);
        self.close.notify_one();
    }

    // The background task's side.

    pub(crate) async fn lingered(&self) {
        self.linger.notified().await;
    }

    /// Queues the batch in the making after its time; the next one arms the timer again.
    pub(crate) fn seal_lingered(&self) {
        self.lingering.store(false, Ordering::SeqCst);
        self.seal_open();
        // The slot is also empty while the owner appends. That batch was armed before and is not armed again, so it
        // gets another term.
        if self.making.load(Ordering::SeqCst) && !self.lingering.swap(true, Ordering::SeqCst) {
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
        let moved = core.ledger.ack(up_to)? > 0;
        let in_flight = core.ledger.in_flight();
        if moved {
            core.waiting_since = (in_flight > 0).then(Instant::now);
        }
        if moved && core.ledger.is_one_by_one() {
            core.wake_body();
        }
        let (records, bytes) = (core.ledger.acked_records(), core.ledger.acked_bytes());
        drop(core);
        if moved {
            self.progress.send_modify(|progress| {
                progress.acked_records = records;
                progress.acked_bytes = bytes;
            });
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

    /// The oldest record and its offset.
    pub(crate) fn front_record(&self) -> Option<(i64, Bytes)> {
        let core = self.core();
        let record = core.ledger.front()?.payload.records().next()?;
        Some((core.ledger.acked_records(), record))
    }

    /// Settles the oldest message, which the service will never take and its owner has been given. There is no
    /// connection meanwhile.
    pub(crate) fn settle_front(&self, error: Error) {
        self.begin_connection();
        let mut core = self.core();
        let offset = core.ledger.acked_records();
        core.ledger.settle_front();
        if core.refused.len() == REFUSED_MAX {
            core.refused.pop_front();
        }
        core.refused.push_back((offset, error));
        let (records, bytes) = (core.ledger.acked_records(), core.ledger.acked_bytes());
        drop(core);
        self.progress.send_modify(|progress| {
            progress.acked_records = records;
            progress.acked_bytes = bytes;
            progress.refused_records += 1;
        });
    }

    /// Why the record with this offset was refused, if it was.
    pub(crate) fn refusal(&self, offset: i64) -> Option<Error> {
        let core = self.core();
        let mut refused = core.refused.iter();
        refused.find_map(|(at, error)| (*at == offset).then(|| error.clone()))
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.core().ledger.in_flight()
    }

    pub(crate) fn waiting_since(&self) -> Option<Instant> {
        self.core().waiting_since
    }

    /// Records queued as messages and not acked.
    pub(crate) fn unacked_records(&self) -> i64 {
        let core = self.core();
        core.ledger.unacked().map(|message| message.records).sum()
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
    }

    // The request body's side.

    /// The next message for this connection, when there is one; the end when the connection is not the present one.
    pub(crate) fn poll_send(
        &self,
        connection: u64,
        cx: &mut Context<'_>,
    ) -> Poll<Option<(Bytes, Option<Bytes>)>> {
        let mut core = self.core();
        if core.connection != connection || core.sending == Sending::Finished {
            return Poll::Ready(None);
        }
        if core.sending == Sending::Open
            && let Some((offset_id, message)) = core.ledger.send_next()
        {
            let frames = batch_frames(offset_id, &mut message.payload, self.encoding);
            core.waiting_since.get_or_insert_with(Instant::now);
            return Poll::Ready(Some(frames));
        }
        core.body = Some(cx.waker().clone());
        Poll::Pending
    }
}

impl Core {
    fn push(&mut self, message: Message<Payload>) {
        self.ledger.push(message);
        self.wake_body();
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

fn message(batch: Batch) -> Message<Payload> {
    Message {
        records: batch.records(),
        bytes: batch.bytes() as u64,
        payload: batch.into_payload(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slot_takes_no_lock() {
        assert!(AtomicCell::<Option<Box<Batch>>>::is_lock_free());
    }

    #[tokio::test]
    async fn a_batch_that_was_in_its_owners_hand_when_its_time_came_gets_another_term() {
        let queue = Queue::new(Encoding::Proto);
        queue.put_open(Box::new(Batch::with_capacity(0)));
        queue.arm_linger();
        queue.lingered().await;
        let batch = queue.take_open().unwrap();
        queue.seal_lingered();
        queue.put_open(batch);
        // Armed again by the task itself; without that, this waits for ever.
        queue.lingered().await;
        queue.seal_lingered();
        assert!(queue.take_open().is_none(), "it was queued");
        assert!(
            !queue.lingering.load(Ordering::SeqCst),
            "nothing is left to wait for"
        );
    }
}
