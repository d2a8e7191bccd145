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

/// Types that are an integer once converted; what is finer than a microsecond goes towards the past.
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
macro_rules! integer_columns {
    ($($(#[$generic:tt])? $rust:ty: $delta:ident, $unit:literal, $convert:expr;)*) => {$(
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
                let convert: fn(&Self) -> Option<i64> = $convert;
                match convert(self) {
                    Some(value) => {
                        $crate::wire::int::<P>(out, value);
                        Ok(())
                    }
                    None => Err($crate::value::out_of_range($unit)),
                }
            }
        }
    )*};
}
#[cfg(any(feature = "chrono", feature = "jiff", feature = "time"))]
use integer_columns;

/// Microseconds of nanoseconds, rounded down.
#[cfg(any(feature = "jiff", feature = "time"))]
fn micros(nanos: i128) -> Option<i64> {
    i64::try_from(nanos.div_euclid(1_000)).ok()
}
