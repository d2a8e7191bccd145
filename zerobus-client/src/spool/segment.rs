//! The format of a spool's files, without IO.
//!
//! A segment is a header and entries behind it. Each is a length, a CRC-32 of what follows, and that: of the header a
//! protobuf message, of an entry its kind, how many records it holds, and the records framed as they travel, or how
//! many records of the whole spool are acked. Numbers are little-endian.

use bytes::{Buf, Bytes};
use prost::Message as _;

use crate::batch::count_records;

const MAGIC: &[u8; 8] = b"ZBSPOOL1";
/// Length and checksum.
const PREFIX: usize = 8;
/// Kind and records.
const ENTRY_HEAD: usize = 5;
/// More than the largest message and the largest descriptor take.
const PART_MAX: usize = 24 << 20;
/// More than one segment ever has.
pub(super) const SEGMENT_MAX: u64 = 64 << 20;

const BATCH: u8 = 1;
const WHOLE_BATCH: u8 = 2;
const ACKED: u8 = 3;

/// What the records of a segment are.
#[derive(Clone, PartialEq, Eq, prost::Message)]
pub(super) struct Header {
    #[prost(string, tag = "1")]
    pub(super) table: String,
    /// JSON rather than protobuf.
    #[prost(bool, tag = "2")]
    pub(super) json: bool,
    #[prost(bytes = "bytes", tag = "3")]
    pub(super) descriptor: Bytes,
    /// How many records of the spool came before.
    #[prost(uint64, tag = "4")]
    pub(super) first_record: u64,
    /// When the segment was begun, in milliseconds since 1970.
    #[prost(uint64, tag = "5")]
    pub(super) begun_millis: u64,
}

/// The records of one message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) records: u32,
    pub(super) whole: bool,
    /// Framed.
    pub(super) payload: Bytes,
}

/// A segment as it was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub(super) header: Header,
    pub(super) entries: Vec<Entry>,
    /// How many records of the spool are acked, as far as this segment says.
    pub(super) acked: u64,
    /// Where what is whole ends.
    pub(super) end: usize,
}

/// What is wrong with a segment, and where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Corrupt {
    pub(super) at: usize,
    pub(super) problem: &'static str,
}

/// The bytes that a segment begins with.
pub(super) fn header_bytes(header: &Header) -> Vec<u8> {
    let message = header.encode_to_vec();
    let mut out = MAGIC.to_vec();
    out.extend(prefix(message.len(), crc32fast::hash(&message)));
    out.extend(message);
    out
}

/// What stands before the payload of an entry.
pub(super) fn batch_head(records: u32, whole: bool, payload: &[u8]) -> Vec<u8> {
    entry_head(if whole { WHOLE_BATCH } else { BATCH }, records, payload)
}

/// An entry that says how many records of the spool are acked.
pub(super) fn acked_entry(acked: u64) -> Vec<u8> {
    let payload = acked.to_le_bytes();
    let mut out = entry_head(ACKED, 0, &payload);
    out.extend(payload);
    out
}

fn entry_head(kind: u8, records: u32, payload: &[u8]) -> Vec<u8> {
    let mut head = vec![kind];
    head.extend(records.to_le_bytes());
    let mut crc = crc32fast::Hasher::new();
    crc.update(&head);
    crc.update(payload);
    let mut out = prefix(head.len() + payload.len(), crc.finalize()).to_vec();
    out.extend(head);
    out
}

fn prefix(len: usize, crc: u32) -> [u8; PREFIX] {
    let len = u32::try_from(len).unwrap_or(u32::MAX);
    let mut out = [0; PREFIX];
    out[..4].copy_from_slice(&len.to_le_bytes());
    out[4..].copy_from_slice(&crc.to_le_bytes());
    out
}

/// Reads a segment. What a crash may have left at the end of the last one is cut off: an entry that is not all there,
/// or nothing but zeros. None when not even the header is there.
///
/// # Errors
/// [`Corrupt`]: something was changed that no crash changes.
pub(super) fn parse(bytes: &Bytes, is_last: bool) -> Result<Option<Segment>, Corrupt> {
    let mut parts = Parts {
        bytes,
        at: MAGIC.len(),
        is_last,
    };
    let begins = bytes
        .get(..MAGIC.len().min(bytes.len()))
        .unwrap_or_default();
    let never_written = is_last && is_zero(bytes);
    if !never_written && !MAGIC.starts_with(begins) {
        return Err(Corrupt {
            at: 0,
            problem: "it does not begin as a spool's file does",
        });
    }
    if begins.len() < MAGIC.len() || is_zero(begins) {
        return if is_last { Ok(None) } else { Err(short(0)) };
    }
    let Some(message) = parts.next()? else {
        return if is_last {
            Ok(None)
        } else {
            Err(short(MAGIC.len()))
        };
    };
    let header = Header::decode(message).map_err(|_| Corrupt {
        at: MAGIC.len(),
        problem: "its header is no header",
    })?;
    let (mut entries, mut acked) = (Vec::new(), 0);
    loop {
        let at = parts.at;
        let Some(mut part) = parts.next()? else {
            return Ok(Some(Segment {
                header,
                entries,
                acked,
                end: at,
            }));
        };
        let corrupt = |problem| Corrupt { at, problem };
        if part.len() < ENTRY_HEAD {
            return Err(corrupt("the entry is too short"));
        }
        let (kind, records) = (part.get_u8(), part.get_u32_le());
        match kind {
            BATCH | WHOLE_BATCH => {
                if !holds(records, &part) {
                    return Err(corrupt("the entry does not hold the records that it names"));
                }
                entries.push(Entry {
                    records,
                    whole: kind == WHOLE_BATCH,
                    payload: part,
                });
            }
            ACKED => match part.try_get_u64_le() {
                Ok(count) => acked = acked.max(count),
                Err(_) => return Err(corrupt("the entry is too short")),
            },
            _ => {
                return Err(corrupt(
                    "the entry is of a kind that this version does not know",
                ));
            }
        }
    }
}

/// Whether a payload is made of so many framed records.
fn holds(records: u32, payload: &Bytes) -> bool {
    count_records(payload).and_then(|count| u32::try_from(count).ok()) == Some(records)
}

/// The lengths, checksums and what they are of, one after the other.
struct Parts<'a> {
    bytes: &'a Bytes,
    at: usize,
    is_last: bool,
}

impl Parts<'_> {
    /// The next part; none at the end, or where a crash cut the last segment off.
    fn next(&mut self) -> Result<Option<Bytes>, Corrupt> {
        let at = self.at;
        let rest = self.bytes.get(at..).unwrap_or_default();
        if rest.is_empty() {
            return Ok(None);
        }
        let torn = |problem| match self.is_last {
            true => Ok(None),
            false => Err(Corrupt { at, problem }),
        };
        let Some((mut prefix, rest)) = rest.split_at_checked(PREFIX) else {
            return torn("the file ends within an entry");
        };
        let (len, crc) = (prefix.get_u32_le() as usize, prefix.get_u32_le());
        if len == 0 && crc == 0 && is_zero(rest) {
            return torn("the file ends with zeros");
        }
        if len == 0 || len > PART_MAX {
            return Err(Corrupt {
                at,
                problem: "the entry has a length that none has",
            });
        }
        let Some(part) = rest.get(..len) else {
            return torn("the file ends within an entry");
        };
        if crc32fast::hash(part) != crc {
            // What is written last may be there by its length alone.
            return match rest.len() == len || is_zero(rest.get(len..).unwrap_or_default()) {
                true => torn("the checksum is not that of the entry"),
                false => Err(Corrupt {
                    at,
                    problem: "the checksum is not that of the entry",
                }),
            };
        }
        self.at = at + PREFIX + len;
        Ok(Some(self.bytes.slice(at + PREFIX..self.at)))
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

fn short(at: usize) -> Corrupt {
    Corrupt {
        at,
        problem: "the file ends within its header",
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn header() -> Header {
        Header {
            table: "main.default.lines".to_owned(),
            json: false,
            descriptor: Bytes::from_static(b"descriptor"),
            first_record: 7,
            begun_millis: 1,
        }
    }

    fn framed(records: &[Vec<u8>]) -> Bytes {
        let batch = zerobus_proto::ProtoEncodedRecordBatch {
            records: records.iter().cloned().map(Into::into).collect(),
        };
        batch.encode_to_vec().into()
    }

    /// Records, whether they are a whole batch, and what is acked behind them.
    type Written = (Vec<Vec<u8>>, bool, Option<u64>);

    /// A file, where its parts end, and what is in it.
    fn written(batches: &[Written]) -> (Vec<u8>, Vec<usize>, Vec<Entry>) {
        let mut bytes = header_bytes(&header());
        let mut ends = vec![bytes.len()];
        let mut entries = Vec::new();
        for (records, whole, acked) in batches {
            let payload = framed(records);
            let count = u32::try_from(records.len()).unwrap();
            bytes.extend(batch_head(count, *whole, &payload));
            bytes.extend(&payload);
            ends.push(bytes.len());
            entries.push(Entry {
                records: count,
                whole: *whole,
                payload,
            });
            if let Some(acked) = acked {
                bytes.extend(acked_entry(*acked));
                ends.push(bytes.len());
            }
        }
        (bytes, ends, entries)
    }

    fn batches() -> impl Strategy<Value = Vec<Written>> {
        let record = proptest::collection::vec(any::<u8>(), 0..40);
        let records = proptest::collection::vec(record, 1..5);
        let acked = proptest::option::of(0..1_000u64);
        proptest::collection::vec((records, any::<bool>(), acked), 0..6)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(batches in batches(), is_last in any::<bool>()) {
            let (bytes, _, entries) = written(&batches);
            let segment = parse(&Bytes::from(bytes.clone()), is_last).unwrap().unwrap();
            let acked = batches.iter().filter_map(|batch| batch.2).max().unwrap_or(0);
            let end = bytes.len();
            prop_assert_eq!(segment, Segment { header: header(), entries, acked, end });
        }

        #[test]
        fn a_file_that_ends_anywhere_loses_what_is_not_whole_and_nothing_else(
            batches in batches(),
            cut in any::<prop::sample::Index>(),
            zeros in 0..30usize,
        ) {
            let (mut bytes, ends, entries) = written(&batches);
            let cut = cut.index(bytes.len() + 1);
            let whole: Vec<_> = ends.iter().filter(|end| **end <= cut).collect();
            bytes.truncate(cut);
            let at_an_end = ends.contains(&cut);
            bytes.resize(cut + zeros, 0);
            let bytes = Bytes::from(bytes);
            match parse(&bytes, true) {
                Ok(None) => prop_assert!(whole.is_empty()),
                Ok(Some(segment)) => {
                    // Zeros may have been cut off, and are back then.
                    prop_assert!(segment.end >= **whole.last().unwrap() && ends.contains(&segment.end));
                    prop_assert_eq!(&segment.entries, &entries[..segment.entries.len()]);
                }
                // A length or a checksum that was cut and filled up with zeros may be taken for another.
                Err(_) => prop_assert!(zeros > 0 && !at_an_end),
            }
            // Elsewhere than at the very end it is no crash that did this.
            if zeros == 0 && !at_an_end {
                prop_assert!(parse(&bytes, false).is_err());
            }
        }

        #[test]
        fn a_bit_that_flips_is_never_taken_for_a_record(
            batches in batches(),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let (mut bytes, ends, entries) = written(&batches);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            if let Ok(Some(segment)) = parse(&Bytes::from(bytes), true) {
                // What comes before the flip, at most.
                prop_assert!(segment.end <= at);
                prop_assert!(ends.contains(&segment.end));
                prop_assert_eq!(&segment.entries, &entries[..segment.entries.len()]);
            }
        }

        #[test]
        fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 9..400)) {
            prop_assume!(!bytes.iter().all(|byte| *byte == 0));
            prop_assert!(parse(&Bytes::from(bytes), true).is_err());
        }
    }
}
