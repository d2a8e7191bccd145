use std::time::{SystemTime, UNIX_EPOCH};

use super::{WriteValue, stands_for};
use crate::delta::{DateType, TimestampNtzType, TimestampType};
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::wire;

/// A TIMESTAMP: microseconds since 1970-01-01T00:00:00Z.
///
/// The service stores whatever integer it is sent, so that a wrong unit lands in 1970 without a word; a bare `i64` is
/// therefore no TIMESTAMP.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TimestampMicros(i64);

impl TimestampMicros {
    /// The instant this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// The instant this many milliseconds after the epoch; `None` where microseconds overflow.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Option<Self> {
        match millis.checked_mul(1_000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The instant this many seconds after the epoch; `None` where microseconds overflow.
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Option<Self> {
        match seconds.checked_mul(1_000_000) {
            Some(micros) => Some(Self(micros)),
            None => None,
        }
    }

    /// The present instant, by the system's clock.
    #[must_use]
    pub fn now() -> Self {
        Self(system_micros(SystemTime::now()).unwrap_or(i64::MAX))
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }

    /// The day it lies in, in UTC.
    #[must_use]
    pub fn date(self) -> DateDays {
        const MICROS_PER_DAY: i64 = 24 * 60 * 60 * 1_000_000;
        // 2^63 microseconds are 107 million days.
        DateDays(i32::try_from(self.0.div_euclid(MICROS_PER_DAY)).unwrap_or(i32::MAX))
    }
}

/// A TIMESTAMP_NTZ: microseconds of a wall clock since 1970-01-01T00:00:00 by that clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct TimestampNtzMicros(i64);

impl TimestampNtzMicros {
    /// The wall-clock time this many microseconds after the epoch.
    #[must_use]
    pub const fn from_micros(micros: i64) -> Self {
        Self(micros)
    }

    /// Microseconds since the epoch.
    #[must_use]
    pub const fn as_micros(self) -> i64 {
        self.0
    }
}

/// A DATE: days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct DateDays(i32);

impl DateDays {
    /// The day this many days after the epoch.
    #[must_use]
    pub const fn from_days(days: i32) -> Self {
        Self(days)
    }

    /// The day of the Gregorian calendar, month and day from 1; `None` where there is no such day.
    ///
    /// ```
    /// use zerobus_record::DateDays;
    ///
    /// assert_eq!(DateDays::from_ymd(1970, 1, 2), Some(DateDays::from_days(1)));
    /// assert_eq!(DateDays::from_ymd(2023, 2, 29), None);
    /// ```
    #[must_use]
    pub fn from_ymd(year: i32, month: u32, day: u32) -> Option<Self> {
        let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let days_in_month = match month {
            4 | 6 | 9 | 11 => 30,
            2 if is_leap => 29,
            2 => 28,
            1..=12 => 31,
            _ => return None,
        };
        if day < 1 || day > days_in_month {
            return None;
        }
        // Years that begin in March, so that the leap day comes last.
        let (month, year) = if month > 2 {
            (month - 3, i64::from(year))
        } else {
            (month + 9, i64::from(year) - 1)
        };
        let leap_days = year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400);
        let day_of_year = i64::from((153 * month + 2) / 5 + day - 1);
        // 0000-03-01 lies 719,468 days before the epoch.
        let days = year * 365 + leap_days + day_of_year - 719_468;
        i32::try_from(days).ok().map(Self)
    }

    /// Days since the epoch.
    #[must_use]
    pub const fn as_days(self) -> i32 {
        self.0
    }
}

macro_rules! times {
    ($($rust:ident: $delta:ident;)*) => {$(
        stands_for!($rust: $delta);

        impl WriteValue for $rust {
            const SHAPE: Shape = Shape::leaf(stringify!($rust), Kinds::NONE.or::<$delta>());

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                wire::int::<P>(out, i64::from(self.0));
                Ok(())
            }
        }
    )*};
}

times! {
    TimestampMicros: TimestampType;
    TimestampNtzMicros: TimestampNtzType;
    DateDays: DateType;
}

stands_for!(SystemTime: TimestampType);

impl WriteValue for SystemTime {
    const SHAPE: Shape = Shape::leaf("SystemTime", Kinds::NONE.or::<TimestampType>().fallible());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        TimestampMicros::try_from(*self)?.write::<P>(out)
    }
}

impl TryFrom<SystemTime> for TimestampMicros {
    type Error = RecordError;

    #[inline]
    fn try_from(time: SystemTime) -> Result<Self, RecordError> {
        let micros = system_micros(time).ok_or_else(|| out_of_range("microseconds"))?;
        Ok(Self(micros))
    }
}

/// What is finer than a microsecond goes towards the past.
fn system_micros(time: SystemTime) -> Option<i64> {
    match time.duration_since(UNIX_EPOCH) {
        Ok(after) => i64::try_from(after.as_micros()).ok(),
        Err(before) => {
            let nanos = i128::try_from(before.duration().as_nanos()).ok()?;
            i64::try_from((-nanos).div_euclid(1_000)).ok()
        }
    }
}

#[cold]
pub(crate) fn out_of_range(unit: &str) -> RecordError {
    RecordError::new(
        format!("a time that 64 bits of {unit} since 1970 can hold"),
        "one that lies further away",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_of_the_calendar_count_from_the_epoch() {
        let days = |y, m, d| DateDays::from_ymd(y, m, d).map(DateDays::as_days);
        assert_eq!(days(1970, 1, 1), Some(0));
        assert_eq!(days(1969, 12, 31), Some(-1));
        assert_eq!(days(2000, 2, 29), Some(11_016));
        assert_eq!(days(2000, 3, 1), Some(11_017));
        assert_eq!(days(1, 1, 1), Some(-719_162));
        assert_eq!(days(9999, 12, 31), Some(2_932_896));
        assert_eq!(days(1900, 2, 29), None);
        assert_eq!(days(2024, 13, 1), None);
        assert_eq!(days(2024, 4, 31), None);
        assert_eq!(days(i32::MAX, 1, 1), None);
    }

    #[test]
    fn a_system_time_before_the_epoch_is_rounded_down() {
        let before = UNIX_EPOCH - std::time::Duration::from_nanos(1_500);
        assert_eq!(system_micros(before), Some(-2));
        let after = UNIX_EPOCH + std::time::Duration::from_nanos(1_500);
        assert_eq!(system_micros(after), Some(1));
    }
}
