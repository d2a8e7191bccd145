//! How fast messages go out: within what the stream's owner allows, and slower for a while when the service is
//! overrun. Without IO; the time is given.

use std::time::Duration;

use tokio::time::Instant;

/// What may go out at once after a pause, as the time in which it would have gone out evenly.
const BURST: Duration = Duration::from_millis(100);
/// Throughput is measured over spans of this length.
const SPAN: Duration = Duration::from_secs(1);
/// A stream that was slowed down is as fast as before after two of these.
const RECOVERS_IN: Duration = Duration::from_secs(30);
/// No stream is slowed down below so many records a second.
const SLOWEST: f64 = 1_000.0;

/// The pace of one stream.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    records: Option<Bucket>,
    bytes: Option<Bucket>,
    slowed: Option<Slowed>,
    throughput: Throughput,
}

impl Pace {
    /// At most so many records and bytes a second.
    pub(crate) fn new(records: Option<u64>, bytes: Option<u64>) -> Self {
        Self {
            records: records.map(|rate| Bucket::new(to_f64(rate))),
            bytes: bytes.map(|rate| Bucket::new(to_f64(rate))),
            ..Self::default()
        }
    }

    /// When the next message may go out; none when at once.
    #[inline]
    pub(crate) fn wait_until(&mut self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        if self.records.is_none() && self.bytes.is_none() && self.slowed.is_none() {
            return None;
        }
        let now = now();
        if self
            .slowed
            .as_ref()
            .is_some_and(|slowed| slowed.is_over(now))
        {
            self.slowed = None;
        }
        if let Some(slowed) = &mut self.slowed {
            slowed.bucket.rate = slowed.rate(now);
        }
        let slowed = self.slowed.as_mut().map(|slowed| &mut slowed.bucket);
        let buckets = [self.records.as_mut(), self.bytes.as_mut(), slowed];
        let waits = buckets.into_iter().flatten().map(|bucket| bucket.wait(now));
        let wait = waits.max().unwrap_or_default();
        (!wait.is_zero()).then(|| now + wait)
    }

    /// A message goes out.
    #[inline]
    pub(crate) fn sent(&mut self, records: i64, bytes: u64) {
        let records = to_f64(records.unsigned_abs());
        if let Some(bucket) = &mut self.records {
            bucket.level -= records;
        }
        if let Some(slowed) = &mut self.slowed {
            slowed.bucket.level -= records;
        }
        if let Some(bucket) = &mut self.bytes {
            bucket.level -= to_f64(bytes);
        }
    }

    /// So many records were acked.
    pub(crate) fn acked(&mut self, records: i64, now: Instant) {
        self.throughput.add(to_f64(records.unsigned_abs()), now);
    }

    /// The service is overrun: from here on half as fast as records were acked lately, then faster again.
    pub(crate) fn slow_down(&mut self, now: Instant) {
        let before = match &self.slowed {
            // What it was held to is what it reached, at most.
            Some(slowed) => slowed.rate(now).min(self.throughput.rate(now)),
            None => self.throughput.rate(now),
        };
        let rate = (before / 2.0).max(SLOWEST);
        self.slowed = Some(Slowed {
            from: rate,
            since: now,
            bucket: Bucket::new(rate),
        });
    }

    /// Records a second that a stream that was slowed down is held to.
    pub(crate) fn slowed_to(&self, now: Instant) -> Option<f64> {
        let slowed = self.slowed.as_ref()?;
        (!slowed.is_over(now)).then(|| slowed.rate(now))
    }
}

/// Fills at a rate; empties by what is sent, below zero if need be. Nothing goes out from below zero, so that a message
/// of any size can.
#[derive(Debug)]
struct Bucket {
    rate: f64,
    level: f64,
    filled: Option<Instant>,
}

impl Bucket {
    fn new(rate: f64) -> Self {
        Self {
            rate,
            level: 0.0,
            filled: None,
        }
    }

    fn wait(&mut self, now: Instant) -> Duration {
        let passed = self.filled.map_or(Duration::ZERO, |filled| {
            now.saturating_duration_since(filled)
        });
        self.filled = Some(now);
        let full = self.rate * BURST.as_secs_f64();
        self.level = (self.level + self.rate * passed.as_secs_f64()).min(full);
        if self.level >= 0.0 {
            return Duration::ZERO;
        }
        // Rounded up, or it would be polled again for the rest of a nanosecond.
        Duration::try_from_secs_f64(-self.level / self.rate).unwrap_or(Duration::MAX / 4)
            + Duration::from_millis(1)
    }
}

/// Held to a rate that doubles with time.
#[derive(Debug)]
struct Slowed {
    from: f64,
    since: Instant,
    bucket: Bucket,
}

impl Slowed {
    fn rate(&self, now: Instant) -> f64 {
        let passed = now.saturating_duration_since(self.since).as_secs_f64();
        self.from * (passed / RECOVERS_IN.as_secs_f64()).exp2()
    }

    fn is_over(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.since) >= 2 * RECOVERS_IN
    }
}

/// How many records a second were acked lately.
#[derive(Debug, Default)]
struct Throughput {
    since: Option<Instant>,
    records: f64,
    /// Of the last whole span.
    last: Option<f64>,
}

impl Throughput {
    fn add(&mut self, records: f64, now: Instant) {
        let since = *self.since.get_or_insert(now);
        self.records += records;
        let passed = now.saturating_duration_since(since);
        if passed >= SPAN {
            self.last = Some(self.records / passed.as_secs_f64());
            self.since = Some(now);
            self.records = 0.0;
        }
    }

    fn rate(&self, now: Instant) -> f64 {
        let passed = self
            .since
            .map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
        match self.last {
            Some(last) if passed < SPAN => last,
            _ => self.records / passed.max(Duration::from_millis(1)).as_secs_f64(),
        }
    }
}

/// A rate, for which the 53 bits are plenty.
#[allow(clippy::cast_precision_loss)]
fn to_f64(value: u64) -> f64 {
    value as f64
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// When each of these messages goes out, all of them being there from the start.
    fn times(pace: &mut Pace, messages: &[(i64, u64)]) -> Vec<f64> {
        let start = Instant::now();
        let mut now = start;
        let mut times = Vec::new();
        for (records, bytes) in messages {
            while let Some(until) = pace.wait_until(|| now) {
                assert!(until > now);
                now = until;
            }
            pace.sent(*records, *bytes);
            times.push((now - start).as_secs_f64());
        }
        times
    }

    proptest! {
        #[test]
        fn no_more_goes_out_than_allowed_and_little_less(
            messages in proptest::collection::vec((1..5_000i64, 1..70_000u64), 2..60),
            records_rate in 1_000..200_000u64,
            bytes_rate in 10_000..20_000_000u64,
        ) {
            let mut pace = Pace::new(Some(records_rate), Some(bytes_rate));
            let times = times(&mut pace, &messages);
            let (mut records, mut bytes) = (0.0, 0.0);
            for (at, (n, len)) in times.iter().zip(&messages) {
                // What went out before has been paid for, but for what may go out at once.
                let allowed = |rate| to_f64(rate) * (at + BURST.as_secs_f64()) + 1e-6;
                prop_assert!(records <= allowed(records_rate), "{records} records at {at}");
                prop_assert!(bytes <= allowed(bytes_rate), "{bytes} bytes at {at}");
                records += to_f64(n.unsigned_abs());
                bytes += to_f64(*len);
            }
            let before_last = messages.split_last().unwrap().1;
            // Waiting for the one limit may leave some of the other unused.
            let each = before_last.iter().map(|(n, len)| {
                let by_records = to_f64(n.unsigned_abs()) / to_f64(records_rate);
                by_records.max(to_f64(*len) / to_f64(bytes_rate))
            });
            let due: f64 = each.sum();
            let slack = to_f64(messages.len() as u64) * 0.0011 + 1e-6;
            prop_assert!(*times.last().unwrap() <= due + slack);
        }
    }

    #[test]
    fn without_limits_the_clock_is_not_even_read() {
        let mut pace = Pace::new(None, None);
        pace.sent(1_000_000, 1 << 40);
        assert_eq!(pace.wait_until(|| unreachable!()), None);
    }

    #[test]
    fn an_overrun_service_gets_half_and_after_a_minute_all_again() {
        let start = Instant::now();
        let after = |seconds| start + Duration::from_secs(seconds);
        let mut pace = Pace::new(None, None);
        // 100,000 records a second.
        for tenth in 0..50 {
            pace.acked(10_000, start + Duration::from_millis(100 * tenth));
        }
        let close = |rate: Option<f64>, expected: f64| {
            let rate = rate.unwrap();
            assert!(
                (rate / expected - 1.0).abs() < 0.15,
                "{rate} is not about {expected}"
            );
        };
        pace.slow_down(after(5));
        close(pace.slowed_to(after(5)), 50_000.0);
        close(pace.slowed_to(after(35)), 100_000.0);
        assert_eq!(pace.slowed_to(after(65)), None);
        // Again before that: half of what was reached, not of what was before.
        pace.acked(60_000, after(6));
        pace.slow_down(after(6));
        close(pace.slowed_to(after(6)), 25_000.0);
        assert_eq!(pace.wait_until(|| after(67)), None);
        assert!(pace.slowed.is_none());
    }

    #[test]
    fn a_stream_that_got_nowhere_still_moves() {
        let now = Instant::now();
        let mut pace = Pace::new(None, None);
        pace.slow_down(now);
        assert_eq!(pace.slowed_to(now), Some(SLOWEST));
        assert_eq!(pace.wait_until(|| now), None);
        pace.sent(500, 0);
        let wait = pace.wait_until(|| now).unwrap() - now;
        assert!((0.4..0.6).contains(&wait.as_secs_f64()), "{wait:?}");
    }
}
