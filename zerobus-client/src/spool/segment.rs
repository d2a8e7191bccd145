//! The format of a spool's files, without IO.
//!
//! A segment is a magic number and entries, the first of which is its header. An entry is a head and a payload: of the
//! header a protobuf message; of a batch the records framed as they travel; of a note how many records of the whole
//! spool are acked. Numbers are little-endian. A head is
//!
//! | bytes | |
//! |---|---|
//! | 4 | the length of the payload |
//! | 1 | the kind |
//! | 4 | how many records it holds |
//! | 8 | how many records of the spool come before it |
//! | 4 | CRC-32 of the payload |
//! | 4 | CRC-32 of the segment's salt, the head's place in the file, and the above |
//!
//! So a length is trusted only after it has been checked, whatever else lies on the disk or in a record is not taken for
//! an entry, and an entry tells what must come before it.
//!
//! A crash of the process leaves a file that ends within an entry. A crash of the machine may leave any part of what was
//! not flushed unwritten, sector by sector, which then reads as zeros. Both are the end of the file only where no whole
//! entry follows; where one follows that counts as many records before it as there are, only notes were lost.
//! Everything else is damage.

use bytes::Bytes;
use prost::Message as _;

/// The last byte is the version of the format.
pub(super) const MAGIC: &[u8; 8] = b"ZBSPOOL2";
pub(super) const HEAD: usize = 25;
/// Where the CRC-32 of the head stands.
pub(super) const HEAD_CRC: usize = HEAD - 4;
/// More than one segment ever has.
pub(super) const SEGMENT_MAX: u64 = 64 << 20;

pub(super) const BATCH: u8 = 1;
pub(super) const WHOLE_BATCH: u8 = 2;
pub(super) const ACKED: u8 = 3;
pub(super) const HEADER: u8 = 4;

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
    /// When the segment was begun, in milliseconds since 1970.
    #[prost(uint64, tag = "4")]
    pub(super) begun_millis: u64,
    /// How many records of the spool were acked then.
    #[prost(uint64, tag = "5")]
    pub(super) acked: u64,
    /// Another one for each segment.
    #[prost(fixed64, tag = "6")]
    pub(super) salt: u64,
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
    /// How many records of the spool came before.
    pub(super) first_record: u64,
    pub(super) entries: Vec<Entry>,
    /// How many records of the spool are acked, as far as this segment says.
    pub(super) acked: u64,
    /// Where what is whole ends. What follows is what a crash may leave.
    pub(super) end: usize,
}

/// Where an entry stands.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    /// The segment's.
    pub(super) salt: u64,
    /// Its offset in the file.
    pub(super) at: u64,
    /// How many records of the spool come before it.
    pub(super) first_record: u64,
}

/// The bytes that a segment begins with.
pub(super) fn begin(header: &Header, first_record: u64) -> Vec<u8> {
    let message = header.encode_to_vec();
    let place = Place {
        // It is in here.
        salt: 0,
        at: MAGIC.len() as u64,
        first_record,
    };
    let mut out = MAGIC.to_vec();
    out.extend(head(place, HEADER, 0, &message));
    out.extend(message);
    out
}

/// What stands before the payload of a batch.
pub(super) fn batch_head(place: Place, records: u32, whole: bool, payload: &[u8]) -> [u8; HEAD] {
    let kind = if whole { WHOLE_BATCH } else { BATCH };
    head(place, kind, records, payload)
}

/// A note of how many records of the spool are acked.
pub(super) fn acked_note(place: Place, acked: u64) -> Vec<u8> {
    let payload = acked.to_le_bytes();
    let mut out = head(place, ACKED, 0, &payload).to_vec();
    out.extend(payload);
    out
}

fn head(place: Place, kind: u8, records: u32, payload: &[u8]) -> [u8; HEAD] {
    let len = u32::try_from(payload.len()).unwrap_or(u32::MAX);
    let mut out = [0; HEAD];
    let mut rest = &mut out[..];
    for bytes in [
        &len.to_le_bytes()[..],
        &[kind],
        &records.to_le_bytes(),
        &place.first_record.to_le_bytes(),
        &crc32fast::hash(payload).to_le_bytes(),
    ] {
        let (field, after) = std::mem::take(&mut rest).split_at_mut(bytes.len());
        field.copy_from_slice(bytes);
        rest = after;
    }
    let crc = head_crc(place.salt, place.at, &out[..HEAD_CRC]);
    out[HEAD_CRC..].copy_from_slice(&crc.to_le_bytes());
    out
}

pub(super) fn head_crc(salt: u64, at: u64, fields: &[u8]) -> u32 {
    let mut crc = crc32fast::Hasher::new();
    crc.update(&salt.to_le_bytes());
    crc.update(&at.to_le_bytes());
    crc.update(fields);
    crc.finalize()
}
