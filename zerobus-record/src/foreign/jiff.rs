use jiff::{Timestamp, Zoned, civil};

use super::{integer_columns, micros};
use crate::value::DateDays;

integer_columns! {
    Timestamp: TimestampType, "microseconds", |time| micros(time.as_nanosecond());
    Zoned: TimestampType, "microseconds", |time| micros(time.timestamp().as_nanosecond());
    civil::DateTime: TimestampNtzType, "microseconds", |time| {
        let day = i128::from(days(time.date())?) * 86_400_000_000_000;
        let second = i128::from(time.hour()) * 3_600 + i128::from(time.minute()) * 60 + i128::from(time.second());
        micros(day + second * 1_000_000_000 + i128::from(time.subsec_nanosecond()))
    };
    civil::Date: DateType, "days", |date| days(*date);
}

fn days(date: civil::Date) -> Option<i64> {
    let month = u32::try_from(date.month()).ok()?;
    let day = u32::try_from(date.day()).ok()?;
    let days = DateDays::from_ymd(i32::from(date.year()), month, day)?;
    Some(i64::from(days.as_days()))
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
