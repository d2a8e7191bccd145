//! Protobuf's wire format, read from a slice that shrinks.

use super::fault::Fault;

pub(super) const VARINT: u32 = 0;
pub(super) const FIXED64: u32 = 1;
pub(super) const BYTES: u32 = 2;
pub(super) const FIXED32: u32 = 5;

const TRUNCATED: &str = "the record ends in the middle of a value";

/// The number and wire type of the next field, as they stand in the record.
#[inline]
pub(super) fn tag(input: &mut &[u8]) -> Result<u32, Fault> {
    if let [first @ 0..=0x7f, rest @ ..] = *input {
        *input = rest;
        return Ok(u32::from(*first));
    }
    let tag = varint(input)?;
    u32::try_from(tag).map_err(|_| Fault::new(format!("{tag} is no protobuf field tag")))
}

#[inline]
pub(crate) fn varint(input: &mut &[u8]) -> Result<u64, Fault> {
    match *input {
        [first @ 0..=0x7f, rest @ ..] => {
            *input = rest;
            Ok(u64::from(*first))
        }
        _ => long_varint(input),
    }
}

fn long_varint(input: &mut &[u8]) -> Result<u64, Fault> {
    let mut value = 0_u64;
    for (i, &byte) in input.iter().take(10).enumerate() {
        let bits = u64::from(byte & 0x7f);
        // The tenth byte has room for one bit.
        if i == 9 && byte > 1 {
            break;
        }
        value |= bits << (7 * i);
        if byte < 0x80 {
            *input = input.get(i + 1..).unwrap_or_default();
            return Ok(value);
        }
    }
    Err(Fault::new(if input.len() < 10 {
        TRUNCATED
    } else {
        "a varint is longer than 64 bits"
    }))
}

#[inline]
pub(super) fn fixed32(input: &mut &[u8]) -> Result<[u8; 4], Fault> {
    let (value, rest) = input
        .split_first_chunk::<4>()
        .ok_or_else(|| Fault::new(TRUNCATED))?;
    *input = rest;
    Ok(*value)
}

#[inline]
pub(super) fn fixed64(input: &mut &[u8]) -> Result<[u8; 8], Fault> {
    let (value, rest) = input
        .split_first_chunk::<8>()
        .ok_or_else(|| Fault::new(TRUNCATED))?;
    *input = rest;
    Ok(*value)
}

#[inline]
pub(crate) fn bytes<'a>(input: &mut &'a [u8]) -> Result<&'a [u8], Fault> {
    let length = varint(input)?;
    let (value, rest) = usize::try_from(length)
        .ok()
        .and_then(|length| input.split_at_checked(length))
        .ok_or_else(|| Fault::new(TRUNCATED))?;
    *input = rest;
    Ok(value)
}

/// An `int32`, which travels sign-extended to 64 bits: its low half counts.
#[inline]
pub(super) fn int32(varint: u64) -> i32 {
    let [a, b, c, d, ..] = varint.to_le_bytes();
    i32::from_le_bytes([a, b, c, d])
}
