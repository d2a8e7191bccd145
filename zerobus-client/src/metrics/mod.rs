mod prometheus;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use zerobus_schema::TableName;

use self::prometheus::Exposition;
use crate::state::StreamState;

/// What one stream has done so far, at one moment; made by [`Stream::metrics`](crate::Stream::metrics) and
/// [`StreamWatch::metrics`](crate::StreamWatch::metrics).
///
/// ```no_run
/// # fn run<R>(one: &zerobus_client::Stream<R>, two: &zerobus_client::Stream<R>) {
/// let now = one.metrics();
/// println!("{} records wait, the oldest for {:?}", now.inflight_records, now.oldest_unacked);
///
/// // For Prometheus, all streams together:
/// let text = zerobus_client::StreamMetrics::to_prometheus(&[now, two.metrics()]);
/// # }
/// ```
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct StreamMetrics {
    /// The table the stream writes to.
    pub table: TableName,
    /// The stream's number in this process, from 1. It keeps it over reconnects.
    pub stream: u64,
    /// Where it is in its life.
    pub state: StreamState,
    /// Records that were queued as messages. What is still gathering is not counted yet.
    pub queued_records: u64,
    /// Their encoded bytes.
    pub queued_bytes: u64,
    /// Messages that went out, each resend counted.
    pub sent_messages: u64,
    /// Records in them.
    pub sent_records: u64,
    /// Encoded bytes of these records.
    pub sent_bytes: u64,
    /// Records that are durable, or that the dead-letter sink got.
    pub acked_records: u64,
    /// Their encoded bytes.
    pub acked_bytes: u64,
    /// Records that are queued and not acked.
    pub inflight_records: u64,
    /// Their encoded bytes.
    pub inflight_bytes: u64,
    /// How long the oldest message that is not acked has been queued.
    pub oldest_unacked: Option<Duration>,
    /// Connections that were made anew, for whatever reason.
    pub reconnects: u64,
    /// Times the service asked the stream to move, and it did.
    pub rotations: u64,
    /// Attempts to open the stream that failed.
    pub failed_attempts: u64,
    /// Records sent again after a reconnect, each time counted.
    pub resent_records: u64,
    /// Records that the service refused and the dead-letter sink got.
    pub refused_records: u64,
    /// Records a second that the stream is held to because the service was overrun.
    pub slowed_to: Option<f64>,
    /// The time from queued to acked, a message each.
    pub ack_latency: LatencyHistogram,
}

impl StreamMetrics {
    /// The metrics of some streams in Prometheus' text format, labelled with table and stream. Names and labels are
    /// a contract.
    #[must_use]
    pub fn to_prometheus(streams: &[Self]) -> String {
        Exposition(streams).to_string()
    }
}

/// The upper ends of a histogram's buckets, in milliseconds; the last one has none.
const BUCKETS: [u64; 16] = [
    1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 120_000,
];

/// How many of something took how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct LatencyHistogram {
    counts: [u64; BUCKETS.len()],
    count: u64,
    sum: Duration,
}

impl LatencyHistogram {
    pub(crate) fn add(&mut self, latency: Duration) {
        let bucket = BUCKETS.partition_point(|end| Duration::from_millis(*end) < latency);
        if let Some(count) = self.counts.get_mut(bucket) {
            *count += 1;
        }
        self.count += 1;
        self.sum += latency;
    }

    /// How many were measured.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.count
    }

    /// How long they took together.
    #[must_use]
    pub fn sum(&self) -> Duration {
        self.sum
    }

    /// For each bucket its upper end, and how many took that long or less.
    pub fn buckets(&self) -> impl Iterator<Item = (Duration, u64)> {
        let mut total = 0;
        BUCKETS
            .into_iter()
            .zip(self.counts)
            .map(move |(end, count)| {
                total += count;
                (Duration::from_millis(end), total)
            })
    }

    /// The upper end of the bucket that holds this share of them, 0.99 for the 99th percentile; none when nothing was
    /// measured, or it lies beyond two minutes.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Option<Duration> {
        let count = f64::from(u32::try_from(self.count).unwrap_or(u32::MAX));
        let wanted = (share.clamp(0.0, 1.0) * count).max(1.0);
        self.buckets()
            .find(|(_, total)| f64::from(u32::try_from(*total).unwrap_or(u32::MAX)) >= wanted)
            .map(|(end, _)| end)
            .filter(|_| self.count > 0)
    }
}

/// What a stream counts as it goes, under the lock of its queue.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) queued_bytes: u64,
    pub(crate) sent_messages: u64,
    pub(crate) sent_records: u64,
    pub(crate) sent_bytes: u64,
    pub(crate) rotations: u64,
    pub(crate) failed_attempts: u64,
    pub(crate) ack_latency: LatencyHistogram,
}

/// The number of the next stream of this process.
pub(crate) fn stream_number() -> u64 {
    static STREAMS: AtomicU64 = AtomicU64::new(0);
    STREAMS.fetch_add(1, Ordering::Relaxed) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_counted_by_the_bucket_they_fit() {
        let mut latency = LatencyHistogram::default();
        assert_eq!(latency.quantile(0.5), None);
        for millis in [1, 1, 3, 50, 51, 500_000] {
            latency.add(Duration::from_millis(millis));
        }
        let up_to = |millis| {
            let mut buckets = latency.buckets();
            buckets
                .find(|(end, _)| *end == Duration::from_millis(millis))
                .unwrap()
                .1
        };
        assert_eq!([1, 2, 5, 50, 100, 120_000].map(up_to), [2, 2, 3, 4, 5, 5]);
        assert_eq!((latency.count(), latency.sum().as_millis()), (6, 500_106));
        assert_eq!(latency.quantile(0.0), Some(Duration::from_millis(1)));
        assert_eq!(latency.quantile(0.5), Some(Duration::from_millis(5)));
        assert_eq!(latency.quantile(1.0), None);
    }
}
