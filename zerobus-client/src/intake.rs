//! What a producer does with a record: makes sure that there is room, and appends it to the batch in the making.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use zerobus_record::RecordError;

use crate::batch::{Batch, BatchLimits};
use crate::error::Error;
use crate::hand::InHand;
use crate::options::StreamOptions;
use crate::queue::{Progress, Queue, RecordId};
use crate::record::{Record, SchemaId};
use crate::slot::{Place, Slot};

/// One producer's side of a stream, whatever its records are.
pub(crate) struct Intake {
    queue: Arc<Queue>,
    slot: Arc<Slot>,
    progress: watch::Receiver<Progress>,
    limits: BatchLimits,
    lingers: bool,
    flush_timeout: Duration,
    /// The run-time schema that records have to be made for.
    schema: Option<SchemaId>,
    /// The own offset of the next record.
    next_offset: i64,
    /// Framed bytes taken.
    taken_bytes: i64,
    /// `next_offset` and `taken_bytes` may go up to these before the bounds have to be asked for.
    records_bound: i64,
    bytes_bound: i64,
    /// Room for a new batch, after the size of the last one.
    capacity: usize,
}

impl Intake {
    pub(crate) fn new(
        queue: Arc<Queue>,
        options: &StreamOptions,
        schema: Option<SchemaId>,
    ) -> Self {
        Self {
            schema,
            slot: queue.new_slot(),
            progress: queue.progress(),
            queue,
            limits: options.batch_limits(),
            lingers: !options.linger.is_zero(),
            flush_timeout: options.flush_timeout,
            next_offset: 0,
            taken_bytes: 0,
            records_bound: 0,
            bytes_bound: 0,
            capacity: 0,
        }
    }

    /// Another producer of the same stream.
    pub(crate) fn another(&self) -> Self {
        Self {
            slot: self.queue.new_slot(),
            progress: self.queue.progress(),
            queue: Arc::clone(&self.queue),
            next_offset: 0,
            taken_bytes: 0,
            records_bound: 0,
            bytes_bound: 0,
            capacity: 0,
            ..*self
        }
    }

    pub(crate) fn queue(&self) -> &Arc<Queue> {
        &self.queue
    }

    /// The slot's number: 0 for the stream's own.
    pub(crate) fn id(&self) -> u64 {
        self.slot.id
    }

    pub(crate) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The own offset of the last durable record.
    pub(crate) fn acked_offset(&self) -> Option<i64> {
        let acked = self.progress.borrow().acked_records;
        let own = self.slot.acked_records(acked);
        (own > 0).then(|| own - 1)
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.next_offset < self.records_bound
            && self.taken_bytes < self.bytes_bound
            && !self.queue.is_ended()
    }

    /// Waits until one more record fits.
    #[cold]
    pub(crate) async fn wait_for_room(&mut self) -> Result<(), Error> {
        let queue = Arc::clone(&self.queue);
        loop {
            let mut freed = std::pin::pin!(queue.budget().freed());
            // From here on nothing is missed.
            freed.as_mut().enable();
            self.refresh()?;
            if self.has_room() {
                return Ok(());
            }
            // Otherwise it might never be sent, and there would never be room.
            queue.seal_all();
            freed.await;
        }
    }

    /// Whether one more record fits without waiting.
    ///
    /// # Errors
    /// [`Error::Full`] when none does, or why the stream takes none any more.
    #[cold]
    pub(crate) fn ask_for_room(&mut self) -> Result<(), Error> {
        self.refresh()?;
        if self.has_room() {
            return Ok(());
        }
        self.queue.seal_all();
        let (records, bytes) = self.queue.budget().used();
        Err(Error::Full {
            records,
            bytes: bytes.try_into().unwrap_or(0),
        })
    }

    /// Moves the bounds on to where the acks are.
    fn refresh(&mut self) -> Result<(), Error> {
        if self.queue.is_ended() {
            return Err(self.ended());
        }
        (self.records_bound, self.bytes_bound) = self.queue.bounds(&self.slot);
        Ok(())
    }

    /// Why no more records are taken.
    fn ended(&self) -> Error {
        self.progress
            .borrow()
            .error
            .clone()
            .unwrap_or(Error::Closed)
    }

    /// Takes one record, for which there must be room, and returns its own offset.
    #[inline]
    pub(crate) fn take_record<K, T: Record<K> + ?Sized>(
        &mut self,
        record: &T,
    ) -> Result<i64, Error> {
        self.check_schema(record)?;
        self.take(|out| record.write_to(out))
    }

    #[inline]
    fn take(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<i64, Error> {
        let Some(mut batch) = InHand::take(&self.queue, &self.slot, self.capacity) else {
            return Err(self.ended());
        };
        let grown = batch.append(&self.limits, encode)?;
        let taken = if batch.is_full(&self.limits) || !self.lingers {
            // The next batch is likely to be as large, give or take a record.
            self.capacity = batch.bytes() + batch.bytes() / 16;
            if self.queue.is_shared() {
                // What the others have on their way is looked at anew for each batch.
                self.records_bound = 0;
            }
            batch.seal(&self.limits, grown)
        } else {
            batch.put_back()
        };
        if !taken {
            return Err(self.ended());
        }
        let offset = self.next_offset;
        self.next_offset += 1;
        self.taken_bytes += grown.cast_signed() as i64;
        Ok(offset)
    }

    /// Takes records as one message, for which there must be room, and returns the own offset of the last one.
    pub(crate) fn take_batch<'r, K, T: Record<K> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        let mut batch = Batch::with_capacity(self.capacity);
        for record in records {
            self.check_schema(record)?;
            batch.append(&self.limits, |out| record.write_to(out))?;
            if batch.bytes() > self.limits.message_bytes {
                return Err(Error::BatchTooLarge {
                    records: batch.records(),
                    limit: self.limits.message_bytes,
                });
            }
        }
        let (records, bytes) = (batch.records(), batch.bytes());
        if records == 0 {
            return Ok(None);
        }
        if self.queue.is_shared() {
            self.records_bound = 0;
        }
        if !self.queue.push_whole(&self.slot, batch) {
            return Err(self.ended());
        }
        self.next_offset += records;
        self.taken_bytes += bytes.cast_signed() as i64;
        Ok(Some(self.next_offset - 1))
    }

    #[inline]
    fn check_schema<K, T: Record<K> + ?Sized>(&self, record: &T) -> Result<(), Error> {
        match record.schema_id() {
            Some(schema) if self.schema != Some(schema) => Err(other_schema()),
            _ => Ok(()),
        }
    }

    /// Waits until the record with this own offset, and all of this producer before it, are durable.
    ///
    /// # Errors
    /// [`Error::UnknownOffset`], [`Error::RecordRefused`], [`Error::FlushTimeout`], or why the stream failed.
    pub(crate) async fn wait_for_offset(&self, offset: i64) -> Result<(), Error> {
        if !(0..self.next_offset).contains(&offset) {
            return Err(Error::UnknownOffset {
                offset,
                next: self.next_offset,
            });
        }
        self.wait_until_acked(offset).await?;
        let producer = self.id();
        let refusal = self.queue.refusal(RecordId { producer, offset });
        refusal.map_or(Ok(()), Err)
    }

    /// Sends what this producer has taken and waits until it is durable.
    pub(crate) async fn flush(&self) -> Result<(), Error> {
        let _flushing = self.queue.flush_guard();
        match self.next_offset {
            0 => Ok(()),
            next => self.wait_until_acked(next - 1).await,
        }
    }

    /// Sends what all producers have taken and waits until it is durable.
    pub(crate) async fn flush_all(&self) -> Result<(), Error> {
        let _flushing = self.queue.flush_guard();
        self.queue.seal_all();
        self.wait_for_stream_offset(self.queue.queued_records() - 1)
            .await
    }

    async fn wait_until_acked(&self, offset: i64) -> Result<(), Error> {
        match self.queue.place(&self.slot, offset) {
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

impl Drop for Intake {
    fn drop(&mut self) {
        self.queue.abandon(&self.slot);
    }
}

#[cold]
fn other_schema() -> Error {
    Error::configuration(
        "the record was made for another schema than the stream's; make it with the RecordSchema that the stream was \
         opened with",
    )
}
