use std::fmt;
use std::marker::PhantomData;

use super::{WriteValue, stands_for};
use crate::delta::{DateType, TimestampNtzType, TimestampType};
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::wire;

/// An integer with the unit that the attribute `unit` gives it.
pub struct Unit<U>(i128, PhantomData<U>);

impl<U> Unit<U> {
    /// The integer, in units of `U`.
    #[must_use]
    pub const fn new(value: i128) -> Self {
        Self(value, PhantomData)
    }
}

impl<U: TimeUnit> fmt::Debug for Unit<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, U::NAME)
    }
}

/// An integer that can be given a unit; one that is wider than the column is checked when it is written.
#[diagnostic::on_unimplemented(
    message = "`unit` says what an integer counts, and `{Self}` is none",
    label = "not an integer"
)]
pub trait UnitInteger: Copy {
    /// The integer; what is beyond every column is the most there is.
    fn widen(self) -> i128;
}

macro_rules! unit_integers {
    ($($rust:ident),*) => {$(
        impl UnitInteger for $rust {
            #[inline]
            fn widen(self) -> i128 {
                i128::from(self)
            }
        }
    )*};
}

unit_integers!(i8, i16, i32, i64, i128, u8, u16, u32, u64);

impl UnitInteger for u128 {
    #[inline]
    fn widen(self) -> i128 {
        i128::try_from(self).unwrap_or(i128::MAX)
    }
}

/// A unit that a column's integer can be given in.
pub trait TimeUnit {
    /// Its name in the plural.
    const NAME: &'static str;
    /// The columns it makes sense for.
    const KINDS: Kinds;
    /// What the column holds of it; `None` on overflow.
    fn column(value: i64) -> Option<i64>;
}

macro_rules! units {
    ($($name:ident $text:literal [$($delta:ident),*] $convert:expr;)*) => {$(
        #[doc = $text]
        #[derive(Debug)]
        pub enum $name {}

        impl TimeUnit for $name {
            const NAME: &'static str = $text;
            const KINDS: Kinds = Kinds::NONE$(.or::<$delta>())*;

            #[inline]
            fn column(value: i64) -> Option<i64> {
                $convert(value)
            }
        }

        stands_for!(Unit<$name>: $($delta),*);
    )*};
}

units! {
    Nanos "nanoseconds" [TimestampType, TimestampNtzType] |n: i64| Some(n.div_euclid(1_000));
    Micros "microseconds" [TimestampType, TimestampNtzType] Some;
    Millis "milliseconds" [TimestampType, TimestampNtzType] |n: i64| n.checked_mul(1_000);
    Seconds "seconds" [TimestampType, TimestampNtzType] |n: i64| n.checked_mul(1_000_000);
    Days "days" [DateType] |n: i64| i32::try_from(n).ok().map(i64::from);
}

impl<U: TimeUnit> WriteValue for Unit<U> {
    const SHAPE: Shape = Shape::leaf(U::NAME, U::KINDS.fallible());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        match i64::try_from(self.0).ok().and_then(U::column) {
            Some(value) => {
                wire::int::<P>(out, value);
                Ok(())
            }
            None => Err(overflow::<U>(self.0)),
        }
    }
}

#[cold]
fn overflow<U: TimeUnit>(value: i128) -> RecordError {
    RecordError::new(
        format!("{} that the column can hold", U::NAME),
        value.to_string(),
    )
}
