use std::fmt;
use std::sync::{Arc, Weak};

use tokio::sync::watch;
use zerobus_schema::TableName;

use crate::error::Error;
use crate::metrics::StreamMetrics;
use crate::queue::{Progress, Queue};
use crate::state::StreamState;

/// Follows a stream: how far its acks have come, and whether its connection was made anew. Cheap to clone; made by
/// [`Stream::watch`](crate::Stream::watch).
///
/// ```no_run
/// # async fn run<R: zerobus_client::ZerobusRecord + 'static>(stream: zerobus_client::Stream<R>) {
/// let mut watch = stream.watch();
/// tokio::spawn(async move {
///     while watch.changed().await {
///         println!("durable up to {:?}, {} reconnects", watch.acked_offset(), watch.reconnects());
///     }
/// });
/// # }
/// ```
#[derive(Clone)]
pub struct StreamWatch {
    table: TableName,
    /// Does not keep the records of a stream that is gone.
    queue: Weak<Queue>,
    progress: watch::Receiver<Progress>,
}

impl StreamWatch {
    pub(crate) fn new(table: &TableName, queue: &Arc<Queue>) -> Self {
        Self {
            table: table.clone(),
            queue: Arc::downgrade(queue),
            progress: queue.progress(),
        }
    }

    /// What the stream has done so far; none once it is dropped.
    #[must_use]
    pub fn metrics(&self) -> Option<StreamMetrics> {
        Some(self.queue.upgrade()?.metrics(self.table.clone()))
    }

    /// Waits until something is other than when this was last called. False when the stream has ended and that was
    /// told already: then nothing changes any more.
    pub async fn changed(&mut self) -> bool {
        if self.state().is_final() && !self.progress.has_changed().unwrap_or(false) {
            return false;
        }
        self.progress.changed().await.is_ok()
    }

    /// Waits until the record with this offset, and with it every earlier one, is durable, for as long as that takes.
    /// What is still gathering goes out when it has lingered. Records that a dead-letter sink got count as durable here.
    ///
    /// # Errors
    /// Why the stream ended before.
    pub async fn wait_for_offset(&self, offset: i64) -> Result<(), Error> {
        let mut progress = self.progress.clone();
        let settled = progress
            .wait_for(|progress| progress.acked_records > offset || progress.state.is_final())
            .await;
        match settled {
            Ok(progress) if progress.acked_records > offset => Ok(()),
            Ok(progress) => Err(progress.error.clone().unwrap_or(Error::Closed)),
            Err(_) => Err(Error::Closed),
        }
    }

    /// The offset of the last durable record; none before the first ack.
    #[must_use]
    pub fn acked_offset(&self) -> Option<i64> {
        let acked = self.progress.borrow().acked_records;
        (acked > 0).then(|| acked - 1)
    }

    /// How often the stream was opened anew at the service, for whatever reason.
    #[must_use]
    pub fn reconnects(&self) -> u64 {
        self.progress.borrow().connections.saturating_sub(1)
    }

    /// How many records were sent again after a reconnect, each time counted: so many of them at most are stored
    /// twice.
    #[must_use]
    pub fn resent_records(&self) -> i64 {
        self.progress.borrow().resent_records
    }

    /// Where the stream is in its life.
    #[must_use]
    pub fn state(&self) -> StreamState {
        self.progress.borrow().state
    }

    /// Why the stream failed, if it has.
    #[must_use]
    pub fn error(&self) -> Option<Error> {
        self.progress.borrow().error.clone()
    }
}

impl fmt::Debug for StreamWatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamWatch")
            .field("state", &self.state())
            .field("acked_offset", &self.acked_offset())
            .field("reconnects", &self.reconnects())
            .finish_non_exhaustive()
    }
}
