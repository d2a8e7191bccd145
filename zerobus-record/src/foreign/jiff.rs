use jiff::{Timestamp, Zoned, civil};

use super::{micros, times};
use crate::value::{DateDays, TimestampMicros, TimestampNtzMicros};

times! {
    Timestamp: TimestampMicros, TimestampType, "microseconds", |time| {
        micros(time.as_nanosecond()).map(TimestampMicros::from_micros)
    };
    Zoned: TimestampMicros, TimestampType, "microseconds", |time| {
        micros(time.timestamp().as_nanosecond()).map(TimestampMicros::from_micros)
    };
    civil::DateTime: TimestampNtzMicros, TimestampNtzType, "microseconds", |time| {
        let day = i128::from(days(time.date())?.as_days()) * 86_400_000_000_000;
        let second = i128::from(time.hour()) * 3_600 + i128::from(time.minute()) * 60 + i128::from(time.second());
        let nanos = day + second * 1_000_000_000 + i128::from(time.subsec_nanosecond());
        micros(nanos).map(TimestampNtzMicros::from_micros)
    };
    civil::Date: DateDays, DateType, "days", |date| days(*date);
}

fn days(date: civil::Date) -> Option<DateDays> {
    let month = u32::try_from(date.month()).ok()?;
    let day = u32::try_from(date.day()).ok()?;
    DateDays::from_ymd(i32::from(date.year()), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delta;
    use crate::value::testing::written;

    #[test]
    fn times_and_dates_count_from_the_epoch() {
        let instant = Timestamp::from_nanosecond(-1_500).unwrap();
        assert_eq!(written::<delta::TimestampType>(&instant), -2);
        let wall = civil::date(1970, 1, 2).at(2, 0, 1, 999);
        assert_eq!(written::<delta::TimestampNtzType>(&wall), 93_601_000_000);
        let before = civil::date(1969, 12, 31).at(23, 59, 59, 999_999_999);
        assert_eq!(written::<delta::TimestampNtzType>(&before), -1);
        assert_eq!(
            written::<delta::DateType>(&civil::date(2000, 2, 29)),
            11_016
        );
        assert_eq!(written::<delta::DateType>(&civil::Date::MIN), -4_371_587);
    }
}
