use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone};

use crate::delta::{DateType, TimestampNtzType, TimestampType};
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::value::{DateDays, TimestampMicros, TimestampNtzMicros, WriteValue, stands_for};

/// Types that convert into a time or date of ours, and stand for the columns that it stands for. Every one of chrono's
/// has its place there.
macro_rules! times {
    ($({$($param:tt)*})? $rust:ty: $name:literal, $value:ident, $delta:ident, $convert:expr) => {
        impl$(<$($param)*>)? From<&$rust> for $value {
            #[inline]
            fn from(value: &$rust) -> Self {
                $convert(value)
            }
        }

        impl$(<$($param)*>)? From<$rust> for $value {
            #[inline]
            fn from(value: $rust) -> Self {
                Self::from(&value)
            }
        }

        stands_for!($rust: $({$($param)*})? $delta);

        impl$(<$($param)*>)? WriteValue for $rust {
            const SHAPE: Shape = Shape::leaf($name, Kinds::NONE.or::<$delta>());

            #[inline]
            fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                $value::from(self).write::<P>(out)
            }
        }
    };
}

times!({Z: TimeZone} DateTime<Z>: "DateTime", TimestampMicros, TimestampType, |time: &DateTime<Z>| {
    TimestampMicros::from_micros(time.timestamp_micros())
});
times!(NaiveDateTime: "NaiveDateTime", TimestampNtzMicros, TimestampNtzType, |time: &NaiveDateTime| {
    TimestampNtzMicros::from_micros(time.and_utc().timestamp_micros())
});
// The first of January of the year 1 is the first day of the common era.
times!(NaiveDate: "NaiveDate", DateDays, DateType, |date: &NaiveDate| {
    DateDays::from_days(date.num_days_from_ce() - 719_163)
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::testing::written;
    use chrono::{FixedOffset, Utc};

    #[test]
    fn times_and_dates_count_from_the_epoch() {
        let instant = DateTime::from_timestamp_nanos(-1_500);
        assert_eq!(written::<TimestampType>(&instant), -2);
        let offset = FixedOffset::east_opt(7_200).unwrap();
        let local = offset.with_ymd_and_hms(1970, 1, 1, 2, 0, 1).unwrap();
        assert_eq!(written::<TimestampType>(&local), 1_000_000);
        assert_eq!(
            written::<TimestampType>(&DateTime::<Utc>::MIN_UTC),
            DateTime::<Utc>::MIN_UTC.timestamp_micros()
        );
        assert_eq!(
            written::<crate::delta::TimestampNtzType>(&local.naive_local()),
            7_201_000_000
        );
        let day = NaiveDate::from_ymd_opt(2000, 2, 29).unwrap();
        assert_eq!(written::<crate::delta::DateType>(&day), 11_016);
    }
}
