//! Types of other crates, each behind the feature of its crate's name.

#[cfg(feature = "bigdecimal")]
mod bigdecimal;
#[cfg(feature = "chrono")]
mod chrono;
#[cfg(feature = "jiff")]
mod jiff;
#[cfg(feature = "rust_decimal")]
mod rust_decimal;
#[cfg(feature = "time")]
mod time;
#[cfg(feature = "uuid")]
mod uuid;

/// Types that convert into a time or date of ours, and stand for the columns that it stands for. What is finer than a
/// microsecond goes towards the past.
#[cfg(any(feature = "jiff", feature = "time"))]
macro_rules! times {
    ($($rust:ty: $value:ident, $delta:ident, $unit:literal, $convert:expr;)*) => {$(
        impl TryFrom<&$rust> for $crate::value::$value {
            type Error = $crate::error::RecordError;

            #[inline]
            fn try_from(value: &$rust) -> Result<Self, Self::Error> {
                let convert: fn(&$rust) -> Option<Self> = $convert;
                convert(value).ok_or_else(|| $crate::value::out_of_range($unit))
            }
        }

        impl TryFrom<$rust> for $crate::value::$value {
            type Error = $crate::error::RecordError;

            #[inline]
            fn try_from(value: $rust) -> Result<Self, Self::Error> {
                Self::try_from(&value)
            }
        }

        $crate::value::stands_for!($rust: $crate::delta::$delta);

        impl $crate::value::WriteValue for $rust {
            const SHAPE: $crate::shape::Shape = $crate::shape::Shape::leaf(
                stringify!($rust),
                $crate::shape::Kinds::NONE.or::<$crate::delta::$delta>().fallible(),
            );

            #[inline]
            fn write<P: $crate::layout::Place>(
                &self,
                out: &mut Vec<u8>,
            ) -> Result<(), $crate::error::RecordError> {
                $crate::value::$value::try_from(self)?.write::<P>(out)
            }
        }
    )*};
}
#[cfg(any(feature = "jiff", feature = "time"))]
use times;

/// Microseconds of nanoseconds, rounded down.
#[cfg(any(feature = "jiff", feature = "time"))]
fn micros(nanos: i128) -> Option<i64> {
    i64::try_from(nanos.div_euclid(1_000)).ok()
}
