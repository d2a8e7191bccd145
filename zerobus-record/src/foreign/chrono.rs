use chrono::{DateTime, Datelike, NaiveDate, NaiveDateTime, TimeZone};

use super::integer_columns;
use crate::delta::{Nullable, TimestampType};
use crate::error::RecordError;
use crate::layout::Place;
use crate::shape::{Kinds, Shape};
use crate::value::{ColumnValue, WriteValue};
use crate::wire;

#[diagnostic::do_not_recommend]
impl<Z: TimeZone> ColumnValue<TimestampType> for DateTime<Z> {}
#[diagnostic::do_not_recommend]
impl<Z: TimeZone> ColumnValue<Nullable<TimestampType>> for DateTime<Z> {}

impl<Z: TimeZone> WriteValue for DateTime<Z> {
    const SHAPE: Shape = Shape::leaf("DateTime", Kinds::NONE.or::<TimestampType>());

    #[inline]
    fn write<P: Place>(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        wire::int::<P>(out, self.timestamp_micros());
        Ok(())
    }
}

integer_columns! {
    NaiveDateTime: TimestampNtzType, "microseconds", |time| Some(time.and_utc().timestamp_micros());
    // The first of January of the year 1 is the first day of the common era.
    NaiveDate: DateType, "days", |date| Some(i64::from(date.num_days_from_ce()) - 719_163);
}

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
