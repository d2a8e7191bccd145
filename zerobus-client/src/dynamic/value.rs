use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::SystemTime;

use bytes::Bytes;
use zerobus_record::{
    DateDays, Decimal, DecimalText, TimestampMicros, TimestampNtzMicros, VariantJson,
};

/// A value for a column that is known at run time only. It borrows, so that making one allocates nothing.
///
/// Whatever stands for a column in a derived record converts into it: integers, floats, text, bytes, addresses, `Option`,
/// the types of this crate for dates, times, decimals and JSON, `SystemTime`, and those of chrono, jiff, time,
/// rust_decimal, bigdecimal and uuid behind the features of these names.
///
/// ```
/// use zerobus_client::{TimestampMicros, Value};
///
/// assert_eq!(Value::from(21), Value::Int(21));
/// assert_eq!(Value::from(None::<i64>), Value::Null);
/// let tags = [Value::from("a"), Value::from("b")];
/// let place = [("lat", Value::from(59.3)), ("tags", Value::from(&tags))];
/// assert_eq!(Value::from(&place), Value::Struct(&place));
/// ```
#[derive(Debug, Clone, Copy, PartialEq)]
#[non_exhaustive]
pub enum Value<'a> {
    /// No value: the column has to be one that may be NULL.
    Null,
    /// For BOOLEAN.
    Bool(bool),
    /// For TINYINT, SMALLINT, INT and BIGINT, within their ranges; for DECIMAL; for FLOAT and DOUBLE where they hold
    /// it exactly.
    Int(i64),
    /// For FLOAT and DOUBLE.
    Float(f32),
    /// For DOUBLE, and for FLOAT, rounded, within its range.
    Double(f64),
    /// For STRING, VARCHAR and CHAR, their length checked, and for DECIMAL.
    Text(&'a str),
    /// For BINARY.
    Bytes(&'a [u8]),
    /// For DATE.
    Date(DateDays),
    /// For TIMESTAMP.
    Timestamp(TimestampMicros),
    /// For TIMESTAMP_NTZ.
    TimestampNtz(TimestampNtzMicros),
    /// For DECIMAL.
    Decimal(Decimal),
    /// JSON text, for VARIANT; it is checked to be JSON.
    Variant(&'a str),
    /// For VARIANT, and for every other column whose JSON mode it fits: numbers, text, arrays and objects by name;
    /// integers, microseconds or days since 1970-01-01, for TIMESTAMP, TIMESTAMP_NTZ and DATE.
    Json(&'a serde_json::Value),
    /// For ARRAY. An element cannot be NULL.
    Array(&'a [Self]),
    /// For MAP, entry by entry. Neither key nor value can be NULL.
    Map(&'a [(Self, Self)]),
    /// For STRUCT, by the names of its fields.
    Struct(&'a [(&'a str, Self)]),
    /// For STRING, VARCHAR and CHAR, as text.
    Ip(IpAddr),
    /// For STRING, VARCHAR and CHAR, as hyphenated text.
    #[cfg(feature = "uuid")]
    Uuid(uuid::Uuid),
    /// What a time or a number converts into that no column can hold; it is refused for each.
    OutOfRange,
}

impl Value<'_> {
    /// What it is, for an error.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Null => "NULL".to_owned(),
            Self::Bool(value) => value.to_string(),
            Self::Int(value) => value.to_string(),
            Self::Float(value) => value.to_string(),
            Self::Double(value) => value.to_string(),
            Self::Text(text) => zerobus_record::checks::shown(text),
            Self::Bytes(bytes) => format!("{} bytes", bytes.len()),
            Self::Date(date) => format!("a DATE ({} days)", date.as_days()),
            Self::Timestamp(at) => format!("a TIMESTAMP ({} microseconds)", at.as_micros()),
            Self::TimestampNtz(at) => format!("a TIMESTAMP_NTZ ({} microseconds)", at.as_micros()),
            Self::Decimal(decimal) => format!("a DECIMAL ({decimal})"),
            Self::Variant(_) => "JSON text".to_owned(),
            Self::Json(_) => "JSON".to_owned(),
            Self::Array(_) => "an array".to_owned(),
            Self::Map(_) => "a map".to_owned(),
            Self::Struct(_) => "a struct".to_owned(),
            Self::Ip(address) => address.to_string(),
            #[cfg(feature = "uuid")]
            Self::Uuid(uuid) => uuid.to_string(),
            Self::OutOfRange => "a value that no column can hold".to_owned(),
        }
    }
}

macro_rules! from {
    ($($({$($param:tt)*})? $rust:ty => $value:ident => $made:expr;)*) => {$(
        impl<'a$(, $($param)*)?> From<$rust> for Value<'a> {
            #[inline]
            fn from($value: $rust) -> Self {
                $made
            }
        }
    )*};
}

from! {
    bool => value => Self::Bool(value);
    i8 => value => Self::Int(value.into());
    i16 => value => Self::Int(value.into());
    i32 => value => Self::Int(value.into());
    i64 => value => Self::Int(value);
    u8 => value => Self::Int(value.into());
    u16 => value => Self::Int(value.into());
    u32 => value => Self::Int(value.into());
    f32 => value => Self::Float(value);
    f64 => value => Self::Double(value);
    &'a str => value => Self::Text(value);
    &'a String => value => Self::Text(value);
    &'a [u8] => value => Self::Bytes(value);
    &'a Vec<u8> => value => Self::Bytes(value);
    &'a Bytes => value => Self::Bytes(value);
    DateDays => value => Self::Date(value);
    TimestampMicros => value => Self::Timestamp(value);
    TimestampNtzMicros => value => Self::TimestampNtz(value);
    Decimal => value => Self::Decimal(value);
    SystemTime => value => TimestampMicros::try_from(value).map_or(Self::OutOfRange, Self::Timestamp);
    IpAddr => value => Self::Ip(value);
    Ipv4Addr => value => Self::Ip(value.into());
    Ipv6Addr => value => Self::Ip(value.into());
    DecimalText<&'a str> => value => Self::Text(value.into_inner());
    VariantJson<&'a str> => value => Self::Variant(value.into_inner());
    &'a serde_json::Value => value => Self::Json(value);
    &'a [Value<'a>] => value => Self::Array(value);
    &'a Vec<Value<'a>> => value => Self::Array(value);
    &'a [(Value<'a>, Value<'a>)] => value => Self::Map(value);
    &'a Vec<(Value<'a>, Value<'a>)> => value => Self::Map(value);
    &'a [(&'a str, Value<'a>)] => value => Self::Struct(value);
    &'a Vec<(&'a str, Value<'a>)> => value => Self::Struct(value);
}

// Types of other crates. What they become is said by zerobus-record, where it can fail too.

#[cfg(feature = "chrono")]
from! {
    {Z: chrono::TimeZone} chrono::DateTime<Z> => value => Self::Timestamp(TimestampMicros::from(value));
    chrono::NaiveDateTime => value => Self::TimestampNtz(TimestampNtzMicros::from(value));
    chrono::NaiveDate => value => Self::Date(DateDays::from(value));
}

#[cfg(feature = "jiff")]
from! {
    jiff::Timestamp => value => TimestampMicros::try_from(value).map_or(Self::OutOfRange, Self::Timestamp);
    &jiff::Zoned => value => TimestampMicros::try_from(value).map_or(Self::OutOfRange, Self::Timestamp);
    jiff::civil::DateTime => value =>
        TimestampNtzMicros::try_from(value).map_or(Self::OutOfRange, Self::TimestampNtz);
    jiff::civil::Date => value => DateDays::try_from(value).map_or(Self::OutOfRange, Self::Date);
}

#[cfg(feature = "time")]
from! {
    time::OffsetDateTime => value => TimestampMicros::try_from(value).map_or(Self::OutOfRange, Self::Timestamp);
    time::PrimitiveDateTime => value =>
        TimestampNtzMicros::try_from(value).map_or(Self::OutOfRange, Self::TimestampNtz);
    time::Date => value => DateDays::try_from(value).map_or(Self::OutOfRange, Self::Date);
}

#[cfg(feature = "rust_decimal")]
from! {
    rust_decimal::Decimal => value => Self::Decimal(Decimal::from(value));
}

#[cfg(feature = "bigdecimal")]
from! {
    &bigdecimal::BigDecimal => value => Decimal::try_from(value).map_or(Self::OutOfRange, Self::Decimal);
}

#[cfg(feature = "uuid")]
from! {
    uuid::Uuid => value => Self::Uuid(value);
}

impl<'a, const N: usize> From<&'a [u8; N]> for Value<'a> {
    #[inline]
    fn from(value: &'a [u8; N]) -> Self {
        Self::Bytes(value)
    }
}

impl<'a, const N: usize> From<&'a [Self; N]> for Value<'a> {
    #[inline]
    fn from(value: &'a [Self; N]) -> Self {
        Self::Array(value)
    }
}

impl<'a, const N: usize> From<&'a [(Self, Self); N]> for Value<'a> {
    #[inline]
    fn from(value: &'a [(Self, Self); N]) -> Self {
        Self::Map(value)
    }
}

impl<'a, const N: usize> From<&'a [(&'a str, Self); N]> for Value<'a> {
    #[inline]
    fn from(value: &'a [(&'a str, Self); N]) -> Self {
        Self::Struct(value)
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Value<'a> {
    #[inline]
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, T::into)
    }
}
