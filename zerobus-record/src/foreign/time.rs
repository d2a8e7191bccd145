use time::{Date, OffsetDateTime, PrimitiveDateTime};

use super::{micros, times};
use crate::value::{DateDays, TimestampMicros, TimestampNtzMicros};

times! {
    OffsetDateTime: TimestampMicros, TimestampType, "microseconds", |time| {
        micros(time.unix_timestamp_nanos()).map(TimestampMicros::from_micros)
    };
    PrimitiveDateTime: TimestampNtzMicros, TimestampNtzType, "microseconds", |time| {
        micros(time.assume_utc().unix_timestamp_nanos()).map(TimestampNtzMicros::from_micros)
    };
    // Julian days begin in 4714 BCE.
    Date: DateDays, DateType, "days", |date| date.to_julian_day().checked_sub(2_440_588).map(DateDays::from_days);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta;
    use crate::value::testing::written;
    use time::{Duration, Month};

    #[test]
    fn times_and_dates_count_from_the_epoch() {
        let before = OffsetDateTime::UNIX_EPOCH - Duration::nanoseconds(1_500);
        assert_eq!(written::<delta::TimestampType>(&before), -2);
        let day = Date::from_calendar_date(2000, Month::February, 29).unwrap();
        assert_eq!(written::<delta::DateType>(&day), 11_016);
        let wall = day.midnight() + Duration::seconds(1);
        assert_eq!(
            written::<delta::TimestampNtzType>(&wall),
            11_016 * 86_400_000_000 + 1_000_000
        );
    }
}
