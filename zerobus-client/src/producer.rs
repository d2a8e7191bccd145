use std::fmt;
use std::marker::PhantomData;

use crate::acks::AckFuture;
use crate::error::Error;
use crate::intake::Intake;
use crate::record::Record;
use crate::state::StreamState;

/// Adds records to a stream from a task of its own; made by [`Stream::producer`](crate::Stream::producer), and by
/// cloning another.
///
/// Each producer fills batches of its own and meets the others once per batch, so many of them scale with the cores.
/// The order of records is kept per producer. Offsets are a producer's own, from 0. The bounds of what is on its way
/// hold for all together; each producer may pass them by the batch that it is filling.
///
/// A clone is a new producer: keep one per task rather than one per record. What a producer has gathered when it is
/// dropped is sent. The stream outlives its producers and has to be closed by its owner; after that they return
/// [`Error::Closed`].
///
/// ```no_run
/// # async fn run<R: zerobus_client::ZerobusRecord + Send + Sync + 'static>(mut stream: zerobus_client::Stream<R>, parts: Vec<Vec<R>>) -> Result<(), Box<dyn std::error::Error>> {
/// let tasks: Vec<_> = parts
///     .into_iter()
///     .map(|records| {
///         let mut producer = stream.producer();
///         tokio::spawn(async move {
///             for record in &records {
///                 producer.ingest_record(record).await?;
///             }
///             producer.flush().await // its own records are durable
///         })
///     })
///     .collect();
/// for task in tasks {
///     task.await??;
/// }
/// stream.close().await?;
/// # Ok(())
/// # }
/// ```
pub struct Producer<R> {
    intake: Intake,
    record: PhantomData<fn(&R)>,
}

impl<R> Producer<R> {
    pub(crate) fn new(intake: Intake) -> Self {
        Self {
            intake,
            record: PhantomData,
        }
    }

    /// Takes one record and returns its offset among those of this producer; as
    /// [`Stream::ingest_record`](crate::Stream::ingest_record).
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub async fn ingest_record<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        const { T::CHECK };
        if !self.intake.has_room() {
            self.intake.wait_for_room().await?;
        }
        self.intake.take_record(record)
    }

    /// Takes records in order and returns the offset of the last one; none when there were none.
    ///
    /// # Errors
    /// As [`ingest_record`](Self::ingest_record). The records before the one that failed were taken.
    pub async fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        let mut last = None;
        for record in records {
            last = Some(self.ingest_record(record).await?);
        }
        Ok(last)
    }

    /// Takes records as one message, which the service stores whole or not at all; as
    /// [`Stream::ingest_batch`](crate::Stream::ingest_batch).
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        const { T::CHECK };
        if !self.intake.has_room() {
            self.intake.wait_for_room().await?;
        }
        self.intake.take_batch(records)
    }

    /// Takes one record if that needs no waiting. Not async: it can be called from anywhere.
    ///
    /// # Errors
    /// [`Error::Full`] where [`ingest_record`](Self::ingest_record) would wait; else as there.
    #[inline]
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        const { T::CHECK };
        if !self.intake.has_room() {
            self.intake.ask_for_room()?;
        }
        self.intake.take_record(record)
    }

    /// [`try_ingest`](Self::try_ingest) for records in order; returns the offset of the last one, none when there were
    /// none.
    ///
    /// # Errors
    /// As there. The records before the one that failed were taken.
    pub fn try_ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        let mut last = None;
        for record in records {
            last = Some(self.try_ingest(record)?);
        }
        Ok(last)
    }

    /// [`ingest_batch`](Self::ingest_batch) if that needs no waiting. Not async: it can be called from anywhere.
    ///
    /// # Errors
    /// [`Error::Full`] where that would wait; else as there.
    pub fn try_ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        const { T::CHECK };
        if !self.intake.has_room() {
            self.intake.ask_for_room()?;
        }
        self.intake.take_batch(records)
    }

    /// Waits until this producer's record with this offset, and with it each that it took before, is durable. Sends
    /// what it has gathered at once.
    ///
    /// # Errors
    /// As [`Stream::wait_for_offset`](crate::Stream::wait_for_offset).
    pub async fn wait_for_offset(&self, offset: i64) -> Result<(), Error> {
        self.intake
            .acks()
            .wait_for_offset(offset, self.next_offset())
            .await
    }

    /// As [`Stream::ack`](crate::Stream::ack).
    pub fn ack(&self, offset: i64) -> AckFuture {
        self.intake.acks().ack(offset, self.next_offset())
    }

    /// Sends everything that this producer took and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::FlushTimeout`], or why the stream failed.
    pub async fn flush(&self) -> Result<(), Error> {
        self.intake.acks().flush(self.next_offset()).await
    }

    /// Queues what has gathered.
    pub(crate) fn seal(&self) {
        let acks = self.intake.acks();
        acks.queue.seal(&acks.slot);
    }

    /// The last record filled its batch.
    pub(crate) fn is_between_batches(&self) -> bool {
        self.intake.is_between_batches()
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.intake.acks().queue.state() == StreamState::Opened
    }

    /// Which producer of its stream it is, as [`RefusedRecord::producer`](crate::RefusedRecord::producer) names it.
    #[must_use]
    pub fn id(&self) -> u64 {
        self.intake.acks().id()
    }

    /// The offset that its next record gets: how many records it took.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.intake.next_offset()
    }

    /// The offset of its last durable record; none before the first ack.
    #[must_use]
    pub fn acked_offset(&self) -> Option<i64> {
        self.intake.acks().acked_offset()
    }
}

impl<R> Clone for Producer<R> {
    /// Another producer of the same stream, which begins with offset 0.
    fn clone(&self) -> Self {
        Self::new(self.intake.another())
    }
}

impl<R> fmt::Debug for Producer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Producer")
            .field("id", &self.id())
            .field("next_offset", &self.next_offset())
            .field("acked_offset", &self.acked_offset())
            .finish_non_exhaustive()
    }
}
