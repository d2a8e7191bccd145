//! Where a stream's two sides meet: its producers, which add records, and its connection, which takes messages out.
//!
//! The producers' side costs a record two atomic exchanges and nothing else: the batch in the making lies in a slot
//! that its producer empties to append and fills again, so that the background task can take it out when it has
//! lingered long enough, whether or not the producer ever calls again. Everything else happens once per batch, under
//! a mutex, which is where producers meet.

mod core;
mod driving;
#[cfg(test)]
mod model;
mod producing;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tracing::Span;
use zerobus_schema::TableName;

use self::core::Core;
use crate::budget::Budget;
use crate::error::Error;
use crate::format::Encoding;
use crate::metrics::{StreamMetrics, stream_number};
use crate::pace::Pace;
use crate::state::StreamState;

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
    /// The connection has taken out nearly all that is queued.
    caught_up: Notify,
    flushes: AtomicUsize,
    core: Mutex<Core>,
    progress: watch::Sender<Progress>,
    encoding: Encoding,
}

/// A record, by its producer's slot and its own offset there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RecordId {
    pub(crate) producer: u64,
    pub(crate) offset: i64,
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
            caught_up: Notify::new(),
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

    /// What the stream is at the service.
    pub(crate) fn stream_id(&self) -> Arc<str> {
        Arc::clone(&self.progress.borrow().stream_id)
    }

    /// The stream offset of the next record that is queued.
    pub(crate) fn queued_records(&self) -> i64 {
        self.core().queued_records
    }

    /// Records taken and queued, and not acked.
    pub(crate) fn unacked_records(&self) -> i64 {
        let core = self.core();
        core.queued_records - core.ledger.acked_records()
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

    fn core(&self) -> MutexGuard<'_, Core> {
        // Nothing in here leaves the core half changed.
        self.core.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Queue {
    fn drop(&mut self) {
        let core = self.core.get_mut().unwrap_or_else(PoisonError::into_inner);
        let (records, bytes) = core.ledger.forget();
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
