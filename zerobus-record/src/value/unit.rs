use std::fmt;
use std::marker::PhantomData;

use super::{WriteValue, stands_for};
use crate::delta::{DateType, TimestampNtzType, TimestampType};
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::wire;

/// An integer with the unit that the attribute `unit` gives it.
pub struct Unit<U>(i64, PhantomData<U>);

impl<U> Unit<U> {
    /// The integer, in units of `U`.
    #[must_use]
    pub fn new(value: impl Into<i64>) -> Self {
        Self(value.into(), PhantomData)
    }
}

impl<U: TimeUnit> fmt::Debug for Unit<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.0, U::NAME)
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
        match U::column(self.0) {
            Some(value) => {
                wire::int::<P>(out, value);
                Ok(())
            }
            None => Err(overflow::<U>(self.0)),
        }
    }
}

#[cold]
fn overflow<U: TimeUnit>(value: i64) -> RecordError {
    RecordError::new(
        format!("{} that the column can hold", U::NAME),
        value.to_string(),
    )
}
