//! The streams that are open.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::time::Instant;

use super::codec::Call;
use super::reader::Encoding;
use super::sink::Sink;

/// An open stream.
#[derive(Debug)]
pub(super) struct LiveStream {
    pub(super) stream_id: String,
    pub(super) call: Call,
    pub(super) encoding: Encoding,
    pub(super) opened: Instant,
    pub(super) sink: Arc<Sink>,
}

/// Those of one table.
#[derive(Debug, Default)]
pub(super) struct LiveStreams(Mutex<Numbered>);

#[derive(Debug, Default)]
struct Numbered {
    next: u64,
    streams: BTreeMap<u64, Arc<LiveStream>>,
}

/// A stream is listed as long as this is held.
#[derive(Debug)]
pub(super) struct Listed<'a> {
    streams: &'a LiveStreams,
    number: u64,
}

impl LiveStreams {
    pub(super) fn add(&self, stream: LiveStream) -> Listed<'_> {
        let mut numbered = self.lock();
        let number = numbered.next;
        numbered.next += 1;
        numbered.streams.insert(number, Arc::new(stream));
        Listed {
            streams: self,
            number,
        }
    }

    /// The oldest first.
    pub(super) fn list(&self) -> Vec<Arc<LiveStream>> {
        self.lock().streams.values().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, Numbered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Listed<'_> {
    fn drop(&mut self) {
        self.streams.lock().streams.remove(&self.number);
    }
}
