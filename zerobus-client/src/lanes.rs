use std::fmt;
use std::future::poll_fn;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, PoisonError};
use std::task::Poll;

use bytes::Bytes;
use tokio::task::JoinSet;

use crate::acks::AckFuture;
use crate::blocking;
use crate::budget::Budget;
use crate::builder::StreamBuilder;
use crate::callback::AckCallback;
use crate::error::Error;
use crate::metrics::StreamMetrics;
use crate::opening::{Opened, Opening};
use crate::producer::Producer;
use crate::record::Record;
use crate::state::StreamState;
use crate::stream::{Stream, UnackedSink};

/// As many lanes as the service lets one application have at a table ("Zerobus Ingest connector limitations").
const LANES_MAX: usize = 64;

/// Several streams into one table under one handle, for more than one stream may carry; opened with
/// [`StreamBuilder::lanes`].
///
/// Records go to the lanes in turn, a batch each, or with [`ingest_keyed`](Self::ingest_keyed) to the lane of their
/// key. Order is kept within a lane, and so for each key; between lanes there is none. The bounds of what is on its way
/// hold for all lanes together, each of which may pass them by the batch that it is filling; rates are a lane's own.
///
/// A lane that fails has its records wait; [`recreate`](Self::recreate) sends them.
///
/// ```no_run
/// # async fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client, records: Vec<(String, R)>) -> Result<(), zerobus_client::Error> {
/// let mut lanes = client.stream::<R>().lanes(4).open().await?;
/// for (device, record) in &records {
///     lanes.ingest_keyed(device, record).await?; // in order for each device
/// }
/// lanes.close().await?; // everything is durable
/// # Ok(())
/// # }
/// ```
pub struct Lanes<R> {
    streams: Vec<Stream<R>>,
    own: LanesProducer<R>,
    unacked_sink: Option<UnackedSink>,
}

/// A record's place among the lanes.
#[doc(alias = "MessageId")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct LaneOffset {
    /// The lane, from 0.
    pub lane: usize,
    /// Its offset there, among the records of the same handle.
    pub offset: i64,
}

impl<R> Lanes<R> {
    /// Takes one record, on the lane whose turn it is; as [`Stream::ingest_record`].
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_record<T: Record<R> + ?Sized>(
        &mut self,
        record: &T,
    ) -> Result<LaneOffset, Error> {
        self.own.ingest_record(record).await
    }

    /// Takes one record on the lane of `key`: records with equal keys keep their order, within this process.
    ///
    /// # Errors
    /// As [`Stream::ingest_record`].
    pub async fn ingest_keyed<T: Record<R> + ?Sized>(
        &mut self,
        key: &(impl Hash + ?Sized),
        record: &T,
    ) -> Result<LaneOffset, Error> {
        self.own.ingest_keyed(key, record).await
    }

    /// Takes records as [`ingest_record`](Self::ingest_record) does, each on the lane whose turn it is then.
    /// [`flush`](Self::flush) waits for all of them.
    ///
    /// # Errors
    /// As there. The records before the one that failed were taken.
    pub async fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<(), Error> {
        self.own.ingest_records(records).await
    }

    /// Takes one record if that needs no waiting; as [`Stream::try_ingest`].
    ///
    /// # Errors
    /// As there.
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<LaneOffset, Error> {
        self.own.try_ingest(record)
    }

    /// Takes one record on the lane of `key` if that needs no waiting.
    ///
    /// # Errors
    /// As [`Stream::try_ingest`].
    pub fn try_ingest_keyed<T: Record<R> + ?Sized>(
        &mut self,
        key: &(impl Hash + ?Sized),
        record: &T,
    ) -> Result<LaneOffset, Error> {
        self.own.try_ingest_keyed(key, record)
    }

    /// Takes records as one message on the lane whose turn it is; as [`Stream::ingest_batch`].
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<LaneOffset>, Error> {
        self.own.ingest_batch(records).await
    }

    /// A handle for another task to add records with, beside this one and all others.
    #[must_use]
    pub fn producer(&self) -> LanesProducer<R> {
        self.own.clone()
    }

    /// Waits until the record at this place, and each that this handle took before on the same lane, is durable.
    ///
    /// # Errors
    /// As [`Stream::wait_for_offset`].
    #[doc(alias = "wait_for_message_id")]
    pub async fn wait_for_offset(&self, at: LaneOffset) -> Result<(), Error> {
        self.own.wait_for_offset(at).await
    }

    /// The same as a future of its own; as [`Stream::ack`].
    pub fn ack(&self, at: LaneOffset) -> AckFuture {
        self.own.ack(at)
    }

    /// Sends everything taken so far, by producers too, and waits until it is durable on all lanes.
    ///
    /// # Errors
    /// Of one of the lanes that have one, when all are done.
    pub async fn flush(&self) -> Result<(), Error> {
        let mut lanes = JoinSet::new();
        for stream in &self.streams {
            let acks = stream.acks().clone();
            lanes.spawn(async move { acks.flush_all().await });
        }
        let flushed = lanes.join_all().await;
        flushed.into_iter().collect()
    }

    /// Flushes, then ends all lanes. Calling it again is fine, also after a call that failed or was dropped.
    ///
    /// # Errors
    /// As [`flush`](Self::flush); the lanes are not ended then.
    pub async fn close(&mut self) -> Result<(), Error> {
        self.flush().await?;
        for stream in &self.streams {
            stream.stop_intake();
        }
        self.flush().await?;
        for stream in &self.streams {
            stream.request_close();
        }
        // Side by side, so that the time for callbacks is one for all.
        let closing = self
            .streams
            .iter_mut()
            .map(|stream| Box::pin(stream.closed()));
        let mut closing: Vec<_> = closing.collect();
        poll_fn(|cx| {
            closing.retain_mut(|one| one.as_mut().poll(cx).is_pending());
            match closing.is_empty() {
                true => Poll::Ready(()),
                false => Poll::Pending,
            }
        })
        .await;
        Ok(())
    }

    /// Makes each lane that has failed anew; it sends first what was not acked. Its records are numbered anew, and
    /// its producers are at their end. See [`Stream::recreate`].
    ///
    /// # Errors
    /// Of the first lane that cannot be opened. Nothing is lost; call again.
    pub async fn recreate(&mut self) -> Result<(), Error> {
        for (lane, stream) in self.streams.iter_mut().enumerate() {
            if stream.state() == StreamState::Failed {
                stream.recreate().await?;
                if let Some(producer) = self.own.lanes.get_mut(lane) {
                    *producer = stream.producer();
                }
            }
        }
        Ok(())
    }

    /// Each record that is not acked, whole, lane after lane and in order within each.
    #[must_use]
    pub fn get_unacked_records(&self) -> Vec<Bytes> {
        let lanes = self.streams.iter();
        lanes.flat_map(Stream::get_unacked_records).collect()
    }

    /// The lanes themselves, to look at: state, metrics, watches.
    #[must_use]
    pub fn lanes(&self) -> &[Stream<R>] {
        &self.streams
    }

    /// What each lane has done so far.
    #[must_use]
    pub fn metrics(&self) -> Vec<StreamMetrics> {
        self.streams.iter().map(Stream::metrics).collect()
    }
}

impl<R> Drop for Lanes<R> {
    fn drop(&mut self) {
        let Some(sink) = self.unacked_sink.take() else {
            return;
        };
        if self.streams.iter().all(Stream::has_nothing_to_hand_over) {
            return;
        }
        for stream in &self.streams {
            stream.end();
        }
        let sink = sink.into_inner().unwrap_or_else(PoisonError::into_inner);
        sink(self.get_unacked_records());
    }
}

impl<R> fmt::Debug for Lanes<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.streams).finish()
    }
}

/// Adds records to lanes from a task of its own; made by [`Lanes::producer`], and by cloning another. Each has a
/// [`Producer`] on every lane, for which that type's terms hold.
pub struct LanesProducer<R> {
    lanes: Vec<Producer<R>>,
    /// Whose turn it is.
    turn: usize,
}

impl<R> LanesProducer<R> {
    /// As [`Lanes::ingest_record`].
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_record<T: Record<R> + ?Sized>(
        &mut self,
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let (lane, producer) = self.next()?;
        let offset = producer.ingest_record(record).await?;
        Ok(LaneOffset { lane, offset })
    }

    /// As [`Lanes::ingest_keyed`].
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_keyed<T: Record<R> + ?Sized>(
        &mut self,
        key: &(impl Hash + ?Sized),
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let (lane, producer) = self.of_key(key)?;
        let offset = producer.ingest_record(record).await?;
        Ok(LaneOffset { lane, offset })
    }

    /// As [`Lanes::ingest_records`].
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<(), Error> {
        for record in records {
            self.ingest_record(record).await?;
        }
        Ok(())
    }

    /// As [`Lanes::try_ingest`].
    ///
    /// # Errors
    /// As there.
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<LaneOffset, Error> {
        let (lane, producer) = self.next()?;
        let offset = producer.try_ingest(record)?;
        Ok(LaneOffset { lane, offset })
    }

    /// As [`Lanes::try_ingest_keyed`].
    ///
    /// # Errors
    /// As there.
    pub fn try_ingest_keyed<T: Record<R> + ?Sized>(
        &mut self,
        key: &(impl Hash + ?Sized),
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let (lane, producer) = self.of_key(key)?;
        let offset = producer.try_ingest(record)?;
        Ok(LaneOffset { lane, offset })
    }

    /// As [`Lanes::ingest_batch`].
    ///
    /// # Errors
    /// As there.
    pub async fn ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<LaneOffset>, Error> {
        let (lane, producer) = self.next()?;
        let last = producer.ingest_batch(records).await?;
        Ok(last.map(|offset| LaneOffset { lane, offset }))
    }

    /// Waits until the record at this place, and each that this producer took before on the same lane, is durable.
    ///
    /// # Errors
    /// As [`Producer::wait_for_offset`].
    pub async fn wait_for_offset(&self, at: LaneOffset) -> Result<(), Error> {
        match self.lanes.get(at.lane) {
            Some(producer) => producer.wait_for_offset(at.offset).await,
            None => Err(no_such_lane(at)),
        }
    }

    /// As [`Lanes::ack`].
    pub fn ack(&self, at: LaneOffset) -> AckFuture {
        match self.lanes.get(at.lane) {
            Some(producer) => producer.ack(at.offset),
            None => AckFuture::failed(no_such_lane(at)),
        }
    }

    /// Sends everything that this producer took and waits until it is durable.
    ///
    /// # Errors
    /// As [`Producer::flush`], of the first lane that has one.
    pub async fn flush(&self) -> Result<(), Error> {
        for producer in &self.lanes {
            producer.seal();
        }
        for producer in &self.lanes {
            producer.flush().await?;
        }
        Ok(())
    }

    fn of_key(&mut self, key: &(impl Hash + ?Sized)) -> Result<(usize, &mut Producer<R>), Error> {
        let mut hasher = DefaultHasher::new();
        key.hash(&mut hasher);
        let lane = usize::try_from(hasher.finish() % (self.lanes.len() as u64)).unwrap_or(0);
        let producer = self.lanes.get_mut(lane).ok_or(Error::Closed)?;
        Ok((lane, producer))
    }

    /// The lane for the next record. A lane keeps the turn until its batch is full; then it is that of the next one
    /// that has a connection.
    fn next(&mut self) -> Result<(usize, &mut Producer<R>), Error> {
        let count = self.lanes.len();
        let is_between = self
            .lanes
            .get(self.turn)
            .is_none_or(Producer::is_between_batches);
        if is_between && count > 1 {
            let after = (1..=count).map(|step| (self.turn + step) % count);
            let mut connected =
                after.filter(|lane| self.lanes.get(*lane).is_some_and(Producer::is_connected));
            self.turn = connected.next().unwrap_or((self.turn + 1) % count);
        }
        let lane = self.turn;
        match self.lanes.get_mut(lane) {
            Some(producer) => Ok((lane, producer)),
            None => Err(Error::Closed),
        }
    }
}

/// It has taken no record, so its next one is the first.
fn no_such_lane(at: LaneOffset) -> Error {
    Error::UnknownOffset {
        offset: at.offset,
        next: 0,
    }
}

impl<R> Clone for LanesProducer<R> {
    /// Another producer on the same lanes.
    fn clone(&self) -> Self {
        Self {
            lanes: self.lanes.clone(),
            turn: self.turn,
        }
    }
}

impl<R> fmt::Debug for LanesProducer<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.lanes).finish()
    }
}

/// Opens [`Lanes`]; made by [`StreamBuilder::lanes`].
pub struct LanesBuilder<R> {
    stream: StreamBuilder<R>,
    count: usize,
    callbacks: Vec<Arc<dyn AckCallback>>,
}

impl<R> LanesBuilder<R> {
    pub(crate) fn new(stream: StreamBuilder<R>, count: usize) -> Self {
        Self {
            stream,
            count,
            callbacks: Vec::new(),
        }
    }

    /// Has each lane tell of its acks: `callback` makes one for each of them, by number.
    #[must_use]
    pub fn ack_callbacks<C: AckCallback + 'static>(
        mut self,
        callback: impl FnMut(usize) -> C,
    ) -> Self {
        let callbacks = (0..self.count.min(LANES_MAX)).map(callback);
        self.callbacks = callbacks
            .map(|one| Arc::new(one) as Arc<dyn AckCallback>)
            .collect();
        self
    }

    /// Opens all lanes for code that is not async; see [`blocking`](crate::blocking).
    ///
    /// # Errors
    /// As [`open`](Self::open), or [`Error::Configuration`] when the background thread cannot be started.
    pub fn open_blocking(self) -> Result<blocking::Lanes<R>, Error> {
        blocking::Lanes::open(self)
    }

    /// Opens all lanes at the same time.
    ///
    /// # Errors
    /// As [`StreamBuilder::open`], of the first lane that cannot be opened; then none is. [`Error::Configuration`] when
    /// there are fewer than 1 or more than 64 lanes.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn open(self) -> Result<Lanes<R>, Error> {
        let count = self.count;
        if !(1..=LANES_MAX).contains(&count) {
            return Err(Error::configuration(format!(
                "{count} lanes are asked for; there can be 1 to {LANES_MAX}"
            )));
        }
        let (mut first, unacked_sink) = self.stream.opening()?;
        if first.callback.is_some() {
            return Err(Error::configuration(
                "one ack callback cannot tell the lanes' offsets apart; give each its own with LanesBuilder::ack_callbacks",
            ));
        }
        if let Some(spool) = &first.spool {
            spool.check_lanes(count)?;
        }
        first.budget = Some(Arc::new(Budget::new(
            first.options.max_inflight_records,
            first.options.max_inflight_bytes,
        )));
        let mut opening = JoinSet::new();
        for lane in 0..count {
            let one = Opening {
                lane,
                callback: self.callbacks.get(lane).cloned(),
                spool: first.spool.as_ref().map(|spool| spool.of_lane(lane)),
                ..first.clone()
            };
            opening.spawn(async move { one.open(None).await.map(|opened| (one, opened)) });
        }
        let mut opened: Vec<(Opening, Opened)> = Vec::with_capacity(count);
        while let Some(one) = opening.join_next().await {
            // Neither aborted nor panicking.
            opened.push(one.map_err(|_| Error::Closed)??);
        }
        opened.sort_by_key(|(opening, _)| opening.lane);
        let streams = opened
            .into_iter()
            .map(|(opening, opened)| Stream::new(opening, opened, None));
        let streams: Vec<Stream<R>> = streams.collect();
        Ok(Lanes {
            own: LanesProducer {
                lanes: streams.iter().map(Stream::producer).collect(),
                turn: 0,
            },
            streams,
            unacked_sink,
        })
    }
}

impl<R> fmt::Debug for LanesBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LanesBuilder")
            .field("stream", &self.stream)
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}
