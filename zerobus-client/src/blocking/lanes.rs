use std::hash::Hash;
use std::sync::Arc;

use bytes::Bytes;

use super::Background;
use crate::error::Error;
use crate::lanes::{LaneOffset, LanesBuilder};
use crate::record::Record;

/// Several streams into one table; see [`Lanes`](crate::Lanes), whose terms hold here. Opened with
/// [`LanesBuilder::open_blocking`].
///
/// ```no_run
/// # fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client, records: Vec<(String, R)>) -> Result<(), zerobus_client::Error> {
/// let mut lanes = client.stream::<R>().lanes(4).open_blocking()?;
/// for (device, record) in &records {
///     lanes.ingest_keyed(device, record)?; // in order for each device
/// }
/// lanes.close()?; // everything is durable
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Lanes<R> {
    // Before the thread that they run on.
    lanes: crate::Lanes<R>,
    background: Arc<Background>,
}

impl<R> Lanes<R> {
    /// Opens the lanes on the background thread.
    pub(crate) fn open(builder: LanesBuilder<R>) -> Result<Self, Error> {
        let background = Background::shared()?;
        let lanes = background.block_on(builder.open())?;
        Ok(Self { lanes, background })
    }

    /// Takes one record, on the lane whose turn it is; blocks while as much as the options allow is on its way.
    ///
    /// # Errors
    /// As [`crate::Lanes::ingest_record`].
    pub fn ingest_record<T: Record<R> + ?Sized>(
        &mut self,
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let taken = self.lanes.try_ingest(record);
        self.background
            .or_wait(taken, || self.lanes.ingest_record(record))
    }

    /// Takes one record on the lane of `key`; blocks likewise.
    ///
    /// # Errors
    /// As [`crate::Lanes::ingest_keyed`].
    pub fn ingest_keyed<T: Record<R> + ?Sized>(
        &mut self,
        key: &(impl Hash + ?Sized),
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let taken = self.lanes.try_ingest_keyed(key, record);
        self.background
            .or_wait(taken, || self.lanes.ingest_keyed(key, record))
    }

    /// Takes records as one message, which the service stores whole or not at all.
    ///
    /// # Errors
    /// As [`crate::Lanes::ingest_batch`].
    pub fn ingest_batch<'r, T: Record<R> + ?Sized + 'r>(
        &mut self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<LaneOffset>, Error> {
        self.background.block_on(self.lanes.ingest_batch(records))
    }

    /// Takes one record if that needs no waiting.
    ///
    /// # Errors
    /// As [`crate::Lanes::try_ingest`].
    pub fn try_ingest<T: Record<R> + ?Sized>(&mut self, record: &T) -> Result<LaneOffset, Error> {
        self.lanes.try_ingest(record)
    }

    /// Waits until the record at this place, and each that this handle took before on the same lane, is durable.
    ///
    /// # Errors
    /// As [`crate::Lanes::wait_for_offset`].
    pub fn wait_for_offset(&self, at: LaneOffset) -> Result<(), Error> {
        self.background.block_on(self.lanes.wait_for_offset(at))
    }

    /// Sends everything taken so far, by producers too, and waits until it is durable on all lanes.
    ///
    /// # Errors
    /// As [`crate::Lanes::flush`].
    pub fn flush(&self) -> Result<(), Error> {
        self.background.block_on(self.lanes.flush())
    }

    /// Flushes, then ends all lanes.
    ///
    /// # Errors
    /// As [`crate::Lanes::close`].
    pub fn close(&mut self) -> Result<(), Error> {
        self.background.block_on(self.lanes.close())
    }

    /// Makes each lane that has failed anew, which sends first what was not acked.
    ///
    /// # Errors
    /// As [`crate::Lanes::recreate`].
    pub fn recreate(&mut self) -> Result<(), Error> {
        self.background.block_on(self.lanes.recreate())
    }

    /// Each record that is not acked, whole, lane after lane and in order within each.
    #[must_use]
    pub fn get_unacked_records(&self) -> Vec<Bytes> {
        self.lanes.get_unacked_records()
    }

    /// A handle for another thread to add records with.
    #[must_use]
    pub fn producer(&self) -> LanesProducer<R> {
        LanesProducer {
            producer: self.lanes.producer(),
            background: Arc::clone(&self.background),
        }
    }

    /// The lanes themselves, for what needs no waiting: their states, metrics, watches.
    #[must_use]
    pub fn as_async(&self) -> &crate::Lanes<R> {
        &self.lanes
    }
}

/// Adds records to lanes from a thread of its own; see [`LanesProducer`](crate::LanesProducer), whose terms hold here.
#[derive(Debug)]
pub struct LanesProducer<R> {
    producer: crate::LanesProducer<R>,
    background: Arc<Background>,
}

impl<R> LanesProducer<R> {
    /// As [`Lanes::ingest_record`].
    ///
    /// # Errors
    /// As there.
    pub fn ingest_record<T: Record<R> + ?Sized>(
        &mut self,
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let taken = self.producer.try_ingest(record);
        self.background
            .or_wait(taken, || self.producer.ingest_record(record))
    }

    /// As [`Lanes::ingest_keyed`].
    ///
    /// # Errors
    /// As there.
    pub fn ingest_keyed<T: Record<R> + ?Sized>(
        &mut self,
        key: &(impl Hash + ?Sized),
        record: &T,
    ) -> Result<LaneOffset, Error> {
        let taken = self.producer.try_ingest_keyed(key, record);
        self.background
            .or_wait(taken, || self.producer.ingest_keyed(key, record))
    }

    /// Waits until the record at this place, and each that this producer took before on the same lane, is durable.
    ///
    /// # Errors
    /// As [`crate::LanesProducer::wait_for_offset`].
    pub fn wait_for_offset(&self, at: LaneOffset) -> Result<(), Error> {
        self.background.block_on(self.producer.wait_for_offset(at))
    }

    /// Sends everything that this producer took and waits until it is durable.
    ///
    /// # Errors
    /// As [`crate::LanesProducer::flush`].
    pub fn flush(&self) -> Result<(), Error> {
        self.background.block_on(self.producer.flush())
    }
}

impl<R> Clone for LanesProducer<R> {
    /// Another producer on the same lanes.
    fn clone(&self) -> Self {
        Self {
            producer: self.producer.clone(),
            background: Arc::clone(&self.background),
        }
    }
}
