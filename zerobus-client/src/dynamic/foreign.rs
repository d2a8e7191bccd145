//! Values of other crates' types, each behind the feature of its crate's name. What they become is zerobus-record's to say.

#[cfg(any(feature = "bigdecimal", feature = "rust_decimal"))]
use zerobus_record::Decimal;
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use zerobus_record::{DateDays, TimestampMicros, TimestampNtzMicros};

use super::value::{Value, from};

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
