//! The same streams for code that is not async.
//!
//! Everything runs on one background thread, which all blocking streams of the process share and which ends with the
//! last of them. The calls block the thread that makes them; they can be made from within a runtime too, whose thread
//! is then held up.
//!
//! ```no_run
//! # fn run<R: zerobus_client::ZerobusRecord>(records: Vec<R>) -> Result<(), zerobus_client::Error> {
//! let client = zerobus_client::Client::from_env()?;
//! let mut stream = client.stream::<R>().open_blocking()?;
//! for record in &records {
//!     stream.ingest_record(record)?;
//! }
//! stream.close()?; // everything is durable
//! # Ok(())
//! # }
//! ```

mod lanes;

use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};
use std::time::Duration;

use bytes::Bytes;
use tokio::runtime::Handle;
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::builder::StreamBuilder;
use crate::error::Error;
use crate::record::Record;

pub use self::lanes::{Lanes, LanesProducer};

/// A stream of records into one table; see [`Stream`](crate::Stream), whose terms hold here.
#[derive(Debug)]
pub struct Stream<R> {
    // Before the thread that it runs on.
    stream: crate::Stream<R>,
    background: Arc<Background>,
}

impl<R> Stream<R> {
    /// Opens the stream on the background thread.
    pub(crate) fn open(builder: StreamBuilder<R>) -> Result<Self, Error> {
        let background = Background::shared()?;
        let stream = background.block_on(builder.open())?;
        Ok(Self { stream, background })
    }

    /// Takes one record and returns its offset; blocks while as much as the options allow is on its way.
    ///
    /// # Errors
    /// As [`crate::Stream::ingest_record`].
    #[inline]
    pub fn ingest_record<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        let taken = self.stream.try_ingest(record);
        self.background
            .or_wait(taken, || self.stream.ingest_record(record))
    }

    /// The same, blocking for `limit` at most. An async caller puts
    /// [`ingest_record`](crate::Stream::ingest_record) under a timeout of its own.
    ///
    /// # Errors
    /// [`Error::Full`] when there was no room within the limit; the record was not taken. Else as there.
    pub fn ingest_record_timeout<T: Record<R> + ?Sized>(
        &mut self,
        record: &T,
        limit: Duration,
    ) -> Result<i64, Error> {
        let taken = self.stream.try_ingest(record);
        self.background
            .or_wait_for(limit, taken, || self.stream.ingest_record(record))
    }

    /// Takes records in order and returns the offset of the last one; none when there were none.
    ///
    /// # Errors
    /// As [`crate::Stream::ingest_records`].
    pub fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        let mut last = None;
        for record in records {
            last = Some(self.ingest_record(record)?);
        }
        Ok(last)
    }

    /// Takes records as one message, which the service stores whole or not at all.
    ///
    /// # Errors
    /// As [`crate::Stream::ingest_batch`].
    pub fn ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        self.background.block_on(self.stream.ingest_batch(records))
    }

    /// Takes one record if that needs no waiting.
    ///
    /// # Errors
    /// As [`crate::Stream::try_ingest`].
    #[inline]
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        self.stream.try_ingest(record)
    }

    /// Waits until the record with this offset, and with it every earlier one, is durable.
    ///
    /// # Errors
    /// As [`crate::Stream::wait_for_offset`].
    pub fn wait_for_offset(&self, offset: i64) -> Result<(), Error> {
        self.background
            .block_on(self.stream.wait_for_offset(offset))
    }

    /// Sends everything taken so far, by its producers too, and waits until it is durable.
    ///
    /// # Errors
    /// As [`crate::Stream::flush`].
    pub fn flush(&self) -> Result<(), Error> {
        self.background.block_on(self.stream.flush())
    }

    /// Flushes, then ends the stream.
    ///
    /// # Errors
    /// As [`crate::Stream::close`].
    pub fn close(&mut self) -> Result<(), Error> {
        self.background.block_on(self.stream.close())
    }

    /// Makes a new stream of this one, in place, which sends first what was not acked.
    ///
    /// # Errors
    /// As [`crate::Stream::recreate`].
    pub fn recreate(&mut self) -> Result<(), Error> {
        self.background.block_on(self.stream.recreate())
    }

    /// Each record that is not acked, whole and in order.
    #[must_use]
    pub fn get_unacked_records(&self) -> Vec<Bytes> {
        self.stream.get_unacked_records()
    }

    /// A handle for another thread to add records with.
    #[must_use]
    pub fn producer(&self) -> Producer<R> {
        Producer {
            producer: self.stream.producer(),
            background: Arc::clone(&self.background),
        }
    }

    /// The stream itself, for what needs no waiting: its state, metrics, watches.
    #[must_use]
    pub fn as_async(&self) -> &crate::Stream<R> {
        &self.stream
    }
}

/// Adds records to a stream from a thread of its own; see [`Producer`](crate::Producer), whose terms hold here.
#[derive(Debug)]
pub struct Producer<R> {
    producer: crate::Producer<R>,
    background: Arc<Background>,
}

impl<R> Producer<R> {
    /// As [`Stream::ingest_record`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn ingest_record<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        let taken = self.producer.try_ingest(record);
        self.background
            .or_wait(taken, || self.producer.ingest_record(record))
    }

    /// As [`Stream::ingest_record_timeout`].
    ///
    /// # Errors
    /// As there.
    pub fn ingest_record_timeout<T: Record<R> + ?Sized>(
        &mut self,
        record: &T,
        limit: Duration,
    ) -> Result<i64, Error> {
        let taken = self.producer.try_ingest(record);
        self.background
            .or_wait_for(limit, taken, || self.producer.ingest_record(record))
    }

    /// As [`Stream::ingest_records`].
    ///
    /// # Errors
    /// As there.
    pub fn ingest_records<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        let mut last = None;
        for record in records {
            last = Some(self.ingest_record(record)?);
        }
        Ok(last)
    }

    /// As [`Stream::ingest_batch`].
    ///
    /// # Errors
    /// As there.
    pub fn ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<i64>, Error> {
        self.background
            .block_on(self.producer.ingest_batch(records))
    }

    /// As [`Stream::try_ingest`].
    ///
    /// # Errors
    /// As there.
    #[inline]
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<i64, Error> {
        self.producer.try_ingest(record)
    }

    /// Waits until this producer's record with this offset, and with it each that it took before, is durable.
    ///
    /// # Errors
    /// As [`crate::Producer::wait_for_offset`].
    pub fn wait_for_offset(&self, offset: i64) -> Result<(), Error> {
        self.background
            .block_on(self.producer.wait_for_offset(offset))
    }

    /// Sends everything that this producer took and waits until it is durable.
    ///
    /// # Errors
    /// As [`crate::Producer::flush`].
    pub fn flush(&self) -> Result<(), Error> {
        self.background.block_on(self.producer.flush())
    }

    /// The producer itself, for what needs no waiting.
    #[must_use]
    pub fn as_async(&self) -> &crate::Producer<R> {
        &self.producer
    }
}

impl<R> Clone for Producer<R> {
    /// Another producer of the same stream, which begins with offset 0.
    fn clone(&self) -> Self {
        Self {
            producer: self.producer.clone(),
            background: Arc::clone(&self.background),
        }
    }
}

/// Runs a future to its end on the present thread.
pub(crate) fn run<F: Future>(future: F) -> Result<F::Output, Error> {
    Ok(Background::shared()?.block_on(future))
}

/// The thread on which blocking streams run.
#[derive(Debug)]
struct Background {
    runtime: Handle,
    /// Dropped, it ends the thread.
    _stop: oneshot::Sender<()>,
}

impl Background {
    /// The one of this process, begun when there is none.
    fn shared() -> Result<Arc<Self>, Error> {
        static SHARED: Mutex<Weak<Background>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(background) = shared.upgrade() {
            return Ok(background);
        }
        let background = Arc::new(Self::start().map_err(|error| {
            Error::configuration(format!(
                "the thread of blocking streams cannot start: {error}"
            ))
        })?);
        *shared = Arc::downgrade(&background);
        Ok(background)
    }

    fn start() -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let handle = runtime.handle().clone();
        let (stop, stopped) = oneshot::channel();
        thread::Builder::new()
            .name("zerobus-client".to_owned())
            .spawn(move || {
                // Ends with an error when the sender is dropped, which is how it is told.
                let _ = runtime.block_on(stopped);
            })?;
        Ok(Self {
            runtime: handle,
            _stop: stop,
        })
    }

    /// What was taken, or else what comes of waiting where there was no room.
    #[inline]
    fn or_wait<T, F: Future<Output = Result<T, Error>>>(
        &self,
        taken: Result<T, Error>,
        wait: impl FnOnce() -> F,
    ) -> Result<T, Error> {
        match taken {
            Err(Error::Full { .. }) => self.block_on(wait()),
            taken => taken,
        }
    }

    /// The same, waiting for `limit` at most.
    fn or_wait_for<T, F: Future<Output = Result<T, Error>>>(
        &self,
        limit: Duration,
        taken: Result<T, Error>,
        wait: impl FnOnce() -> F,
    ) -> Result<T, Error> {
        match taken {
            Err(full @ Error::Full { .. }) => {
                // Its timer is the background thread's, which is entered when it is first polled.
                let in_time = async { timeout(limit, wait()).await };
                self.block_on(in_time).unwrap_or(Err(full))
            }
            taken => taken,
        }
    }

    /// Runs a future on the present thread, its timers and tasks on the background one. `Handle::block_on` would
    /// panic within a runtime.
    fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _entered = self.runtime.enter();
        let waker = Waker::from(Arc::new(Unpark(thread::current())));
        let mut cx = Context::from_waker(&waker);
        let mut future = pin!(future);
        loop {
            match future.as_mut().poll(&mut cx) {
                Poll::Ready(output) => return output,
                Poll::Pending => thread::park(),
            }
        }
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}
