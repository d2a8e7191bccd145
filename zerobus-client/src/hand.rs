//! The batch in the making while its producer appends to it.

use zerobus_record::RecordError;

use crate::batch::{Batch, BatchLimits};
use crate::error::Error;
use crate::queue::Queue;
use crate::slot::{Found, Slot};

/// A batch in its producer's hand. Dropped, it goes back to where it was.
pub(crate) struct InHand<'q> {
    queue: &'q Queue,
    slot: &'q Slot,
    batch: Option<Box<Batch>>,
    is_new: bool,
}

impl<'q> InHand<'q> {
    /// Takes the slot's batch in hand; a new one, with room for `capacity` bytes, if there is none. None once the
    /// stream takes nothing any more.
    #[inline]
    pub(crate) fn take(queue: &'q Queue, slot: &'q Slot, capacity: usize) -> Option<Self> {
        let (batch, is_new) = match slot.take() {
            Found::Batch(batch) => (batch, false),
            Found::Nothing => (Box::new(Batch::with_capacity(capacity)), true),
            Found::Shut => return None,
        };
        Some(Self {
            queue,
            slot,
            batch: Some(batch),
            is_new,
        })
    }

    /// Appends one record and tells by how many bytes the batch grew. On an error the batch is as before.
    #[inline]
    pub(crate) fn append(
        &mut self,
        limits: &BatchLimits,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<usize, Error> {
        match &mut self.batch {
            Some(batch) => batch.append(limits, encode),
            None => Err(Error::Closed),
        }
    }

    #[inline]
    pub(crate) fn is_full(&self, limits: &BatchLimits) -> bool {
        self.batch
            .as_ref()
            .is_some_and(|batch| batch.is_full(limits))
    }

    pub(crate) fn bytes(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.bytes())
    }

    /// Puts it back to gather more. False when the stream takes nothing any more and what was appended last is not
    /// part of it.
    #[inline]
    pub(crate) fn put_back(mut self) -> bool {
        let Some(batch) = self.batch.take() else {
            return false;
        };
        if self.is_new {
            self.slot.set_making(true);
        }
        match self.slot.put(batch) {
            Ok(()) => {
                if self.is_new {
                    self.queue.arm_linger();
                }
                true
            }
            Err(batch) => self.put_back_late(*batch),
        }
    }

    /// The stream was ended meanwhile. It waits for records that were taken before, and only for these.
    #[cold]
    fn put_back_late(&self, batch: Batch) -> bool {
        if self.is_new {
            self.slot.set_making(false);
        }
        self.queue.push(self.slot, [batch])
    }

    /// Queues it as a message; as two, when the record of `grown` bytes that was appended last made it too large.
    /// False as for [`put_back`](Self::put_back).
    pub(crate) fn seal(mut self, limits: &BatchLimits, grown: usize) -> bool {
        let Some(mut batch) = self.batch.take() else {
            return false;
        };
        if batch.bytes() > limits.message_bytes {
            let last = batch.split_last(grown);
            self.queue.push(self.slot, [*batch, last])
        } else {
            self.queue.push(self.slot, [*batch])
        }
    }
}

impl Drop for InHand<'_> {
    #[inline]
    fn drop(&mut self) {
        // Still here after an error, or when an encoder panics.
        let Some(mut batch) = self.batch.take() else {
            return;
        };
        batch.drop_unfinished();
        if !self.is_new
            && let Err(batch) = self.slot.put(batch)
        {
            self.queue.push(self.slot, [*batch]);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::budget::Budget;
    use crate::format::Encoding;
    use crate::pace::Pace;

    const LIMITS: BatchLimits = BatchLimits {
        bytes: 1 << 20,
        records: 1 << 20,
        message_bytes: 1 << 20,
    };

    fn append(queue: &Queue, slot: &Slot, record: &[u8]) -> bool {
        let Some(mut batch) = InHand::take(queue, slot, 0) else {
            return false;
        };
        batch
            .append(&LIMITS, |out| {
                out.extend_from_slice(record);
                Ok(())
            })
            .unwrap();
        batch.put_back()
    }

    fn queue() -> Queue {
        Queue::new(
            Encoding::Proto,
            Pace::default(),
            Arc::new(Budget::new(100, 1 << 20)),
            tracing::Span::none(),
        )
    }

    #[tokio::test]
    async fn a_batch_that_was_in_its_owners_hand_when_its_time_came_gets_another_term() {
        let queue = queue();
        let slot = queue.new_slot();
        assert!(append(&queue, &slot, b"one"));
        queue.lingered().await;
        let batch = InHand::take(&queue, &slot, 0).unwrap();
        queue.seal_lingered();
        assert!(batch.put_back());
        // Armed again by the task itself; without that, this waits for ever.
        queue.lingered().await;
        queue.seal_lingered();
        assert!(matches!(slot.take(), Found::Nothing), "it was queued");
    }

    #[test]
    fn an_encoder_that_panics_costs_no_record_but_its_own() {
        let queue = queue();
        let slot = queue.new_slot();
        assert!(append(&queue, &slot, b"one"));
        let panics = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let mut batch = InHand::take(&queue, &slot, 0).unwrap();
            let _ = batch.append(&LIMITS, |out| {
                out.extend_from_slice(b"half");
                panic!("in the encoder");
            });
        }));
        assert!(panics.is_err());
        assert!(append(&queue, &slot, b"two"));
        assert_eq!(queue.unacked(), [&b"one"[..], &b"two"[..]]);
    }

    #[test]
    fn whatever_was_taken_when_the_intake_stops_is_queued_and_nothing_else() {
        for _ in 0..50 {
            let queue = queue();
            let slots: Vec<_> = (0..3).map(|_| queue.new_slot()).collect();
            let taken = std::thread::scope(|scope| {
                let producers: Vec<_> = slots
                    .iter()
                    .map(|slot| {
                        scope.spawn(|| {
                            (0..)
                                .take_while(|_| append(&queue, slot, b"record"))
                                .count()
                        })
                    })
                    .collect();
                std::thread::yield_now();
                queue.stop_intake();
                let queued = queue.unacked().len();
                let taken = producers
                    .into_iter()
                    .map(|producer| producer.join().unwrap());
                assert_eq!(taken.sum::<usize>(), queued);
                queued
            });
            assert_eq!(queue.unacked().len(), taken);
            assert!(!append(&queue, &queue.new_slot(), b"late"));
        }
    }
}
