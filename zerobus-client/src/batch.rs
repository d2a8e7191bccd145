//! Records in the making of a message: encoded once, in place, already framed as they travel.

use bytes::{Buf, Bytes};
use zerobus_record::RecordError;

use crate::codec::{HEADROOM, varint_len, write_varint};
use crate::error::Error;

/// Field 1, `records`, of `ProtoEncodedRecordBatch`.
const RECORDS_TAG: u8 = 0x0a;
/// A record's length takes at most this many bytes, the record limit being under 2^28.
const LENGTH_WIDTH_MAX: usize = 4;

/// When a batch is full.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BatchLimits {
    /// Framed bytes.
    pub(crate) bytes: usize,
    pub(crate) records: i64,
    /// Raw bytes of one record, and framed bytes of one batch.
    pub(crate) message_bytes: usize,
}

/// One batch: room for the message header, then a serialized `ProtoEncodedRecordBatch`.
#[derive(Debug)]
pub(crate) struct Batch {
    buf: Vec<u8>,
    /// Where the last whole record ends.
    end: usize,
    records: i64,
    /// How many bytes the last record's length took: the guess for the next one's.
    width: usize,
}

impl Batch {
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        let mut buf = Vec::with_capacity(HEADROOM + capacity);
        buf.resize(HEADROOM, 0);
        Self {
            buf,
            end: HEADROOM,
            records: 0,
            width: 1,
        }
    }

    /// What lies in a slot that takes no batch any more.
    pub(crate) fn shut_mark() -> Self {
        Self {
            buf: Vec::new(),
            end: 0,
            records: -1,
            width: 1,
        }
    }

    #[inline]
    pub(crate) fn is_shut_mark(&self) -> bool {
        self.records < 0
    }

    /// Appends one record and tells by how many bytes the batch grew. On an error the batch is as before.
    #[inline]
    pub(crate) fn append(
        &mut self,
        limits: &BatchLimits,
        encode: impl FnOnce(&mut Vec<u8>) -> Result<(), RecordError>,
    ) -> Result<usize, Error> {
        let start = self.buf.len();
        let guess = self.width;
        let body = start + 1 + guess;
        self.buf.push(RECORDS_TAG);
        self.buf.resize(body, 0);
        if let Err(error) = encode(&mut self.buf) {
            self.buf.truncate(start);
            return Err(Error::Record { error });
        }
        let len = self.buf.len().saturating_sub(body);
        if len > limits.message_bytes {
            self.buf.truncate(start);
            return Err(Error::RecordTooLarge {
                bytes: len,
                limit: limits.message_bytes,
            });
        }
        let width = varint_len(len as u64);
        if width != guess {
            self.move_body(body, len, width);
        }
        if let Some(slot) = self.buf.get_mut(start + 1..start + 1 + width) {
            write_varint(slot, len as u64);
        }
        self.records += 1;
        self.end = self.buf.len();
        Ok(self.end - start)
    }

    /// Drops what an encoder that panicked has left behind.
    pub(crate) fn drop_unfinished(&mut self) {
        self.buf.truncate(self.end);
    }

    /// The length took another number of bytes than guessed: closes the gap or makes one.
    #[cold]
    fn move_body(&mut self, body: usize, len: usize, width: usize) {
        let to = body - self.width + width;
        self.buf.resize(to.max(body) + len, 0);
        self.buf.copy_within(body..body + len, to);
        self.buf.truncate(to + len);
        self.width = width;
    }

    pub(crate) fn records(&self) -> i64 {
        self.records
    }

    /// Framed bytes so far.
    pub(crate) fn bytes(&self) -> usize {
        self.buf.len() - HEADROOM
    }

    #[inline]
    pub(crate) fn is_full(&self, limits: &BatchLimits) -> bool {
        self.bytes() >= limits.bytes || self.records >= limits.records
    }

    /// Takes the last record, of `grown` framed bytes, into a batch of its own.
    pub(crate) fn split_last(&mut self, grown: usize) -> Self {
        let mut last = Self::with_capacity(grown);
        let tail = self.buf.split_off(self.buf.len().saturating_sub(grown));
        last.buf.extend_from_slice(&tail);
        last.end = last.buf.len();
        last.records = 1;
        last.width = self.width;
        self.end = self.buf.len();
        self.records -= 1;
        last
    }

    pub(crate) fn into_payload(mut self) -> Payload {
        // What waits for its ack must not hold much more memory than it has bytes.
        if self.buf.capacity() / 8 > self.buf.len() / 7 {
            self.buf.shrink_to_fit();
        }
        Payload::New(self.buf)
    }
}

/// The records of one message, from sealing to ack.
#[derive(Debug, Clone)]
pub(crate) enum Payload {
    /// Never sent: the message header still goes into the headroom.
    New(Vec<u8>),
    /// Never sent, and kept elsewhere too: the framed records alone.
    Shared(Bytes),
    /// Sent before and perhaps still held by the transport: the framed records alone.
    Sent(Bytes),
}

impl Payload {
    /// Whether it went out before, so that it may be stored already.
    pub(crate) fn was_sent(&self) -> bool {
        matches!(self, Self::Sent(_))
    }

    /// The same records for another stream, without copying them.
    pub(crate) fn share(&mut self) -> Self {
        if let Self::New(buf) = self {
            let mut records = Bytes::from(std::mem::take(buf));
            records.advance(HEADROOM.min(records.len()));
            *self = Self::Shared(records);
        }
        self.clone()
    }

    /// The framed records.
    pub(crate) fn framed(&self) -> &[u8] {
        match self {
            Self::New(buf) => buf.get(HEADROOM..).unwrap_or_default(),
            Self::Shared(records) | Self::Sent(records) => records,
        }
    }

    /// Takes the payload apart after so many records, and tells the framed bytes of each part.
    pub(crate) fn split(&self, records: i64) -> ((Self, u64), (Self, u64)) {
        let mut walk = self.records();
        let mut first = walk.rest.clone();
        walk.by_ref()
            .take(usize::try_from(records).unwrap_or(usize::MAX))
            .for_each(drop);
        let second = walk.rest;
        first.truncate(first.len() - second.len());
        let part = |bytes: Bytes| {
            let len = bytes.len() as u64;
            (Self::Sent(bytes), len)
        };
        (part(first), part(second))
    }

    /// Each record's own bytes, without copying where the payload is shared already.
    pub(crate) fn records(&self) -> Records {
        Records {
            rest: match self {
                Self::New(buf) => Bytes::copy_from_slice(buf.get(HEADROOM..).unwrap_or_default()),
                Self::Shared(records) | Self::Sent(records) => records.clone(),
            },
        }
    }
}

/// How many records a serialized `ProtoEncodedRecordBatch` holds; none when it is not one, or not whole.
pub(crate) fn count_records(mut framed: &[u8]) -> Option<usize> {
    let mut count = 0;
    while !framed.is_empty() {
        if framed.try_get_u8().ok()? != RECORDS_TAG {
            return None;
        }
        let mut len = 0;
        for shift in (0..LENGTH_WIDTH_MAX).map(|byte| 7 * byte) {
            let byte = framed.try_get_u8().ok()?;
            len |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
            if shift + 7 == 7 * LENGTH_WIDTH_MAX {
                return None;
            }
        }
        framed = framed.get(len..)?;
        count += 1;
    }
    Some(count)
}

/// Takes a serialized `ProtoEncodedRecordBatch` apart.
#[derive(Debug)]
pub(crate) struct Records {
    rest: Bytes,
}

impl Iterator for Records {
    type Item = Bytes;

    fn next(&mut self) -> Option<Bytes> {
        if !self.rest.has_remaining() {
            return None;
        }
        self.rest.advance(1);
        let mut len = 0;
        for shift in (0..LENGTH_WIDTH_MAX).map(|byte| 7 * byte) {
            let byte = self.rest.try_get_u8().ok()?;
            len |= usize::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(self.rest.split_to(len.min(self.rest.len())))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message as _;
    use zerobus_proto::ProtoEncodedRecordBatch;

    use super::*;

    const LIMITS: BatchLimits = BatchLimits {
        bytes: 1 << 20,
        records: 1 << 20,
        message_bytes: 70_000,
    };

    fn put(batch: &mut Batch, record: &[u8]) -> Result<usize, Error> {
        batch.append(&LIMITS, |out| {
            out.extend_from_slice(record);
            Ok(())
        })
    }

    fn framed(batch: Batch) -> Vec<u8> {
        match batch.into_payload() {
            Payload::New(buf) => buf[HEADROOM..].to_vec(),
            _ => unreachable!(),
        }
    }

    fn records() -> impl Strategy<Value = Vec<Vec<u8>>> {
        let len = prop_oneof![0usize..4, 126usize..130, 16_382usize..16_387];
        proptest::collection::vec(len.prop_map(|len| vec![7; len]), 0..12)
    }

    proptest! {
        #[test]
        fn bytes_are_those_of_prost_and_come_apart_again(records in records()) {
            let mut batch = Batch::with_capacity(0);
            let mut grown = 0;
            for record in &records {
                grown += put(&mut batch, record).unwrap();
            }
            prop_assert_eq!(batch.bytes(), grown);
            let apart: Vec<_> = batch.into_payload().records().collect();
            prop_assert_eq!(&apart, &records);
            let mut batch = Batch::with_capacity(0);
            for record in &records {
                put(&mut batch, record).unwrap();
            }
            let expected = ProtoEncodedRecordBatch {
                records: records.into_iter().map(Into::into).collect(),
            };
            prop_assert_eq!(framed(batch), expected.encode_to_vec());
        }
    }

    #[test]
    fn a_record_that_fails_leaves_the_batch_as_it_was() {
        let mut batch = Batch::with_capacity(64);
        put(&mut batch, b"one").unwrap();
        let before = batch.bytes();
        let error = batch
            .append(&LIMITS, |out| {
                out.extend_from_slice(b"half");
                Err(RecordError::new("a", "b"))
            })
            .unwrap_err();
        assert!(matches!(error, Error::Record { .. }));
        let too_large = vec![0; LIMITS.message_bytes + 1];
        assert!(matches!(
            put(&mut batch, &too_large),
            Err(Error::RecordTooLarge { .. })
        ));
        assert_eq!((batch.bytes(), batch.records()), (before, 1));
        put(&mut batch, b"two").unwrap();
        let apart: Vec<_> = batch.into_payload().records().collect();
        assert_eq!(apart, [&b"one"[..], &b"two"[..]]);
    }

    #[test]
    fn the_last_record_moves_whole() {
        let mut batch = Batch::with_capacity(64);
        put(&mut batch, b"one").unwrap();
        let grown = put(&mut batch, &[5; 300]).unwrap();
        let last = batch.split_last(grown);
        assert_eq!((batch.records(), last.records()), (1, 1));
        assert_eq!(batch.into_payload().records().count(), 1);
        let apart: Vec<_> = last.into_payload().records().collect();
        assert_eq!(apart, [vec![5; 300]]);
    }
}
