//! Reads a segment back, and tells what a crash has left from what was damaged.

use bytes::{Buf, Bytes};
use prost::Message as _;

use super::segment::{
    ACKED, BATCH, Entry, HEAD, HEAD_CRC, HEADER, Header, MAGIC, Segment, WHOLE_BATCH, head_crc,
};
use crate::batch::count_records;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;
/// Fewer zeros are not taken for a sector that was not written.
const ZEROS_MIN: usize = 8;

/// What is wrong with a segment, and where in the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Corrupt {
    pub(super) at: usize,
    pub(super) problem: String,
}

/// Reads a segment, up to where a crash may have cut it off. None when not even its header is there.
///
/// # Errors
/// [`Corrupt`]: something was changed that no crash changes, or is missing before something that is there.
pub(super) fn parse(bytes: &Bytes) -> Result<Option<Segment>, Corrupt> {
    let begin = bytes
        .get(..MAGIC.len().min(bytes.len()))
        .unwrap_or_default();
    if is_zero(bytes) || (begin.len() < MAGIC.len() && MAGIC.starts_with(begin)) {
        return Ok(None);
    }
    if begin != MAGIC {
        return Err(corrupt(0, other_beginning(begin)));
    }
    let mut parts = Parts {
        bytes,
        salt: 0,
        at: MAGIC.len(),
    };
    let at = parts.at;
    let (head, mut message) = match parts.whole_at(at) {
        Some(part) => part,
        // Nothing was written behind a header that is not whole.
        None if parts.ends_within(at) => return Ok(None),
        None => return Err(corrupt(at, "its header is damaged")),
    };
    if head.kind != HEADER {
        return Err(corrupt(at, "it does not begin with a header"));
    }
    parts.at = head.end(at);
    let header =
        Header::decode(&mut message).map_err(|_| corrupt(at, "its header is no header"))?;
    parts.salt = header.salt;
    let mut segment = Segment {
        first_record: head.first_record,
        entries: Vec::new(),
        acked: header.acked,
        end: parts.at,
        header,
    };
    let mut records = segment.first_record;
    while let Some((at, head, mut payload)) = parts.next(records)? {
        match head.kind {
            BATCH | WHOLE_BATCH => {
                if !holds(head.records, &payload) {
                    let problem = "the entry does not hold the records that it names";
                    return Err(corrupt(at, problem));
                }
                records = records.saturating_add(u64::from(head.records));
                segment.entries.push(Entry {
                    records: head.records,
                    whole: head.kind == WHOLE_BATCH,
                    payload,
                });
            }
            ACKED => match payload.try_get_u64_le() {
                Ok(count) => segment.acked = segment.acked.max(count),
                Err(_) => return Err(corrupt(at, "the entry is too short")),
            },
            _ => {
                return Err(corrupt(
                    at,
                    "the entry is of a kind that this version does not know",
                ));
            }
        }
        segment.end = parts.at;
    }
    Ok(Some(segment))
}

fn other_beginning(begin: &[u8]) -> String {
    match begin.split_last() {
        Some((version, magic)) if MAGIC.starts_with(magic) && version.is_ascii_digit() => format!(
            "it was written by another version of this crate (format {}; this one reads {}), which can send it",
            char::from(*version),
            char::from(MAGIC[MAGIC.len() - 1]),
        ),
        _ => "it does not begin as a spool's file does".to_owned(),
    }
}

/// Whether a payload is made of so many framed records.
fn holds(records: u32, payload: &Bytes) -> bool {
    count_records(payload).and_then(|count| u32::try_from(count).ok()) == Some(records)
}

fn corrupt(at: usize, problem: impl Into<String>) -> Corrupt {
    Corrupt {
        at,
        problem: problem.into(),
    }
}

fn is_zero(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| *byte == 0)
}

/// A head that was checked.
#[derive(Debug, Clone, Copy)]
struct Head {
    len: usize,
    kind: u8,
    records: u32,
    first_record: u64,
    crc: u32,
}

impl Head {
    /// Where an entry ends that begins at `at`.
    fn end(&self, at: usize) -> usize {
        at.saturating_add(HEAD).saturating_add(self.len)
    }
}

/// The entries of a segment, one after the other.
struct Parts<'a> {
    bytes: &'a Bytes,
    salt: u64,
    at: usize,
}

impl Parts<'_> {
    /// The next entry and its place, `records` being how many come before it; none at the end, or where a crash may have
    /// cut the file off.
    fn next(&mut self, records: u64) -> Result<Option<(usize, Head, Bytes)>, Corrupt> {
        let mut at = self.at;
        if at >= self.bytes.len() {
            return Ok(None);
        }
        let mut found = self.whole_at(at);
        if found.is_none() {
            if self.ends_within(at) {
                return Ok(None);
            }
            let Some(later) = self.whole_after(at) else {
                return match self.has_unwritten_sector(at) {
                    true => Ok(None),
                    false => Err(corrupt(at, "an entry is damaged")),
                };
            };
            found = self.whole_at(later);
            let before = found
                .as_ref()
                .map_or(records, |(head, _)| head.first_record);
            if before != records {
                let problem = format!(
                    "{} records cannot be read, and whole entries follow at byte {later}",
                    before.saturating_sub(records)
                );
                return Err(corrupt(at, problem));
            }
            at = later;
        }
        let Some((head, payload)) = found else {
            return Ok(None);
        };
        if head.first_record != records {
            return Err(corrupt(at, "the entry does not follow the one before it"));
        }
        self.at = head.end(at);
        Ok(Some((at, head, payload)))
    }

    fn head_at(&self, at: usize) -> Option<Head> {
        let bytes = self.bytes.get(at..at.checked_add(HEAD)?)?;
        let (mut fields, mut crc) = bytes.split_at(HEAD_CRC);
        // Looked at first because it is cheap.
        if !(BATCH..=HEADER).contains(fields.get(4)?) {
            return None;
        }
        if crc.get_u32_le() != head_crc(self.salt, at as u64, fields) {
            return None;
        }
        Some(Head {
            len: usize::try_from(fields.get_u32_le()).ok()?,
            kind: fields.get_u8(),
            records: fields.get_u32_le(),
            first_record: fields.get_u64_le(),
            crc: fields.get_u32_le(),
        })
    }

    /// The entry that begins there, when all of it is as it was written.
    fn whole_at(&self, at: usize) -> Option<(Head, Bytes)> {
        let head = self.head_at(at)?;
        let range = at + HEAD..head.end(at);
        let payload = self.bytes.get(range.clone())?;
        (crc32fast::hash(payload) == head.crc).then(|| (head, self.bytes.slice(range)))
    }

    /// The first place after this one at which a whole entry begins.
    fn whole_after(&self, at: usize) -> Option<usize> {
        (at + 1..self.bytes.len()).find(|later| self.whole_at(*later).is_some())
    }

    /// Whether the file ends before the entry that begins there.
    fn ends_within(&self, at: usize) -> bool {
        match self.head_at(at) {
            Some(head) => head.end(at) > self.bytes.len(),
            None => self.bytes.len() - at < HEAD,
        }
    }

    /// Whether something from there on may never have been written.
    fn has_unwritten_sector(&self, at: usize) -> bool {
        let rest = self.bytes.get(at..).unwrap_or_default();
        let to_next_sector = (SECTOR - at % SECTOR).min(rest.len());
        let (first, rest_of) = rest.split_at(to_next_sector);
        let mut sectors = std::iter::once(first).chain(rest_of.chunks(SECTOR));
        is_zero(rest) || sectors.any(|sector| sector.len() >= ZEROS_MIN && is_zero(sector))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::segment::{Place, acked_note, batch_head, begin};
    use super::*;

    const SALT: u64 = 0x1234_5678_9abc_def0;
    const FIRST: u64 = 7;

    fn header() -> Header {
        Header {
            table: "main.default.lines".to_owned(),
            json: false,
            descriptor: Bytes::from_static(b"descriptor"),
            begun_millis: 1,
            acked: 2,
            salt: SALT,
        }
    }

    fn framed(records: &[Vec<u8>]) -> Bytes {
        let batch = zerobus_proto::ProtoEncodedRecordBatch {
            records: records.iter().cloned().map(Into::into).collect(),
        };
        batch.encode_to_vec().into()
    }

    /// Records, whether they are a whole batch, and what is noted behind them.
    type Written = (Vec<Vec<u8>>, bool, Option<u64>);

    /// A file as it was written.
    struct File {
        bytes: Vec<u8>,
        /// Where its parts end.
        ends: Vec<usize>,
        entries: Vec<Entry>,
        /// Where the batches are.
        batches: Vec<std::ops::Range<usize>>,
    }

    fn written(batches: &[Written]) -> File {
        let mut file = File {
            bytes: begin(&header(), FIRST),
            ends: Vec::new(),
            entries: Vec::new(),
            batches: Vec::new(),
        };
        file.ends.push(file.bytes.len());
        let mut first_record = FIRST;
        for (records, whole, acked) in batches {
            let payload = framed(records);
            let count = u32::try_from(records.len()).unwrap();
            let place = |bytes: &Vec<u8>, first_record| Place {
                salt: SALT,
                at: bytes.len() as u64,
                first_record,
            };
            let start = file.bytes.len();
            let head = batch_head(place(&file.bytes, first_record), count, *whole, &payload);
            file.bytes.extend(head);
            file.bytes.extend(&payload);
            file.ends.push(file.bytes.len());
            file.batches.push(start..file.bytes.len());
            first_record += u64::from(count);
            file.entries.push(Entry {
                records: count,
                whole: *whole,
                payload,
            });
            if let Some(acked) = acked {
                let note = acked_note(place(&file.bytes, first_record), *acked);
                file.bytes.extend(note);
                file.ends.push(file.bytes.len());
            }
        }
        file
    }

    fn batches() -> impl Strategy<Value = Vec<Written>> {
        let record = proptest::collection::vec(any::<u8>(), 0..40);
        let records = proptest::collection::vec(record, 1..5);
        let acked = proptest::option::of(0..1_000u64);
        proptest::collection::vec((records, any::<bool>(), acked), 0..6)
    }

    fn large_batches() -> impl Strategy<Value = Vec<Written>> {
        // No record holds a zero, so that only what was not written is zero for long.
        let record = proptest::collection::vec(1..=255u8, 300..1_500);
        let records = proptest::collection::vec(record, 1..4);
        let acked = proptest::option::of(1..1_000u64);
        proptest::collection::vec((records, any::<bool>(), acked), 1..6)
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(batches in batches()) {
            let File { bytes, entries, .. } = written(&batches);
            let segment = parse(&Bytes::from(bytes.clone())).unwrap().unwrap();
            let acked = batches.iter().filter_map(|batch| batch.2).max().unwrap_or(0).max(2);
            let end = bytes.len();
            prop_assert_eq!(segment, Segment { header: header(), first_record: FIRST, entries, acked, end });
        }

        #[test]
        fn a_file_that_ends_anywhere_loses_what_is_not_whole_and_nothing_else(
            batches in batches(),
            cut in any::<prop::sample::Index>(),
        ) {
            let File { mut bytes, ends, entries, batches } = written(&batches);
            let cut = cut.index(bytes.len() + 1);
            bytes.truncate(cut);
            let whole = ends.iter().rev().find(|end| **end <= cut);
            match parse(&Bytes::from(bytes)).unwrap() {
                None => prop_assert!(whole.is_none()),
                Some(segment) => {
                    prop_assert_eq!(Some(&segment.end), whole);
                    let there = batches.iter().filter(|batch| batch.end <= cut).count();
                    prop_assert_eq!(&segment.entries, &entries[..there]);
                }
            }
        }

        #[test]
        fn a_bit_that_flips_anywhere_costs_no_record_without_a_word(
            batches in batches(),
            at in any::<prop::sample::Index>(),
            bit in 0..8u8,
        ) {
            let File { mut bytes, entries, batches, .. } = written(&batches);
            let at = at.index(bytes.len());
            bytes[at] ^= 1 << bit;
            let in_batch = batches.iter().any(|batch| batch.contains(&at));
            match parse(&Bytes::from(bytes)) {
                // Even of the last entry there is too much for a crash to have left it so.
                Err(corrupt) => prop_assert!(corrupt.at <= at, "{corrupt:?}"),
                // In a note: nothing is lost but what it said.
                Ok(segment) => {
                    prop_assert!(!in_batch);
                    prop_assert_eq!(segment.unwrap().entries, entries);
                }
            }
        }

        #[test]
        fn sectors_that_were_never_written_cost_only_what_nothing_follows(
            batches in large_batches(),
            lost in any::<u64>(),
            from in any::<prop::sample::Index>(),
        ) {
            let File { mut bytes, ends, entries, batches } = written(&batches);
            // What was flushed is whole.
            let flushed = ends[from.index(ends.len())];
            let mut hit = false;
            for (n, sector) in bytes.chunks_mut(SECTOR).enumerate() {
                let from = flushed.saturating_sub(n * SECTOR).min(sector.len());
                if lost & 1 << (n % 64) != 0 {
                    sector[from..].fill(0);
                    hit |= from < sector.len();
                }
            }
            let bytes = Bytes::from(bytes);
            match parse(&bytes) {
                Ok(segment) => {
                    let segment = segment.unwrap();
                    let there = segment.entries.len();
                    prop_assert_eq!(&segment.entries, &entries[..there]);
                    let kept = batches.iter().filter(|batch| batch.end <= flushed).count();
                    prop_assert!(there >= kept);
                    prop_assert!(hit || there == entries.len());
                    // Nothing whole was left behind.
                    if let Some(next) = batches.get(there + 1) {
                        let parts = Parts { bytes: &bytes, salt: SALT, at: 0 };
                        prop_assert!(parts.whole_at(next.start).is_none());
                    }
                }
                Err(corrupt) => {
                    prop_assert!(hit && corrupt.at >= flushed, "{corrupt:?}");
                }
            }
        }

        #[test]
        fn what_looks_like_an_entry_elsewhere_is_none(batches in batches(), by in 1..600usize) {
            let File { bytes, ends, .. } = written(&batches);
            let begin = ends[0];
            // Of another segment, or at another place.
            let mut moved = bytes[..begin].to_vec();
            moved.resize(begin + by, 1);
            moved.extend(&bytes[begin..]);
            let moved = Bytes::from(moved);
            let parts = Parts { bytes: &moved, salt: SALT, at: begin };
            prop_assert_eq!(parts.whole_after(begin), None);
        }

        #[test]
        fn garbage_is_refused(bytes in proptest::collection::vec(any::<u8>(), 9..400)) {
            prop_assume!(!is_zero(&bytes));
            prop_assert!(parse(&Bytes::from(bytes)).is_err());
        }
    }

    #[test]
    fn a_format_of_another_version_is_named() {
        let mut bytes = written(&[]).bytes;
        bytes[7] = b'1';
        let corrupt = parse(&Bytes::from(bytes)).unwrap_err();
        assert!(
            corrupt.problem.contains("format 1; this one reads 2"),
            "{corrupt:?}"
        );
    }

    #[test]
    fn a_note_that_was_lost_before_a_batch_that_is_whole_loses_no_record() {
        let records = || vec![vec![9; 40]];
        let File {
            mut bytes,
            ends,
            entries,
            ..
        } = written(&[(records(), false, Some(7)), (records(), false, Some(8))]);
        bytes[ends[1]..ends[2]].fill(0);
        let segment = parse(&Bytes::from(bytes.clone())).unwrap().unwrap();
        assert_eq!((segment.entries, segment.acked), (entries, 8));
        assert_eq!(segment.end, bytes.len());
    }
}
