//! Protobuf's wire format for fields whose numbers are known at run time only.

use crate::codec::{varint_len, write_varint};

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const LENGTH_DELIMITED: u32 = 2;
pub(super) const FIXED32: u32 = 5;

/// A field number with its wire type, as the bytes that stand before a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tag {
    bytes: [u8; 8],
    len: u8,
}

impl Tag {
    pub(super) fn new(number: u32, wire_type: u32) -> Self {
        let value = u64::from(number) << 3 | u64::from(wire_type);
        let mut bytes = [0; 8];
        let len = varint_len(value).min(bytes.len());
        if let Some(slot) = bytes.get_mut(..len) {
            write_varint(slot, value);
        }
        Self {
            bytes,
            len: u8::try_from(len).unwrap_or_default(),
        }
    }

    #[inline]
    fn put(self, out: &mut Vec<u8>) {
        // One store of fixed size, cut to what counts: a copy of a length known at run time only is a call.
        let end = out.len() + usize::from(self.len);
        out.extend_from_slice(&self.bytes);
        out.truncate(end);
    }
}

#[inline]
pub(super) fn put_varint(out: &mut Vec<u8>, tag: Tag, value: u64) {
    tag.put(out);
    raw_varint(out, value);
}

#[inline]
fn raw_varint(out: &mut Vec<u8>, mut value: u64) {
    let mut bytes = [0; 10];
    let mut len = 0;
    for byte in &mut bytes {
        len += 1;
        *byte = value.to_le_bytes()[0];
        if value < 0x80 {
            break;
        }
        *byte |= 0x80;
        value >>= 7;
    }
    let end = out.len() + len;
    out.extend_from_slice(&bytes);
    out.truncate(end);
}

#[inline]
pub(super) fn put_fixed64(out: &mut Vec<u8>, tag: Tag, value: u64) {
    tag.put(out);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline]
pub(super) fn put_fixed32(out: &mut Vec<u8>, tag: Tag, value: u32) {
    tag.put(out);
    out.extend_from_slice(&value.to_le_bytes());
}

#[inline]
pub(super) fn put_bytes(out: &mut Vec<u8>, tag: Tag, value: &[u8]) {
    put_varint(out, tag, value.len() as u64);
    out.extend_from_slice(value);
}

/// Begins a field whose length is not known yet; where its content starts.
#[inline]
pub(super) fn begin(out: &mut Vec<u8>, tag: Tag) -> usize {
    tag.put(out);
    out.push(0);
    out.len()
}

/// Ends the field whose content began at `start`: its length goes before it.
#[inline]
pub(super) fn end(out: &mut Vec<u8>, start: usize) {
    let len = out.len().saturating_sub(start);
    let width = varint_len(len as u64);
    if width > 1 {
        let old_end = out.len();
        out.resize(old_end + width - 1, 0);
        out.copy_within(start..old_end, start + width - 1);
    }
    if let Some(slot) = out.get_mut(start - 1..start - 1 + width) {
        write_varint(slot, len as u64);
    }
}
