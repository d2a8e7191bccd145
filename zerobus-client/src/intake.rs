//! What a producer does with a record: makes sure that there is room, and appends it to the batch in the making.

use std::sync::Arc;

use zerobus_record::RecordError;

use crate::ack::Message;
use crate::acks::Acks;
use crate::batch::{Batch, BatchLimits, Payload};
use crate::error::Error;
use crate::hand::InHand;
use crate::options::StreamOptions;
use crate::queue::Queue;
use crate::record::{Record, SchemaId};

/// After so many bytes it is looked at how far the connection is behind.
const CATCH_UP_STEP: i64 = 1 << 20;

/// One producer's side of a stream, whatever its records are.
pub(crate) struct Intake {
    acks: Acks,
    limits: BatchLimits,
    lingers: bool,
    /// The run-time schema that records have to be made for.
    schema: Option<SchemaId>,
    /// The own offset of the next record.
    next_offset: i64,
    /// Framed bytes taken.
    taken_bytes: i64,
    /// `next_offset` and `taken_bytes` may go up to these before the bounds have to be asked for.
    records_bound: i64,
    bytes_bound: i64,
    /// With `taken_bytes` here, the connection may have to catch up.
    catch_up_at: i64,
    /// Room for a new batch, after the size of the last one.
    capacity: usize,
    /// The last record filled its batch.
    between_batches: bool,
}

impl Intake {
    pub(crate) fn new(
        queue: Arc<Queue>,
        options: &StreamOptions,
        schema: Option<SchemaId>,
    ) -> Self {
        Self {
            schema,
            acks: Acks::new(queue, options.flush_timeout),
            limits: options.batch_limits(),
            lingers: !options.linger.is_zero(),
            next_offset: 0,
            taken_bytes: 0,
            records_bound: 0,
            bytes_bound: 0,
            catch_up_at: CATCH_UP_STEP,
            capacity: 0,
            between_batches: true,
        }
    }

    /// Another producer of the same stream.
    pub(crate) fn another(&self) -> Self {
        Self {
            acks: self.acks.of_another(),
            next_offset: 0,
            taken_bytes: 0,
            records_bound: 0,
            bytes_bound: 0,
            catch_up_at: CATCH_UP_STEP,
            capacity: 0,
            between_batches: true,
            ..*self
        }
    }

    /// Takes what another stream has not got acked, as the first records of this one.
    pub(crate) fn adopt(&mut self, messages: Vec<Message<Payload>>) {
        for message in messages {
            self.next_offset += message.records;
            self.taken_bytes += message.bytes.cast_signed();
            self.acks.queue.adopt(&self.acks.slot, message);
        }
    }

    pub(crate) fn acks(&self) -> &Acks {
        &self.acks
    }

    pub(crate) fn next_offset(&self) -> i64 {
        self.next_offset
    }

    pub(crate) fn is_between_batches(&self) -> bool {
        self.between_batches
    }

    #[inline]
    pub(crate) fn has_room(&self) -> bool {
        self.next_offset < self.records_bound
            && self.taken_bytes < self.bytes_bound
            && !self.acks.queue.is_ended()
    }

    /// Waits until one more record fits.
    #[cold]
    pub(crate) async fn wait_for_room(&mut self) -> Result<(), Error> {
        let queue = Arc::clone(&self.acks.queue);
        if self.taken_bytes >= self.catch_up_at {
            queue.let_catch_up().await;
        }
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
        self.acks.queue.seal_all();
        let (records, bytes) = self.acks.queue.budget().used();
        Err(Error::Full {
            records,
            bytes: bytes.try_into().unwrap_or(0),
        })
    }

    /// Moves the bounds on to where the acks are.
    fn refresh(&mut self) -> Result<(), Error> {
        if self.acks.queue.is_ended() {
            return Err(self.acks.ended());
        }
        if self.taken_bytes >= self.catch_up_at {
            self.catch_up_at = self.taken_bytes + CATCH_UP_STEP;
        }
        let (records, bytes) = self.acks.queue.bounds(&self.acks.slot);
        (self.records_bound, self.bytes_bound) = (records, bytes.min(self.catch_up_at));
        Ok(())
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
        let Some(mut batch) = InHand::take(&self.acks.queue, &self.acks.slot, self.capacity) else {
            return Err(self.acks.ended());
        };
        let grown = batch.append(&self.limits, encode)?;
        self.between_batches = batch.is_full(&self.limits) || !self.lingers;
        let taken = if self.between_batches {
            // The next batch is likely to be as large, give or take a record.
            self.capacity = batch.bytes() + batch.bytes() / 16;
            if self.acks.queue.is_shared() {
                // What the others have on their way is looked at anew for each batch.
                self.records_bound = 0;
            }
            batch.seal(&self.limits, grown)
        } else {
            batch.put_back()
        };
        if !taken {
            return Err(self.acks.ended());
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
        if self.acks.queue.is_shared() {
            self.records_bound = 0;
        }
        if !self.acks.queue.push_whole(&self.acks.slot, batch) {
            return Err(self.acks.ended());
        }
        self.between_batches = true;
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
}

impl Drop for Intake {
    fn drop(&mut self) {
        self.acks.queue.abandon(&self.acks.slot);
    }
}

#[cold]
pub(crate) fn other_schema() -> Error {
    Error::configuration(
        "the record was made for another schema than the stream's; make it with the RecordSchema that the stream was \
         opened with",
    )
}
