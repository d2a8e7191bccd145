use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// What is counted in; finer would not fit a large budget into the numbers of a semaphore.
const UNIT: usize = 64;

/// A part of a budget, given back when it is dropped.
pub(super) type Share = OwnedSemaphorePermit;

/// What all clients of a server together may have in memory: their streams on the way to the disk, or their requests.
#[derive(Debug)]
pub(crate) struct Budget {
    most: u32,
    units: Arc<Semaphore>,
    waiting: AtomicUsize,
}

impl Budget {
    /// Of so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        let most = u32::try_from(most / UNIT).unwrap_or(u32::MAX).max(1);
        let units = usize::try_from(most).unwrap_or(Semaphore::MAX_PERMITS);
        Self {
            most,
            units: Arc::new(Semaphore::new(units)),
            waiting: AtomicUsize::new(0),
        }
    }

    /// So many bytes at once, if they are there; what is more than there ever is counts as all there is.
    pub(super) fn try_take(&self, bytes: usize) -> Option<Share> {
        let units = Arc::clone(&self.units);
        units.try_acquire_many_owned(self.units_of(bytes)).ok()
    }

    /// The same, waiting until those who came before have given back as much.
    pub(super) async fn take(&self, bytes: usize) -> Option<Share> {
        let _waiting = Waiting::new(&self.waiting);
        let units = Arc::clone(&self.units);
        units.acquire_many_owned(self.units_of(bytes)).await.ok()
    }

    /// Whether somebody waits for others to give something back.
    pub(super) fn is_wanted(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    fn units_of(&self, bytes: usize) -> u32 {
        let units = u32::try_from(bytes.div_ceil(UNIT)).unwrap_or(u32::MAX);
        units.min(self.most)
    }

    #[cfg(test)]
    pub(super) fn is_whole(&self) -> bool {
        u32::try_from(self.units.available_permits()) == Ok(self.most)
    }
}

/// Counted until it is over, however that comes.
struct Waiting<'w>(&'w AtomicUsize);

impl<'w> Waiting<'w> {
    fn new(waiting: &'w AtomicUsize) -> Self {
        waiting.fetch_add(1, Ordering::Relaxed);
        Self(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
