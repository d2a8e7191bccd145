use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use zerobus_record::RecordError;
use zerobus_schema::TableName;

use crate::batch::{Batch, BatchLimits};
use crate::error::Error;
use crate::options::StreamOptions;
use crate::queue::{Progress, Queue};
use crate::record::{Record, SchemaId};
use crate::state::StreamState;
use crate::watch::StreamWatch;

/// A stream of records into one table.
///
/// Records are taken, packed into messages, sent, and sent again when the connection is lost, in the order in which
/// they were taken. Delivery is at-least-once: after a lost connection, what was stored and not acked is stored twice.
/// Each record has an *offset*, counted from 0 over the life of the stream; an ack of an offset means that it and all
/// before it are durable.
///
/// Dropping a stream ends it at once. What was not acked by then may or may not be stored, so call
/// [`close`](Self::close) before.
pub struct Stream<R> {
    table: TableName,
    queue: Arc<Queue>,
    progress: watch::Receiver<Progress>,
    limits: BatchLimits,
    lingers: bool,
    flush_timeout: Duration,
    max_records: i64,
    max_bytes: u64,
    /// The offset of the next record.
    next_offset: i64,
    /// Framed bytes taken.
    taken_bytes: u64,
    /// `next_offset` and `taken_bytes` may go up to these before progress has to be asked for.
    records_bound: i64,
    bytes_bound: u64,
    /// Room for a new batch, after the size of the last one.
    capacity: usize,
    /// The run-time schema that records have to be made for.
    schema: Option<SchemaId>,
    task: AbortHandle,
    record: PhantomData<fn(&R)>,
}

impl<R> Stream<R> {
    pub(crate) fn new(
        table: TableName,
        queue: Arc<Queue>,
        options: &StreamOptions,
        schema: Option<SchemaId>,
        task: AbortHandle,
    ) -> Self {
        let max_records = i64::try_from(options.max_inflight_records).unwrap_or(i64::MAX);
        let max_bytes = u64::try_from(options.max_inflight_bytes).unwrap_or(u64::MAX);
        Self {
            table,
            progress: queue.progress(),
            queue,
            limits: options.batch_limits(),
            lingers: !options.linger.is_zero(),
            flush_timeout: options.flush_timeout,
            max_records,
            max_bytes,
            next_offset: 0,
            taken_bytes: 0,
            records_bound: max_records,
            bytes_bound: max_bytes,
            capacity: 0,
            schema,
            task,
            record: PhantomData,
        }
    }

    /// Takes one record and returns its offset. It is encoded at once, so the record can be changed or dropped
    /// afterwards. Waits while as much as the options allow is on its way unacked; when the future is dropped while
    /// it waits, the record was not taken.
    ///
    /// `T` is what a stream of `R` takes, see [`Record`]: for a record type that type itself, or another one with the
    /// very same descriptor (`R` with other lifetimes, say); any other does not compile.
    ///
    /// # Errors
    /// [`Error::Record`] and [`Error::RecordTooLarge`] are about this record alone, which was not taken. Any other
    /// means that the stream has ended.
    #[inline]
    pub async fn ingest_record<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        const { T::CHECK };
        if !self.has_room() {
            self.wait_for_room().await?;
        }
        self.take_record(record)
    }

    /// Takes records in order and returns the offset of the last one; none when there were none.
    ///
    /// # Errors
    /// As [`ingest_record`](Self::ingest_record). The records before the one that failed were taken:
    /// [`next_offset`](Self::next_offset) tells how many.
    pub async fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        const { T::CHECK };
        let mut last = None;
        for record in records {
            if !self.has_room() {
                self.wait_for_room().await?;
            }
            last = Some(self.take_record(record)?);
        }
        Ok(last)
    }

    /// Takes one record if that needs no waiting. Not async: it can be called from anywhere.
    ///
    /// # Errors
    /// [`Error::Full`] where [`ingest_record`](Self::ingest_record) would wait; else as there.
    #[inline]
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        const { T::CHECK };
        if !self.has_room() {
            self.refresh()?;
            if !self.has_room() {
                // Otherwise it might never be sent, and there would never be room.
                self.queue.seal_open();
                let progress = self.progress.borrow();
                return Err(Error::Full {
                    records: self.next_offset - progress.acked_records,
                    bytes: self.taken_bytes - progress.acked_bytes,
                });
            }
        }
        self.take_record(record)
    }
}

impl<R> Stream<R> {
    /// Waits until the record with this offset, and with it every earlier one, is durable. Sends what has gathered
    /// at once.
    ///
    /// # Errors
    /// [`Error::UnknownOffset`] when no record has this offset, [`Error::RecordRefused`] when the dead-letter sink got
    /// it (the latest 256 such records are known), [`Error::FlushTimeout`], or why the stream failed.
    pub async fn wait_for_offset(&self, offset: i64) -> Result<(), Error> {
        if !(0..self.next_offset).contains(&offset) {
            return Err(Error::UnknownOffset {
                offset,
                next: self.next_offset,
            });
        }
        self.wait_until_acked(offset).await?;
        self.queue.refusal(offset).map_or(Ok(()), Err)
    }

    /// Sends everything taken so far and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::FlushTimeout`], or why the stream failed.
    pub async fn flush(&self) -> Result<(), Error> {
        let _flushing = self.queue.flush_guard();
        self.wait_until_acked(self.next_offset - 1).await
    }

    /// Flushes, then ends the stream. Calling it again is fine, also after a call that failed or was dropped.
    ///
    /// # Errors
    /// As [`flush`](Self::flush). After [`Error::FlushTimeout`] the stream is still open.
    pub async fn close(&mut self) -> Result<(), Error> {
        self.flush().await?;
        self.queue.request_close();
        let mut progress = self.progress.clone();
        // The sender is as old as the queue, so waiting cannot fail.
        let _ = progress
            .wait_for(|progress| progress.state.is_final())
            .await;
        Ok(())
    }

    /// Each record that is not acked, whole and in order, as the bytes that were encoded. After a stream has failed,
    /// these are the ones to send on another; some of them may be stored already.
    #[must_use]
    pub fn get_unacked_records(&self) -> Vec<Bytes> {
        self.queue.unacked()
    }

    /// The service's name for the stream, for logs and support. A new connection brings a new one.
    #[must_use]
    pub fn stream_id(&self) -> String {
        self.progress.borrow().stream_id.to_string()
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

    /// How many records the service refused and the dead-letter sink got.
    #[must_use]
    pub fn refused_records(&self) -> u64 {
        self.progress.borrow().refused_records
    }

    /// A handle to follow the stream from elsewhere, while this one is busy taking records.
    #[must_use]
    pub fn watch(&self) -> StreamWatch {
        StreamWatch::new(self.progress.clone())
    }

    /// Where the stream is in its life.
    #[must_use]
    pub fn state(&self) -> StreamState {
        self.queue.state()
    }

    /// The table it writes to.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// The offset that the next record gets: how many records were taken.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.next_offset
    }

    /// The offset of the last durable record; none before the first ack.
    #[must_use]
    pub fn acked_offset(&self) -> Option<i64> {
        let acked = self.progress.borrow().acked_records;
        (acked > 0).then(|| acked - 1)
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.next_offset < self.records_bound
            && self.taken_bytes < self.bytes_bound
            && !self.queue.is_ended()
    }

    #[cold]
    async fn wait_for_room(&mut self) -> Result<(), Error> {
        loop {
            self.refresh()?;
            if self.has_room() {
                return Ok(());
            }
            self.queue.seal_open();
            // The sender is as old as the queue, so waiting cannot fail.
            let _ = self.progress.changed().await;
        }
    }

    /// Moves the bounds on to where the acks are.
    fn refresh(&mut self) -> Result<(), Error> {
        let progress = self.progress.borrow_and_update();
        if let Some(error) = &progress.error {
            return Err(error.clone());
        }
        if self.queue.is_ended() {
            return Err(Error::Closed);
        }
        self.records_bound = progress.acked_records.saturating_add(self.max_records);
        self.bytes_bound = progress.acked_bytes.saturating_add(self.max_bytes);
        Ok(())
    }

    #[inline]
    fn take_record<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        if let Some(schema) = record.schema_id()
            && self.schema != Some(schema)
        {
            return Err(other_schema());
        }
        self.take(|out| record.write_to(out))
    }

    #[inline]
    fn take(
        &mut self,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<i64, Error> {
        let (mut batch, is_new) = match self.queue.take_open() {
            Some(batch) => (batch, false),
            None => (Box::new(Batch::with_capacity(self.capacity)), true),
        };
        let grown = match batch.append(&self.limits, encode) {
            Ok(grown) => grown,
            Err(error) => {
                if !is_new {
                    self.queue.put_open(batch);
                }
                return Err(error);
            }
        };
        let offset = self.next_offset;
        self.next_offset += 1;
        self.taken_bytes += grown as u64;
        if batch.is_full(&self.limits) || !self.lingers {
            self.seal(*batch, grown);
        } else {
            self.queue.put_open(batch);
            if is_new {
                self.queue.arm_linger();
            }
        }
        Ok(offset)
    }

    fn seal(&mut self, mut batch: Batch, grown: usize) {
        // The next batch is likely to be as large, give or take a record.
        self.capacity = batch.bytes() + batch.bytes() / 16;
        if batch.bytes() > self.limits.message_bytes {
            let last = batch.split_last(grown);
            self.queue.push(batch);
            self.queue.push(last);
        } else {
            self.queue.push(batch);
        }
    }

    async fn wait_until_acked(&self, offset: i64) -> Result<(), Error> {
        let mut progress = self.progress.clone();
        if progress.borrow_and_update().acked_records > offset {
            return Ok(());
        }
        self.queue.seal_open();
        let acked = progress
            .wait_for(|progress| progress.acked_records > offset || progress.state.is_final());
        let Ok(progress) = tokio::time::timeout(self.flush_timeout, acked).await else {
            return Err(Error::FlushTimeout {
                after: self.flush_timeout,
                unacked: self.next_offset - self.progress.borrow().acked_records,
            });
        };
        match progress {
            Ok(progress) if progress.acked_records > offset => Ok(()),
            Ok(progress) => Err(progress.error.clone().unwrap_or(Error::Closed)),
            Err(_) => Err(Error::Closed),
        }
    }
}

impl<R> Drop for Stream<R> {
    fn drop(&mut self) {
        let progress = self.progress.borrow();
        let unacked = self.next_offset - progress.acked_records;
        if unacked > 0 && progress.state != StreamState::Failed {
            tracing::warn!(table = %self.table, unacked, "stream dropped before all records were acked");
        }
        drop(progress);
        self.task.abort();
        self.queue.request_close();
        self.queue.finish_sending();
    }
}

impl<R> fmt::Debug for Stream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("table", &self.table)
            .field("stream_id", &self.stream_id())
            .field("state", &self.state())
            .field("next_offset", &self.next_offset)
            .field("acked_offset", &self.acked_offset())
            .finish_non_exhaustive()
    }
}

#[cold]
fn other_schema() -> Error {
    Error::configuration(
        "the record was made for another schema than the stream's; make it with the RecordSchema that the stream was \
         opened with",
    )
}
