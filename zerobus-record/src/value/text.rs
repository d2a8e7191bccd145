use super::{WriteValue, decimal, shown, stands_for};
use crate::delta;
use crate::error::RecordError;
use crate::layout::{ColumnType, Place};
use crate::shape::{Kinds, Shape};
use crate::wire;

/// The columns that take any text, their length aside.
pub(crate) const TEXT: Kinds = Kinds::NONE
    .with(ColumnType::String)
    .with(ColumnType::Char(0))
    .with(ColumnType::Varchar(0));

macro_rules! text_types {
    ($($rust:ty),*) => {$(
        stands_for!($rust:
            delta::StringType,
            {const N: u32} delta::CharType<N>,
            {const N: u32} delta::VarcharType<N>,
            {const P: u8, const S: u8} delta::DecimalType<P, S>,
        );

        impl WriteValue for $rust {
            const SHAPE: Shape = Shape::leaf(stringify!($rust), TEXT.with(ColumnType::Decimal(0, 0)));

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                match P::TYPE {
                    ColumnType::Decimal(precision, scale) => {
                        decimal::write_text::<P>(self, precision, scale, out)
                    }
                    _ => write_text::<P>(self, out),
                }
            }
        }
    )*};
}

text_types!(str, String);

/// A column that takes any text: what an enum of unit variants can be written to.
pub trait TextValue<D> {}

impl TextValue<delta::StringType> for str {}
impl TextValue<delta::Nullable<delta::StringType>> for str {}
impl<const N: u32> TextValue<delta::CharType<N>> for str {}
impl<const N: u32> TextValue<delta::Nullable<delta::CharType<N>>> for str {}
impl<const N: u32> TextValue<delta::VarcharType<N>> for str {}
impl<const N: u32> TextValue<delta::Nullable<delta::VarcharType<N>>> for str {}

/// The shape of a type that is always text.
#[must_use]
pub const fn text_shape(rust: &'static str) -> Shape {
    Shape::leaf(rust, TEXT)
}

/// Writes a text, its length checked where the column has one.
#[inline]
pub fn write_text<P: Place>(text: &str, out: &mut Vec<u8>) -> Result<(), RecordError> {
    match P::TYPE {
        ColumnType::Char(max) | ColumnType::Varchar(max) => check_length(text, max)?,
        _ => {}
    }
    wire::bytes::<P>(out, text.as_bytes());
    Ok(())
}

/// Checks that a text has at most so many characters.
///
/// # Errors
/// [`RecordError`] where it has more.
#[inline]
pub fn check_length(text: &str, max: u32) -> Result<(), RecordError> {
    // No text has more characters than bytes.
    if text.len() as u64 <= u64::from(max) {
        return Ok(());
    }
    count_characters(text, max)
}

#[cold]
fn count_characters(text: &str, max: u32) -> Result<(), RecordError> {
    let count = text.chars().count();
    if count as u64 > u64::from(max) {
        return Err(RecordError::new(
            format!("at most {max} characters"),
            format!("{count}, {}", shown(text)),
        ));
    }
    Ok(())
}
