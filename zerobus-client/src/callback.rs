use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;

use crate::error::Error;
use crate::queue::Queue;

/// Is told how far a stream has come, by a task of its own: it holds up neither the stream nor its acks, but calls come
/// later while an earlier one takes long. Give it to
/// [`StreamBuilder::ack_callback`](crate::StreamBuilder::ack_callback).
///
/// Offsets are those that ingest calls return; on a stream with [producers](crate::Producer) they count the records of
/// all of them together.
///
/// ```no_run
/// use std::sync::atomic::{AtomicI64, Ordering};
/// use zerobus_client::AckCallback;
///
/// struct Watermark(AtomicI64);
///
/// impl AckCallback for Watermark {
///     fn on_ack(&self, offset: i64) {
///         self.0.store(offset, Ordering::Relaxed);
///     }
///
///     fn on_error(&self, offset: i64, message: &str) {
///         eprintln!("record {offset} is not acked: {message}");
///     }
/// }
///
/// # async fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
/// let stream = client.stream::<R>().ack_callback(Watermark(AtomicI64::new(-1))).open().await?;
/// # drop(stream);
/// # Ok(())
/// # }
/// ```
pub trait AckCallback: Send + Sync {
    /// The record with this offset, and with it every earlier one, is durable. Called with the latest offset alone
    /// when several acks come together.
    fn on_ack(&self, offset: i64);

    /// The stream has ended and this record is not acked; it may be stored all the same. Called for each of them, in
    /// order.
    fn on_error(&self, offset: i64, message: &str) {
        let _ = (offset, message);
    }
}

/// The task that calls back.
#[derive(Debug)]
pub(crate) struct Callbacks {
    task: JoinHandle<()>,
}

impl Callbacks {
    /// `before` are those of the stream that this one was made of: its offsets are others, so it tells all it has to
    /// first.
    pub(crate) fn start(
        callback: Arc<dyn AckCallback>,
        queue: Arc<Queue>,
        before: Option<Self>,
    ) -> Self {
        let task = tokio::spawn(async move {
            if let Some(before) = before {
                // That it panicked was told where it did.
                let _ = before.task.await;
            }
            call_back(callback, queue).await;
        });
        Self { task }
    }

    /// Waits until everything was told that a stream that has ended has to tell, for `limit` at most.
    pub(crate) async fn wait(&mut self, limit: Option<Duration>) {
        if self.task.is_finished() {
            return;
        }
        let Some(limit) = limit else {
            // That it panicked was told where it did.
            let _ = (&mut self.task).await;
            return;
        };
        if tokio::time::timeout(limit, &mut self.task).await.is_err() {
            tracing::warn!(
                ?limit,
                "ack callbacks are not done (callback_max_wait_time)"
            );
        }
    }
}

async fn call_back(callback: Arc<dyn AckCallback>, queue: Arc<Queue>) {
    let mut progress = queue.progress();
    let mut told = 0;
    loop {
        let (acked, ended) = {
            let now = progress.borrow_and_update();
            let error = || now.error.clone().unwrap_or(Error::Closed);
            (now.acked_records, now.state.is_final().then(error))
        };
        if acked > told {
            callback.on_ack(acked - 1);
            told = acked;
        }
        if let Some(error) = ended {
            let message = error.to_string();
            for offset in acked..queue.queued_records() {
                callback.on_error(offset, &message);
            }
            return;
        }
        // The sender is as old as the queue, so waiting cannot fail.
        let _ = progress.changed().await;
    }
}
