//! Protobuf's wire format, written straight into the caller's buffer.
//!
//! A field is composed in a register and stored with one write of fixed size; what is too much of it is cut off again.
//! A copy of a length known only at run time is a call, and costs several times as much.

use crate::layout::Place;

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const LENGTH_DELIMITED: u32 = 2;
const FIXED32: u32 = 5;

/// A field number with its wire type, as the bytes that stand before a value.
#[derive(Debug, Clone, Copy)]
struct Tag {
    bytes: u64,
    len: usize,
}

impl Tag {
    const fn new(number: u32, wire_type: u32) -> Self {
        let mut rest = (number << 3) | wire_type;
        let mut bytes = 0;
        let mut len = 0;
        while rest >= 0x80 {
            bytes |= ((rest & 0x7f) as u64 | 0x80) << (8 * len);
            rest >>= 7;
            len += 1;
        }
        Self {
            bytes: bytes | (rest as u64) << (8 * len),
            len: len + 1,
        }
    }

    const fn first(self) -> u8 {
        self.bytes.to_le_bytes()[0]
    }
}

/// Writes a varint field.
#[inline]
pub(crate) fn varint<P: Place>(out: &mut Vec<u8>, value: u64) {
    put_varint(out, const { Tag::new(P::NUMBER, VARINT) }, value);
}

/// Writes a signed field: protobuf extends the sign to 64 bits.
#[inline]
pub(crate) fn int<P: Place>(out: &mut Vec<u8>, value: i64) {
    varint::<P>(out, value.cast_unsigned());
}

/// Writes a `double`.
#[inline]
pub(crate) fn double<P: Place>(out: &mut Vec<u8>, value: f64) {
    let tag = const { Tag::new(P::NUMBER, FIXED64) };
    put(out, tag, u128::from(value.to_bits()), 8);
}

/// Writes a `float`.
#[inline]
pub(crate) fn float<P: Place>(out: &mut Vec<u8>, value: f32) {
    let tag = const { Tag::new(P::NUMBER, FIXED32) };
    put(out, tag, u128::from(value.to_bits()), 4);
}

/// Writes a `string` or `bytes`.
#[inline]
pub(crate) fn bytes<P: Place>(out: &mut Vec<u8>, value: &[u8]) {
    let tag = const { Tag::new(P::NUMBER, LENGTH_DELIMITED) };
    if tag.len == 1 && value.len() <= SHORT_MAX {
        put_short(out, tag.first(), value);
    } else {
        put_varint(out, tag, value.len() as u64);
        out.extend_from_slice(value);
    }
}

/// What is copied in two words, with no call for it.
const SHORT_MAX: usize = 32;

/// Writes a tag of one byte, the length and the bytes as one block of fixed size, cut to what counts.
#[inline]
fn put_short(out: &mut Vec<u8>, tag: u8, value: &[u8]) {
    let len = value.len();
    let end = out.len() + 2 + len;
    if len <= 14 {
        let header = u128::from(u16::from_le_bytes([tag, len.to_le_bytes()[0]]));
        let block = header | short_word(value) << 16;
        out.extend_from_slice(&block.to_le_bytes());
    } else {
        let (low, high) = words(value);
        let mut block = [0; SHORT_MAX + 2];
        let (header, rest) = block.split_at_mut(2);
        header.copy_from_slice(&[tag, len.to_le_bytes()[0]]);
        let (first, second) = rest.split_at_mut(16);
        first.copy_from_slice(&low.to_le_bytes());
        second.copy_from_slice(&high.to_le_bytes());
        out.extend_from_slice(&block);
    }
    out.truncate(end);
}

/// Up to 32 bytes as two words with zeros behind them: read where they begin and where they end, so that no length is
/// a loop.
#[inline]
fn words(value: &[u8]) -> (u128, u128) {
    match (value.first_chunk::<16>(), value.last_chunk::<16>()) {
        (Some(first), Some(last)) => {
            let beyond = 8 * (32 - value.len().min(32));
            // All of the last word lies in the first where there are no more than 16 bytes.
            let high = (u128::from_le_bytes(*last) >> (beyond / 2)) >> (beyond - beyond / 2);
            (u128::from_le_bytes(*first), high)
        }
        _ => (short_word(value), 0),
    }
}

/// Less than 16 bytes as a word.
#[inline]
pub(crate) fn short_word(value: &[u8]) -> u128 {
    let len = value.len();
    if let (Some(first), Some(last)) = (value.first_chunk::<8>(), value.last_chunk::<8>()) {
        let (first, last) = (u64::from_le_bytes(*first), u64::from_le_bytes(*last));
        return u128::from(first) | u128::from(last) << (8 * (len - 8));
    }
    u128::from(tiny_word(value))
}

/// Up to 8 bytes as a word.
#[inline]
pub(crate) fn tiny_word(value: &[u8]) -> u64 {
    if let (Some(first), Some(last)) = (value.first_chunk::<4>(), value.last_chunk::<4>()) {
        let (first, last) = (u32::from_le_bytes(*first), u32::from_le_bytes(*last));
        return u64::from(first) | u64::from(last) << (8 * (value.len() - 4));
    }
    match *value {
        [a, b, c, ..] => u64::from(u32::from_le_bytes([a, b, c, 0])),
        [a, b] => u64::from(u16::from_le_bytes([a, b])),
        [a] => u64::from(a),
        [] => 0,
    }
}

/// Begins a length-delimited field whose length is not known yet.
#[inline]
#[must_use]
pub fn begin<P: Place>(out: &mut Vec<u8>) -> usize {
    put_varint(out, const { Tag::new(P::NUMBER, LENGTH_DELIMITED) }, 0);
    out.len()
}

/// Ends the field that began at `start`: its length goes before it.
#[inline]
pub fn end(out: &mut Vec<u8>, start: usize) {
    let len = out.len() - start;
    if len < 0x80 {
        if let Some(place) = out.get_mut(start - 1) {
            *place = (len as u64).to_le_bytes()[0];
        }
    } else {
        end_long(out, start, len);
    }
}

/// More than one byte of length: what is written moves up.
fn end_long(out: &mut Vec<u8>, start: usize, len: usize) {
    let (bytes, count) = spread(len as u64);
    let old_end = out.len();
    out.resize(old_end + count - 1, 0);
    out.copy_within(start..old_end, start + count - 1);
    if let Some(place) = out.get_mut(start - 1..start - 1 + count) {
        for (place, byte) in place.iter_mut().zip(bytes.to_le_bytes()) {
            *place = byte;
        }
    }
}

/// Takes back the key or value of a map entry, written from `start` on, when it is the type's default: protobuf leaves
/// it out there.
#[inline]
pub(crate) fn drop_default(out: &mut Vec<u8>, start: usize) {
    let is_default = match out.get(start..) {
        // Number 1 or 2, so the tag is one byte. The sign of a zero does not count.
        Some([tag, payload @ .., last]) => {
            let sign = match u32::from(tag & 7) {
                FIXED32 | FIXED64 => 0x80,
                _ => 0,
            };
            last & !sign == 0 && payload.iter().all(|&byte| byte == 0)
        }
        _ => false,
    };
    if is_default {
        out.truncate(start);
    }
}

#[inline(always)]
fn put_varint(out: &mut Vec<u8>, tag: Tag, value: u64) {
    if value < 0x80 && tag.len == 1 {
        out.extend_from_slice(&[tag.first(), value.to_le_bytes()[0]]);
    } else if value < 1 << 56 && tag.len == 1 {
        let (bytes, len) = spread_low(value);
        let mut block = [tag.first(); 9];
        let (_, rest) = block.split_at_mut(1);
        rest.copy_from_slice(&bytes.to_le_bytes());
        let end = out.len() + 1 + len;
        out.extend_from_slice(&block);
        out.truncate(end);
    } else {
        let (bytes, len) = spread(value);
        put(out, tag, bytes, len);
    }
}

/// Writes the tag and `len` bytes, together at most 15.
#[inline(always)]
fn put(out: &mut Vec<u8>, tag: Tag, bytes: u128, len: usize) {
    let field = (bytes << (8 * tag.len)) | u128::from(tag.bytes);
    let end = out.len() + tag.len + len;
    out.extend_from_slice(&field.to_le_bytes());
    out.truncate(end);
}

/// The bytes of a varint, lowest first, and how many there are. No loop: seven bits at a time would be one branch each.
#[inline(always)]
const fn spread(value: u64) -> (u128, usize) {
    let len = varint_len(value);
    let high = (value >> 56) as u128;
    let high = (high & 0x7f) | ((high & 0x80) << 1);
    let low = sevens(value & 0x00ff_ffff_ffff_ffff) as u128;
    let more = 0x0080_8080_8080_8080_8080_u128 & ((1_u128 << (8 * (len - 1))) - 1);
    (low | (high << 64) | more, len)
}

/// The same of less than 2^56, in one word.
#[inline(always)]
const fn spread_low(value: u64) -> (u64, usize) {
    let len = varint_len(value);
    let more = 0x0080_8080_8080_8080_u64 & ((1_u64 << (8 * (len - 1))) - 1);
    (sevens(value) | more, len)
}

#[inline(always)]
const fn varint_len(value: u64) -> usize {
    let bits = 64 - (value | 1).leading_zeros() as usize;
    // bits / 7, rounded up, for 1 to 64.
    (bits * 9 + 64) / 64
}

/// Seven bits to the byte, of 56.
#[inline(always)]
const fn sevens(low: u64) -> u64 {
    let low = (low & 0x0000_0000_0fff_ffff) | ((low & 0x00ff_ffff_f000_0000) << 4);
    let low = (low & 0x0000_3fff_0000_3fff) | ((low & 0x0fff_c000_0fff_c000) << 2);
    (low & 0x007f_007f_007f_007f) | ((low & 0x3f80_3f80_3f80_3f80) << 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn looped(mut value: u64) -> Vec<u8> {
        let mut out = Vec::new();
        while value >= 0x80 {
            out.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        out.push(value.to_le_bytes()[0]);
        out
    }

    #[test]
    fn a_spread_varint_is_the_looped_one() {
        for shift in 0..64 {
            for near in -2_i64..=2 {
                let value = (1_u64 << shift).wrapping_add_signed(near);
                let (bytes, len) = spread(value);
                let mut written = Vec::new();
                put(&mut written, Tag::new(1, VARINT), bytes, len);
                assert_eq!(written[1..], looped(value), "{value}");
                written.clear();
                put_varint(&mut written, Tag::new(1, VARINT), value);
                assert_eq!(written[1..], looped(value), "{value}");
            }
        }
    }

    #[test]
    fn bytes_of_any_length_are_copied_whole() {
        struct Third;
        impl Place for Third {
            const NUMBER: u32 = 3;
            const TYPE: crate::layout::ColumnType = crate::layout::ColumnType::Binary;
        }
        let all: Vec<u8> = (1..=200).collect();
        for len in 0..all.len() {
            let mut out = b"before".to_vec();
            bytes::<Third>(&mut out, &all[..len]);
            let mut expected = b"before\x1a".to_vec();
            expected.extend(looped(len as u64));
            expected.extend(&all[..len]);
            assert_eq!(out, expected, "{len}");
        }
    }

    #[test]
    fn a_tag_of_any_number_is_the_looped_one() {
        for number in [1, 15, 16, 2047, 2048, 18_999, 20_000, 536_870_911] {
            let mut written = Vec::new();
            put_varint(&mut written, Tag::new(number, VARINT), 7);
            let mut expected = looped(u64::from(number) << 3);
            expected.push(7);
            assert_eq!(written, expected, "{number}");
        }
    }
}
