//! What may be on its way at once, over all producers and lanes that share it.

use std::sync::atomic::{AtomicI64, Ordering};

use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// The bounds of what is queued and not acked, and how much that is.
#[derive(Debug)]
pub(crate) struct Budget {
    max_records: i64,
    max_bytes: i64,
    records: AtomicI64,
    bytes: AtomicI64,
    freed: Notify,
}

impl Budget {
    pub(crate) fn new(max_records: usize, max_bytes: usize) -> Self {
        Self {
            max_records: i64::try_from(max_records).unwrap_or(i64::MAX),
            max_bytes: i64::try_from(max_bytes).unwrap_or(i64::MAX),
            records: AtomicI64::new(0),
            bytes: AtomicI64::new(0),
            freed: Notify::new(),
        }
    }

    /// What is queued and not acked.
    pub(crate) fn used(&self) -> (i64, i64) {
        (
            self.records.load(Ordering::Relaxed),
            self.bytes.load(Ordering::Relaxed),
        )
    }

    /// How many records and bytes still fit; below zero where the bound was passed.
    pub(crate) fn left(&self) -> (i64, i64) {
        let (records, bytes) = self.used();
        (self.max_records - records, self.max_bytes - bytes)
    }

    pub(crate) fn queued(&self, records: i64, bytes: u64) {
        self.records.fetch_add(records, Ordering::Relaxed);
        self.bytes.fetch_add(bytes.cast_signed(), Ordering::Relaxed);
    }

    /// So much is durable, or nobody's concern any more.
    pub(crate) fn settled(&self, records: i64, bytes: u64) {
        self.records.fetch_sub(records, Ordering::Relaxed);
        self.bytes.fetch_sub(bytes.cast_signed(), Ordering::Relaxed);
        self.wake();
    }

    /// Has everyone who waits for room look again.
    pub(crate) fn wake(&self) {
        self.freed.notify_waiters();
    }

    /// Comes once there may be more room than when it was first polled or enabled.
    pub(crate) fn freed(&self) -> Notified<'_> {
        self.freed.notified()
    }
}
