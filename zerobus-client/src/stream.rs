use std::fmt;
use std::marker::PhantomData;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use tokio::sync::watch;
use zerobus_schema::TableName;

use crate::acks::{AckFuture, Acks};
use crate::callback::Callbacks;
use crate::error::Error;
use crate::intake::Intake;
use crate::metrics::StreamMetrics;
use crate::opening::{Opened, Opening, Predecessor, Running};
use crate::producer::Producer;
use crate::queue::{Progress, Queue};
use crate::record::Record;
use crate::state::StreamState;
use crate::watch::StreamWatch;

/// A stream of records into one table.
///
/// Records are taken, packed into messages, sent, and sent again when the connection is lost, in the order in which
/// they were taken. Delivery is at-least-once: after a lost connection, what was stored and not acked is stored twice.
/// Each record has an *offset*, counted from 0 over the life of the stream; an ack of an offset means that it and all
/// before it are durable.
///
/// One task fills a stream with the least effort through `&mut Stream`. For more of them, [`producer`](Self::producer)
/// gives each a handle of its own.
///
/// Dropping a stream ends it at once, for its producers too. What was not acked by then may or may not be stored, so
/// call [`close`](Self::close) before.
pub struct Stream<R> {
    opening: Opening,
    intake: Intake,
    progress: watch::Receiver<Progress>,
    running: Running,
    callbacks: Option<Callbacks>,
    unacked_sink: Option<UnackedSink>,
    /// What was not acked at the end was handed to the owner.
    handed_back: AtomicBool,
    record: PhantomData<fn(&R)>,
}

impl<R> Stream<R> {
    pub(crate) fn new(opening: Opening, opened: Opened, unacked_sink: Option<UnackedSink>) -> Self {
        Self {
            opening,
            progress: opened.intake.acks().queue.progress(),
            intake: opened.intake,
            running: opened.running,
            callbacks: opened.callbacks,
            unacked_sink,
            handed_back: AtomicBool::new(false),
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
    #[doc(alias = "ingest_record_offset")]
    pub async fn ingest_record<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        const { T::CHECK };
        if !self.intake.has_room() {
            self.intake.wait_for_room().await?;
        }
        self.intake.take_record(record)
    }

    /// Takes records in order and returns the offset of the last one; none when there were none. How they are packed
    /// is the stream's affair; see [`ingest_batch`](Self::ingest_batch) for all or nothing.
    ///
    /// # Errors
    /// As [`ingest_record`](Self::ingest_record). The records before the one that failed were taken:
    /// [`next_offset`](Self::next_offset) tells how many.
    #[doc(alias = "ingest_records_offset")]
    pub async fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        const { T::CHECK };
        let mut last = None;
        for record in records {
            if !self.intake.has_room() {
                self.intake.wait_for_room().await?;
            }
            last = Some(self.intake.take_record(record)?);
        }
        Ok(last)
    }

    /// Takes records as one message, which the service stores whole or not at all, and returns the offset of the last
    /// one; none when there were none. The message goes out at once, whatever its size, behind what has gathered.
    ///
    /// In a search for a refused record it is never taken apart: the dead-letter sink gets all of its records then.
    ///
    /// # Errors
    /// As [`ingest_record`](Self::ingest_record), or [`Error::BatchTooLarge`]; none of the records was taken.
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
    #[doc(alias = "ingest_record_nowait")]
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
    #[doc(alias = "ingest_records_nowait")]
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

    /// A handle for another task to add records with, beside this one and all others. Offsets are each handle's own.
    #[must_use]
    pub fn producer(&self) -> Producer<R> {
        Producer::new(self.intake.another())
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
        let next = self.next_offset();
        self.intake.acks().wait_for_offset(offset, next).await
    }

    /// The same as a future of its own, to be awaited elsewhere while the stream goes on. What has gathered is sent at
    /// once when it is first polled.
    ///
    /// ```no_run
    /// # async fn run<R: zerobus_client::ZerobusRecord>(mut stream: zerobus_client::Stream<R>, record: R) -> Result<(), zerobus_client::Error> {
    /// let offset = stream.ingest_record(&record).await?;
    /// let ack = stream.ack(offset);
    /// tokio::spawn(async move {
    ///     match ack.await {
    ///         Ok(()) => println!("durable"),
    ///         Err(error) => eprintln!("{error}"),
    ///     }
    /// });
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`wait_for_offset`](Self::wait_for_offset).
    pub fn ack(&self, offset: i64) -> AckFuture {
        self.intake.acks().ack(offset, self.next_offset())
    }

    /// Sends everything taken so far, by its producers too, and waits until it is durable.
    ///
    /// # Errors
    /// [`Error::FlushTimeout`], or why the stream failed.
    pub async fn flush(&self) -> Result<(), Error> {
        self.intake.acks().flush_all().await
    }

    /// Flushes, then ends the stream. Calling it again is fine, also after a call that failed or was dropped.
    ///
    /// # Errors
    /// As [`flush`](Self::flush). After [`Error::FlushTimeout`] the stream still sends; call again.
    pub async fn close(&mut self) -> Result<(), Error> {
        self.flush().await?;
        // What producers took in the meantime, for the last time.
        self.stop_intake();
        self.flush().await?;
        self.request_close();
        self.closed().await;
        Ok(())
    }

    pub(crate) fn acks(&self) -> &Acks {
        self.intake.acks()
    }

    pub(crate) fn stop_intake(&self) {
        self.queue().stop_intake();
    }

    /// Has the stream end once everything is acked.
    pub(crate) fn request_close(&self) {
        self.queue().request_close();
    }

    /// Waits for the end, and for the callbacks.
    pub(crate) async fn closed(&mut self) {
        let mut progress = self.progress.clone();
        // The sender is as old as the queue, so waiting cannot fail.
        let _ = progress
            .wait_for(|progress| progress.state.is_final())
            .await;
        if let Some(callbacks) = &mut self.callbacks {
            let limit = self.opening.options.callback_max_wait_time;
            callbacks.wait(limit).await;
        }
    }

    /// Everything is acked, or was handed to the owner.
    pub(crate) fn has_nothing_to_hand_over(&self) -> bool {
        self.queue().seal_all();
        self.queue().unacked_records() == 0 || self.handed_back.load(Ordering::Relaxed)
    }

    /// Makes a new stream of this one, in place, with the same table and options, which sends first what was not
    /// acked: these records have the offsets from 0 in the new numbering. What still goes is ended before, with its
    /// producers.
    ///
    /// ```no_run
    /// # async fn run<R: zerobus_client::ZerobusRecord>(mut stream: zerobus_client::Stream<R>) -> Result<(), zerobus_client::Error> {
    /// while let Err(error) = stream.flush().await {
    ///     eprintln!("{error}");
    ///     stream.recreate().await?; // nothing is lost when this fails: it can be called again
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`StreamBuilder::open`](crate::StreamBuilder::open). The stream is ended then and keeps its records.
    #[doc(alias = "recreate_stream")]
    pub async fn recreate(&mut self) -> Result<(), Error> {
        self.end();
        let predecessor = Predecessor {
            queue: &self.intake.acks().queue,
            callbacks: &mut self.callbacks,
        };
        let opened = self.opening.open(Some(predecessor)).await?;
        self.progress = opened.intake.acks().queue.progress();
        self.intake = opened.intake;
        self.running = opened.running;
        self.callbacks = opened.callbacks;
        self.handed_back = AtomicBool::new(false);
        Ok(())
    }

    /// Each record that is not acked, whole and in order, as the bytes that were encoded. After a stream has failed,
    /// these are the ones to send on another; some of them may be stored already.
    #[must_use]
    pub fn get_unacked_records(&self) -> Vec<Bytes> {
        if self.state().is_final() {
            self.handed_back.store(true, Ordering::Relaxed);
        }
        self.queue().unacked()
    }

    /// The same in the batches in which the records were or would have been sent.
    #[must_use]
    pub fn get_unacked_batches(&self) -> Vec<Vec<Bytes>> {
        if self.state().is_final() {
            self.handed_back.store(true, Ordering::Relaxed);
        }
        self.queue().unacked_batches()
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

    /// What it has done so far.
    #[doc(alias = "stats_exporter")]
    #[must_use]
    pub fn metrics(&self) -> StreamMetrics {
        self.queue().metrics(self.table().clone())
    }

    /// A handle to follow the stream from elsewhere, while this one is busy taking records.
    #[must_use]
    pub fn watch(&self) -> StreamWatch {
        StreamWatch::new(self.table(), &self.intake.acks().queue)
    }

    /// Where the stream is in its life.
    #[doc(alias = "get_state")]
    #[doc(alias = "is_closed")]
    #[must_use]
    pub fn state(&self) -> StreamState {
        self.queue().state()
    }

    /// The table it writes to.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.opening.table
    }

    /// The offset that the next record gets: how many records were taken by this handle.
    #[must_use]
    pub fn next_offset(&self) -> i64 {
        self.intake.next_offset()
    }

    /// The offset of the last durable record; none before the first ack.
    #[must_use]
    pub fn acked_offset(&self) -> Option<i64> {
        self.intake.acks().acked_offset()
    }

    fn queue(&self) -> &Queue {
        &self.intake.acks().queue
    }

    /// Takes and sends nothing more; what was taken is kept.
    pub(crate) fn end(&self) {
        self.running.end();
    }
}

impl<R> Drop for Stream<R> {
    fn drop(&mut self) {
        let failed = self.state() == StreamState::Failed;
        self.end();
        let unacked = self.queue().unacked_records();
        if unacked == 0 {
            return;
        }
        if !failed {
            tracing::warn!(table = %self.table(), unacked, "stream dropped before all records were acked");
        }
        if let Some(sink) = self.unacked_sink.take()
            && !self.handed_back.load(Ordering::Relaxed)
        {
            let sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
            sink(self.queue().unacked());
        }
    }
}

/// Gets what a stream leaves behind.
pub(crate) type UnackedSink = Mutex<Box<dyn FnOnce(Vec<Bytes>) + Send>>;

impl<R> fmt::Debug for Stream<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stream")
            .field("table", self.table())
            .field("stream_id", &self.stream_id())
            .field("state", &self.state())
            .field("next_offset", &self.next_offset())
            .field("acked_offset", &self.acked_offset())
            .finish_non_exhaustive()
    }
}
