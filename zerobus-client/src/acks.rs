//! What a producer knows of its acks, and how it waits for them.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::sync::watch;

use crate::error::Error;
use crate::queue::{Progress, Queue, RecordId};
use crate::slot::{Place, Slot};

#[derive(Clone)]
pub(crate) struct Acks {
    pub(crate) queue: Arc<Queue>,
    pub(crate) slot: Arc<Slot>,
    progress: watch::Receiver<Progress>,
    flush_timeout: Duration,
}

impl Acks {
    /// Of a new producer.
    pub(crate) fn new(queue: Arc<Queue>, flush_timeout: Duration) -> Self {
        Self {
            slot: queue.new_slot(),
            progress: queue.progress(),
            queue,
            flush_timeout,
        }
    }

    /// Of another new producer of the same stream.
    pub(crate) fn of_another(&self) -> Self {
        Self::new(Arc::clone(&self.queue), self.flush_timeout)
    }

    /// The slot's number: 0 for the stream's own.
    pub(crate) fn id(&self) -> u64 {
        self.slot.id
    }

    /// The own offset of the last durable record.
    pub(crate) fn acked_offset(&self) -> Option<i64> {
        let acked = self.progress.borrow().acked_records;
        let own = self.slot.acked_records(acked);
        (own > 0).then(|| own - 1)
    }

    /// Why no more records are taken.
    pub(crate) fn ended(&self) -> Error {
        self.progress
            .borrow()
            .error
            .clone()
            .unwrap_or(Error::Closed)
    }

    pub(crate) fn ack(&self, offset: i64, next: i64) -> AckFuture {
        let acks = self.clone();
        AckFuture(Box::pin(
            async move { acks.wait_for_offset(offset, next).await },
        ))
    }

    /// Waits until the record with this own offset, and all of this producer before it, are durable.
    ///
    /// # Errors
    /// [`Error::UnknownOffset`], [`Error::RecordRefused`], [`Error::FlushTimeout`], or why the stream failed.
    /// `next` is the own offset of the next record.
    pub(crate) async fn wait_for_offset(&self, offset: i64, next: i64) -> Result<(), Error> {
        if !(0..next).contains(&offset) {
            return Err(Error::UnknownOffset { offset, next });
        }
        self.wait_until_acked(offset).await?;
        let producer = self.id();
        let refusal = self.queue.refusal(RecordId { producer, offset });
        refusal.map_or(Ok(()), Err)
    }

    /// Sends what this producer has taken and waits until it is durable.
    pub(crate) async fn flush(&self, next: i64) -> Result<(), Error> {
        let _flushing = self.queue.flush_guard();
        match next {
            0 => Ok(()),
            next => self.wait_until_acked(next - 1).await,
        }
    }

    /// Sends what all producers have taken and waits until it is durable.
    pub(crate) async fn flush_all(&self) -> Result<(), Error> {
        let _flushing = self.queue.flush_guard();
        self.queue.seal_all_taken().await;
        self.wait_for_stream_offset(self.queue.queued_records() - 1)
            .await
    }

    async fn wait_until_acked(&self, offset: i64) -> Result<(), Error> {
        if self.slot.place(offset) == Place::Open {
            self.queue.seal_taken(&self.slot).await;
        }
        match self.slot.place(offset) {
            Place::At(stream_offset) => self.wait_for_stream_offset(stream_offset).await,
            Place::Acked => Ok(()),
            Place::Open => Err(self.ended()),
        }
    }

    async fn wait_for_stream_offset(&self, offset: i64) -> Result<(), Error> {
        let mut progress = self.progress.clone();
        if progress.borrow_and_update().acked_records > offset {
            return Ok(());
        }
        let acked = progress
            .wait_for(|progress| progress.acked_records > offset || progress.state.is_final());
        let Ok(progress) = tokio::time::timeout(self.flush_timeout, acked).await else {
            return Err(Error::FlushTimeout {
                after: self.flush_timeout,
                unacked: self.queue.unacked_records(),
            });
        };
        match progress {
            Ok(progress) if progress.acked_records > offset => Ok(()),
            Ok(progress) => Err(progress.error.clone().unwrap_or(Error::Closed)),
            Err(_) => Err(Error::Closed),
        }
    }
}

/// Comes when a record, and with it every earlier one of its producer, is durable; made by
/// [`Stream::ack`](crate::Stream::ack) and [`Producer::ack`](crate::Producer::ack).
#[must_use = "what has gathered is sent at once when it is first polled"]
pub struct AckFuture(Pin<Box<dyn Future<Output = Result<(), Error>> + Send>>);

impl AckFuture {
    pub(crate) fn failed(error: Error) -> Self {
        Self(Box::pin(std::future::ready(Err(error))))
    }
}

impl Future for AckFuture {
    type Output = Result<(), Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx)
    }
}

impl fmt::Debug for AckFuture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AckFuture").finish_non_exhaustive()
    }
}
