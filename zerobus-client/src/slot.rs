//! One producer's place in a stream: the batch it is filling, and where its records came to stand among all others.

use std::collections::VecDeque;
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crossbeam_utils::atomic::AtomicCell;

use crate::batch::Batch;

/// What one producer shares with the queue. Its *own offsets* count its records from 0; a *stream offset* counts those
/// of all producers in the order in which their batches were queued.
pub(crate) struct Slot {
    pub(crate) id: u64,
    /// The batch in the making, which only the producer puts in; or, for good, the mark that the slot is shut.
    open: AtomicCell<Option<Box<Batch>>>,
    /// A batch with records that were taken is in the making: in the slot, or in its producer's hand.
    making: AtomicBool,
    /// The producer is gone.
    abandoned: AtomicBool,
    places: Mutex<Places>,
}

/// Where a producer's queued records stand.
#[derive(Debug, Default)]
struct Places {
    /// What is not known to be acked, oldest first.
    spans: VecDeque<Span>,
    /// How much was queued so far.
    records: i64,
    bytes: u64,
}

/// The records of one message.
#[derive(Debug, Clone, Copy)]
struct Span {
    records: i64,
    /// The own offset and the stream offset after the last of them.
    end: i64,
    stream_end: i64,
}

/// Where a record is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// In the batch in the making.
    Open,
    /// Queued, with this stream offset.
    At(i64),
    Acked,
}

/// What a producer finds in its slot.
pub(crate) enum Found {
    Batch(Box<Batch>),
    Nothing,
    Shut,
}

impl Slot {
    pub(crate) fn new(id: u64) -> Self {
        Self {
            id,
            open: AtomicCell::new(None),
            making: AtomicBool::new(false),
            abandoned: AtomicBool::new(false),
            places: Mutex::default(),
        }
    }

    /// Takes the batch in the making out.
    #[inline]
    pub(crate) fn take(&self) -> Found {
        match self.open.take() {
            None => Found::Nothing,
            Some(batch) if batch.is_shut_mark() => {
                self.open.store(Some(batch));
                Found::Shut
            }
            Some(batch) => Found::Batch(batch),
        }
    }

    /// Puts the batch in the making in.
    ///
    /// # Errors
    /// Hands it back when the slot was shut meanwhile.
    #[inline]
    pub(crate) fn put(&self, batch: Box<Batch>) -> Result<(), Box<Batch>> {
        match self.open.swap(Some(batch)) {
            None => Ok(()),
            Some(mark) => self.open.swap(Some(mark)).map_or(Ok(()), Err),
        }
    }

    /// Lets nothing in any more, and takes out what is there.
    pub(crate) fn shut(&self) -> Option<Box<Batch>> {
        self.open
            .swap(Some(Box::new(Batch::shut_mark())))
            .filter(|batch| !batch.is_shut_mark())
    }

    #[inline]
    pub(crate) fn is_making(&self) -> bool {
        self.making.load(Ordering::SeqCst)
    }

    #[inline]
    pub(crate) fn set_making(&self, making: bool) {
        self.making.store(making, Ordering::SeqCst);
    }

    pub(crate) fn abandon(&self) {
        self.abandoned.store(true, Ordering::Relaxed);
    }

    /// Nobody will ask about its records any more.
    pub(crate) fn is_done(&self, acked: i64) -> bool {
        self.abandoned.load(Ordering::Relaxed)
            && !self.is_making()
            && self
                .places()
                .spans
                .back()
                .is_none_or(|last| last.stream_end <= acked)
    }

    /// Its next records were queued, up to a stream offset.
    pub(crate) fn queued(&self, records: i64, bytes: u64, stream_end: i64, acked: i64) {
        let mut places = self.places();
        places.records += records;
        places.bytes += bytes;
        while places
            .spans
            .front()
            .is_some_and(|span| span.stream_end <= acked)
        {
            places.spans.pop_front();
        }
        let end = places.records;
        places.spans.push_back(Span {
            records,
            end,
            stream_end,
        });
    }

    /// How many records and bytes were queued.
    pub(crate) fn totals(&self) -> (i64, u64) {
        let places = self.places();
        (places.records, places.bytes)
    }

    /// Where the record with this own offset is.
    pub(crate) fn place(&self, offset: i64) -> Place {
        let places = self.places();
        if offset >= places.records {
            return Place::Open;
        }
        let index = places.spans.partition_point(|span| span.end <= offset);
        match places.spans.get(index) {
            Some(span) if span.end - span.records <= offset => {
                Place::At(span.stream_end - (span.end - offset))
            }
            _ => Place::Acked,
        }
    }

    /// The own offset of the record with this stream offset, if it is one of its own and not known to be acked.
    pub(crate) fn own_offset(&self, stream_offset: i64) -> Option<i64> {
        let places = self.places();
        let index = places
            .spans
            .partition_point(|span| span.stream_end <= stream_offset);
        let span = places.spans.get(index)?;
        let own = span.end - (span.stream_end - stream_offset);
        (own >= span.end - span.records).then_some(own)
    }

    /// How many of its records are durable when so many of the stream's are.
    pub(crate) fn acked_records(&self, acked: i64) -> i64 {
        let places = self.places();
        let index = places
            .spans
            .partition_point(|span| span.stream_end <= acked);
        places.spans.get(index).map_or(places.records, |span| {
            let waiting = (span.stream_end - acked).min(span.records);
            span.end - waiting
        })
    }

    fn places(&self) -> MutexGuard<'_, Places> {
        // Nothing in here leaves the places half changed.
        self.places.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Slot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Slot")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_slot_takes_no_lock() {
        assert!(AtomicCell::<Option<Box<Batch>>>::is_lock_free());
    }

    #[test]
    fn a_shut_slot_takes_nothing_and_stays_shut() {
        let slot = Slot::new(0);
        assert!(slot.put(Box::new(Batch::with_capacity(0))).is_ok());
        assert!(slot.shut().is_some());
        assert!(slot.shut().is_none());
        assert!(slot.put(Box::new(Batch::with_capacity(0))).is_err());
        assert!(matches!(slot.take(), Found::Shut));
        assert!(matches!(slot.take(), Found::Shut));
    }

    proptest! {
        #[test]
        fn own_and_stream_offsets_lead_to_each_other(
            batches in proptest::collection::vec((0..3usize, 1..9i64), 1..40),
            acked_after in proptest::collection::vec(0..40usize, 0..4),
            partly in 0..8i64,
        ) {
            let slots = [Slot::new(0), Slot::new(1), Slot::new(2)];
            // By stream offset: whose record, and which of its own.
            let mut records = Vec::new();
            let mut counts = [0i64; 3];
            let mut acked = 0;
            for (n, (owner, len)) in batches.iter().enumerate() {
                for _ in 0..*len {
                    records.push((*owner, counts[*owner]));
                    counts[*owner] += 1;
                }
                let end = i64::try_from(records.len()).unwrap();
                slots[*owner].queued(*len, 0, end, acked);
                if acked_after.contains(&n) {
                    acked = (end - partly).max(acked);
                }
            }
            let mut durable = [0i64; 3];
            for (stream_offset, (owner, own)) in (0..).zip(&records) {
                if stream_offset < acked {
                    durable[*owner] += 1;
                    let place = slots[*owner].place(*own);
                    prop_assert!(place == Place::Acked || place == Place::At(stream_offset));
                    continue;
                }
                prop_assert_eq!(slots[*owner].place(*own), Place::At(stream_offset));
                for (id, slot) in slots.iter().enumerate() {
                    let expected = (id == *owner).then_some(*own);
                    prop_assert_eq!(slot.own_offset(stream_offset), expected);
                }
            }
            for (slot, (count, durable)) in slots.iter().zip(counts.iter().zip(durable)) {
                prop_assert_eq!(slot.place(*count), Place::Open);
                prop_assert_eq!(slot.acked_records(acked), durable);
            }
        }
    }
}
