use std::fmt;

use super::{ColumnValue, WriteValue, stands_for};
use crate::delta;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::wire;

const DECIMAL: Kinds = Kinds::NONE.with(ColumnType::Decimal(0, 0));
const SCALE_MAX: u8 = 38;
/// Sign, 39 digits of an `i128` or 38 behind the point and one before it, the point.
const TEXT_MAX: usize = 42;

/// The text of a decimal, `-19.99`: digits, with a point between them, without an exponent.
///
/// It is checked against the precision and scale of its column when it is written; `DecimalText<&str>` borrows.
/// Plain strings are taken for DECIMAL as well, and checked alike: this type says what the text is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DecimalText<T = String>(T);

impl<T: AsRef<str>> DecimalText<T> {
    /// The text of one decimal.
    pub const fn new(text: T) -> Self {
        Self(text)
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        self.0.as_ref()
    }
}

impl<T> From<T> for DecimalText<T> {
    fn from(text: T) -> Self {
        Self(text)
    }
}

#[diagnostic::do_not_recommend]
impl<T: AsRef<str>, const P: u8, const S: u8> ColumnValue<delta::DecimalType<P, S>>
    for DecimalText<T>
{
}
#[diagnostic::do_not_recommend]
impl<T: AsRef<str>, const P: u8, const S: u8> ColumnValue<delta::Nullable<delta::DecimalType<P, S>>>
    for DecimalText<T>
{
}

stands_for!(Decimal: {const P: u8, const S: u8} delta::DecimalType<P, S>);

impl<T: AsRef<str>> WriteValue for DecimalText<T> {
    const SHAPE: Shape = Shape::leaf("DecimalText", DECIMAL);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        write_decimal::<P>(self.0.as_ref(), out)
    }
}

/// A decimal number: an integer and how many of its digits stand behind the point.
///
/// ```
/// use zerobus_record::Decimal;
///
/// let price = Decimal::new(1999, 2).unwrap();
/// assert_eq!(price.to_string(), "19.99");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Decimal {
    unscaled: i128,
    scale: u8,
}

impl Decimal {
    /// `unscaled` / 10^`scale`; `None` where the scale is beyond the 38 digits of a DECIMAL.
    #[must_use]
    pub const fn new(unscaled: i128, scale: u8) -> Option<Self> {
        if scale <= SCALE_MAX {
            Some(Self { unscaled, scale })
        } else {
            None
        }
    }

    /// The same with a scale that is known while it compiles; one beyond 38 does not compile.
    ///
    /// ```
    /// use zerobus_record::Decimal;
    ///
    /// let cents = 1999;
    /// assert_eq!(Decimal::scaled::<2>(cents).to_string(), "19.99");
    /// ```
    #[must_use]
    pub const fn scaled<const SCALE: u8>(unscaled: i128) -> Self {
        const { assert!(SCALE <= SCALE_MAX, "a DECIMAL has at most 38 digits") };
        Self {
            unscaled,
            scale: SCALE,
        }
    }

    /// All digits, as an integer.
    #[must_use]
    pub const fn unscaled(self) -> i128 {
        self.unscaled
    }

    /// How many digits stand behind the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The text, at the end of `buffer`.
    fn text(self, buffer: &mut [u8; TEXT_MAX]) -> &str {
        let mut places = buffer.iter_mut().rev();
        let mut used = 0;
        let mut put = |byte: u8| {
            if let Some(place) = places.next() {
                *place = byte;
                used += 1;
            }
        };
        let mut behind = self.scale;
        let mut step = |digit: u8| {
            put(b'0' + digit);
            if behind == 1 {
                put(b'.');
            }
            behind = behind.saturating_sub(1);
            behind
        };
        let mut wide = self.unscaled.unsigned_abs();
        let mut left = self.scale;
        let mut any = false;
        // Division of 128 bits is a call; most decimals fit 64.
        while u64::try_from(wide).is_err() {
            left = step((wide % 10).to_le_bytes()[0]);
            wide /= 10;
        }
        let mut rest = u64::try_from(wide).unwrap_or_default();
        while rest > 0 || left > 0 || !any {
            any = left == 0;
            left = step((rest % 10).to_le_bytes()[0]);
            rest /= 10;
        }
        if self.unscaled < 0 {
            put(b'-');
        }
        buffer
            .get(TEXT_MAX - used..)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; TEXT_MAX];
        f.pad(self.text(&mut buffer))
    }
}

impl WriteValue for Decimal {
    const SHAPE: Shape = Shape::leaf("Decimal", DECIMAL);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let mut buffer = [0; TEXT_MAX];
        write_decimal::<P>(self.text(&mut buffer), out)
    }
}

/// Room for the text of a decimal, on the stack.
#[cfg(feature = "rust_decimal")]
#[derive(Debug)]
pub(crate) struct DecimalBuffer {
    text: [u8; TEXT_MAX],
    len: usize,
}

#[cfg(feature = "rust_decimal")]
impl DecimalBuffer {
    pub(crate) const fn new() -> Self {
        Self {
            text: [0; TEXT_MAX],
            len: 0,
        }
    }

    pub(crate) fn as_str(&self) -> &str {
        self.text
            .get(..self.len)
            .and_then(|text| std::str::from_utf8(text).ok())
            .unwrap_or_default()
    }
}

#[cfg(feature = "rust_decimal")]
impl fmt::Write for DecimalBuffer {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let end = self.len + text.len();
        let place = self.text.get_mut(self.len..end).ok_or(fmt::Error)?;
        place.copy_from_slice(text.as_bytes());
        self.len = end;
        Ok(())
    }
}

/// Writes the text of a decimal at a DECIMAL.
#[inline]
pub(crate) fn write_decimal<P: Place>(text: &str, out: &mut Vec<u8>) -> Result<(), RecordError> {
    match P::TYPE {
        ColumnType::Decimal(precision, scale) => write_text::<P>(text, precision, scale, out),
        // No other column gets past the check of the types.
        _ => Err(RecordError::new("no decimal", "one")),
    }
}

/// Writes the text of a decimal, without zeros at its end that the scale has no room for.
#[inline]
pub(crate) fn write_text<P: Place>(
    text: &str,
    precision: u8,
    scale: u8,
    out: &mut Vec<u8>,
) -> Result<(), RecordError> {
    match fit(text.as_bytes(), usize::from(precision), usize::from(scale)) {
        Some(fitting) => {
            wire::bytes::<P>(out, fitting);
            Ok(())
        }
        None => Err(misfit(text, precision, scale)),
    }
}

/// The part of the text to send: all of it, zeros aside that stand behind the last place.
fn fit(text: &[u8], precision: usize, scale: usize) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let point = digits.iter().position(|&byte| byte == b'.');
    let (whole, fraction) = match point {
        Some(point) => (digits.get(..point)?, digits.get(point + 1..)?),
        None => (digits, [].as_slice()),
    };
    let is_number = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_digit);
    if !is_number(whole) || (point.is_some() && !is_number(fraction)) {
        return None;
    }
    let leading_zeros = whole.iter().take_while(|&&byte| byte == b'0').count();
    if whole.len() - leading_zeros > precision - scale {
        return None;
    }
    let Some(beyond) = fraction.get(scale..) else {
        return Some(text);
    };
    if beyond.iter().any(|&byte| byte != b'0') {
        return None;
    }
    let cut = match (point, scale) {
        (Some(_), 0) => fraction.len() + 1,
        _ => beyond.len(),
    };
    text.get(..text.len() - cut)
}

#[cold]
fn misfit(text: &str, precision: u8, scale: u8) -> RecordError {
    const SHOWN_MAX: usize = 60;
    let shown: String = text.chars().take(SHOWN_MAX).collect();
    let cut = if shown.len() < text.len() { "…" } else { "" };
    RecordError::new(
        format!(
            "a decimal with at most {} digits before the point and {scale} behind it, for DECIMAL({precision},{scale})",
            precision - scale
        ),
        format!("{shown:?}{cut}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(text: &str, precision: usize, scale: usize) -> Option<&str> {
        fit(text.as_bytes(), precision, scale).map(|text| std::str::from_utf8(text).unwrap())
    }

    #[test]
    fn a_decimal_text_fits_or_does_not() {
        for text in [
            "19.99",
            "-19.99",
            "0",
            "00000000000001.5",
            "99999999.99",
            "-0.00",
        ] {
            assert_eq!(fitted(text, 10, 2), Some(text));
        }
        for text in [
            "",
            "-",
            ".",
            ".5",
            "5.",
            "+5",
            "1e3",
            "1,5",
            "1.2.3",
            " 1",
            "NaN",
            "--1",
            "19.999",
            "100000000",
            "100000000.00",
            "１",
        ] {
            assert_eq!(fitted(text, 10, 2), None, "{text}");
        }
    }

    #[test]
    fn zeros_behind_the_last_place_are_cut_off() {
        assert_eq!(fitted("19.990", 10, 2), Some("19.99"));
        assert_eq!(fitted("19.000", 10, 0), Some("19"));
        assert_eq!(fitted("0.000", 3, 3), Some("0.000"));
        assert_eq!(fitted("19", 2, 0), Some("19"));
    }

    #[test]
    fn a_decimal_shows_its_digits() {
        for (unscaled, scale, text) in [
            (0, 0, "0"),
            (0, 2, "0.00"),
            (5, 2, "0.05"),
            (-5, 1, "-0.5"),
            (1999, 2, "19.99"),
            (-120, 0, "-120"),
            (i128::from(i64::MAX), 3, "9223372036854775.807"),
            (1, 38, "0.00000000000000000000000000000000000001"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
            (i128::MAX, 0, "170141183460469231731687303715884105727"),
        ] {
            assert_eq!(Decimal::new(unscaled, scale).unwrap().to_string(), text);
        }
        assert_eq!(Decimal::new(1, 39), None);
    }
}
