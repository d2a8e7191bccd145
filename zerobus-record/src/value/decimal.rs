use std::fmt;

use super::{ColumnValue, WriteValue, shown, stands_for};
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

    /// What it was made of.
    pub fn into_inner(self) -> T {
        self.0
    }

    /// What of the text a DECIMAL(`precision`, `scale`) takes: all of it, zeros aside that stand behind the last place.
    ///
    /// ```
    /// use zerobus_record::DecimalText;
    ///
    /// assert_eq!(DecimalText::new("19.990").fit(10, 2)?, "19.99");
    /// assert!(DecimalText::new("19.999").fit(10, 2).is_err());
    /// # Ok::<(), zerobus_record::RecordError>(())
    /// ```
    ///
    /// # Errors
    /// [`RecordError`] when it is no decimal, or has more digits than there are places.
    pub fn fit(&self, precision: u8, scale: u8) -> Result<&str, RecordError> {
        let text = self.as_str();
        let places = usize::from(precision).max(usize::from(scale));
        let fitting = fit(text.as_bytes(), places, usize::from(scale));
        // Cut behind a digit, so between characters.
        fitting
            .and_then(|fitting| text.get(..fitting.len()))
            .ok_or_else(|| misfit(text, precision.max(scale), scale))
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
    fn text(self, buffer: &mut [u8; TEXT_MAX]) -> &[u8] {
        let mut start = buffer.len();
        let mut put = |byte: u8| {
            start -= 1;
            if let Some(place) = buffer.get_mut(start) {
                *place = byte;
            }
        };
        let mut digits = Digits::of(self.unscaled.unsigned_abs());
        for _ in 0..self.scale {
            put(digits.take_last());
        }
        if self.scale > 0 {
            put(b'.');
        }
        loop {
            put(digits.take_last());
            if digits.rest == 0 && digits.high == 0 {
                break;
            }
        }
        if self.unscaled < 0 {
            put(b'-');
        }
        buffer.get(start..).unwrap_or_default()
    }

    /// Whether every digit has a place in DECIMAL(precision, scale).
    fn fits(self, precision: u8, scale: u8) -> bool {
        self.scale <= scale
            && POWERS_OF_TEN
                .get(usize::from(precision - scale + self.scale))
                .is_some_and(|&bound| self.unscaled.unsigned_abs() < bound)
    }
}

/// The digits of a number, last one first. Division of 128 bits is a call and most decimals fit 64.
struct Digits {
    /// What is above 10^19.
    high: u128,
    rest: u64,
    /// How many digits of `rest` are left, where there are higher ones.
    left: u8,
}

impl Digits {
    const CHUNK: u128 = 10_u128.pow(19);

    fn of(number: u128) -> Self {
        match u64::try_from(number) {
            Ok(rest) => Self {
                high: 0,
                rest,
                left: 0,
            },
            Err(_) => Self {
                high: number / Self::CHUNK,
                rest: u64::try_from(number % Self::CHUNK).unwrap_or_default(),
                left: 19,
            },
        }
    }

    /// The last digit as text; zero when there are no more.
    #[inline]
    fn take_last(&mut self) -> u8 {
        if self.high != 0 {
            if self.left == 0 {
                *self = Self::of(self.high);
            }
            self.left = self.left.saturating_sub(1);
        }
        let digit = (self.rest % 10).to_le_bytes()[0];
        self.rest /= 10;
        b'0' + digit
    }
}

const POWERS_OF_TEN: [u128; 39] = {
    let mut powers = [1; 39];
    let mut i = 1;
    while i < 39 {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut buffer = [0; TEXT_MAX];
        f.pad(std::str::from_utf8(self.text(&mut buffer)).unwrap_or_default())
    }
}

impl WriteValue for Decimal {
    const SHAPE: Shape = Shape::leaf("Decimal", DECIMAL);

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        let mut buffer = [0; TEXT_MAX];
        let text = self.text(&mut buffer);
        match P::TYPE {
            ColumnType::Decimal(precision, scale) if self.fits(precision, scale) => {
                wire::bytes::<P>(out, text);
                Ok(())
            }
            _ => write_decimal::<P>(std::str::from_utf8(text).unwrap_or_default(), out),
        }
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
#[inline]
fn fit(text: &[u8], precision: usize, scale: usize) -> Option<&[u8]> {
    if text.len() <= 8
        && let Some(whole) = whole_digits(wire::tiny_word(text), text.len())
        && whole <= precision - scale
        && (text.len() - whole).saturating_sub(1) <= scale
    {
        return Some(text);
    }
    fit_any(text, precision, scale)
}

/// How many digits stand before the point of a text of up to 8 bytes that is digits with at most one point between
/// them, all looked at together; `None` for any other text, which may be a decimal all the same.
#[inline]
fn whole_digits(word: u64, len: usize) -> Option<usize> {
    const ZEROS: u64 = 0x3030_3030_3030_3030;
    const HIGH_BITS: u64 = 0x8080_8080_8080_8080;
    // A digit becomes its value; what stands behind the text becomes zero.
    let behind = ZEROS
        .checked_shl(8 * u32::try_from(len).unwrap_or(8))
        .unwrap_or_default();
    let values = (word | behind) ^ ZEROS;
    // From 10 on, a value reaches the high bit of its byte.
    let others = (((values & !HIGH_BITS) + 0x7676_7676_7676_7676) | values) & HIGH_BITS;
    if others == 0 {
        return (len > 0).then_some(len);
    }
    let whole = (others.trailing_zeros() / 8) as usize;
    let is_point = (word >> (8 * whole)) & 0xff == u64::from(b'.');
    let is_alone = others & (others - 1) == 0;
    (is_point && is_alone && whole > 0 && whole + 1 < len).then_some(whole)
}

fn fit_any(text: &[u8], precision: usize, scale: usize) -> Option<&[u8]> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut point = None;
    for (at, byte) in digits.iter().enumerate() {
        if !byte.is_ascii_digit() {
            if *byte != b'.' || point.is_some() {
                return None;
            }
            point = Some(at);
        }
    }
    let whole = point.unwrap_or(digits.len());
    // Whether or not there is a point, the place behind it would be this one.
    let fraction = digits.len().saturating_sub(whole + 1);
    if whole == 0 || (fraction == 0 && point.is_some()) {
        return None;
    }
    if whole <= precision - scale && fraction <= scale {
        return Some(text);
    }
    cut(text, digits, whole, precision, scale)
}

/// The text without zeros that have no place, where nothing else is too much.
fn cut<'a>(
    text: &'a [u8],
    digits: &[u8],
    whole: usize,
    precision: usize,
    scale: usize,
) -> Option<&'a [u8]> {
    let is_zero = |byte: &&u8| **byte == b'0';
    let leading_zeros = digits.iter().take(whole).take_while(is_zero).count();
    let fraction = digits.get(whole + 1..).unwrap_or_default();
    let beyond = fraction.get(scale..).unwrap_or_default();
    if whole - leading_zeros > precision - scale || !beyond.iter().all(|byte| *byte == b'0') {
        return None;
    }
    // No point where nothing stands behind it.
    let point = usize::from(scale == 0 && !fraction.is_empty());
    text.get(..text.len() - beyond.len() - point)
}

#[cold]
fn misfit(text: &str, precision: u8, scale: u8) -> RecordError {
    RecordError::new(
        format!(
            "a decimal with at most {} digits before the point and {scale} behind it, for DECIMAL({precision},{scale})",
            precision - scale
        ),
        shown(text),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fitted(text: &str, precision: usize, scale: usize) -> Option<&str> {
        fit(text.as_bytes(), precision, scale).map(|text| std::str::from_utf8(text).unwrap())
    }

    #[test]
    fn a_short_text_is_judged_as_a_long_one() {
        const ALPHABET: &[u8] = b"09.-:/\xae\xb0";
        for len in 0..=5 {
            for number in 0..ALPHABET.len().pow(len) {
                let mut text = Vec::new();
                let mut rest = number;
                for _ in 0..len {
                    text.push(ALPHABET[rest % ALPHABET.len()]);
                    rest /= ALPHABET.len();
                }
                assert_eq!(fit(&text, 4, 2), fit_any(&text, 4, 2), "{text:?}");
                // The same behind digits, up to 8 bytes and beyond.
                for before in [3, 4] {
                    let long: Vec<u8> = [b"1234", text.as_slice()].concat()[4 - before..].to_vec();
                    assert_eq!(fit(&long, 8, 3), fit_any(&long, 8, 3), "{long:?}");
                }
            }
        }
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
