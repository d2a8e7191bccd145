use std::sync::atomic::{AtomicUsize, Ordering};

/// What all streams of a server together may have in memory on its way to the disk.
#[derive(Debug)]
pub(crate) struct Budget {
    most: usize,
    pub(super) used: AtomicUsize,
}

impl Budget {
    pub(crate) fn new(most: usize) -> Self {
        Self {
            most,
            used: AtomicUsize::new(0),
        }
    }

    pub(super) fn take(&self, bytes: usize) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn give_back(&self, bytes: usize) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    pub(super) fn is_spent(&self) -> bool {
        self.used.load(Ordering::Relaxed) >= self.most
    }
}
