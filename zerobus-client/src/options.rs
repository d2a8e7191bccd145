use std::time::Duration;

use zerobus_proto::contract::BATCH_RECORD_BYTES;

use crate::batch::BatchLimits;
use crate::error::Error;

/// How a stream behaves. Names and defaults are the official SDK's where they mean the same.
///
/// ```
/// use std::time::Duration;
/// use zerobus_client::StreamOptions;
///
/// let mut options = StreamOptions::default();
/// options.max_inflight_bytes = 64 << 20;
/// options.flush_timeout = Duration::from_secs(30);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct StreamOptions {
    /// Records taken and not acked; with this many, ingest calls wait. 1,000,000.
    #[doc(alias = "max_inflight_requests")]
    pub max_inflight_records: usize,
    /// Encoded bytes taken and not acked; from this many on, ingest calls wait. It bounds the stream's memory, but
    /// for one record. Below it, an ingest call that is a MiB ahead of a connection that sends waits for that, for 2 ms
    /// at most. 256 MiB.
    pub max_inflight_bytes: usize,
    /// Records a second that are sent at most, so that a stream keeps within its quota; more are taken, and wait.
    /// `None`: no limit.
    pub max_records_per_second: Option<u64>,
    /// Encoded bytes a second that are sent at most. `None`: no limit.
    pub max_bytes_per_second: Option<u64>,
    /// Whether a lost connection is made anew and what is not acked sent again. Without it the stream ends with the
    /// first error. On.
    pub recovery: bool,
    /// The time one attempt to open the stream may take, token included. 15 s.
    pub recovery_timeout: Duration,
    /// The first pause between two attempts; each further one is twice as long, up to a minute, and shortened at
    /// random by up to half. The first attempt after the loss of an open stream follows almost at once. 2 s.
    pub recovery_backoff: Duration,
    /// Attempts in a row without anything new being acked, before the stream ends. 4.
    pub recovery_retries: u32,
    /// The time the oldest message may wait for its ack, whatever else arrives, before the connection counts as
    /// lost. 60 s.
    pub server_lack_of_ack_timeout: Duration,
    /// The time `flush`, `close` and `wait_for_offset` may take. 300 s.
    pub flush_timeout: Duration,
    /// The time outstanding acks are waited for when the service asks the stream to move: `None` for as long as the
    /// service leaves, zero for not at all, else the shorter of the two. Records are taken meanwhile. `None`.
    pub stream_paused_max_wait_time: Option<Duration>,
    /// The time `close` waits for [ack callbacks](crate::AckCallback) that are still to come: `None` for as long as
    /// they take, zero for not at all. 5 s.
    pub callback_max_wait_time: Option<Duration>,
    /// Whether a stream that is refused for one record finds out which, and ends with
    /// [`Error::RecordRefused`](crate::Error::RecordRefused) that names its offset, at the cost of some reconnects.
    /// With a dead-letter sink it is found in any case, and the stream goes on. Off.
    pub name_refused_record: bool,
    /// Whether the live table is held against the columns that records were made for when the stream opens, where the
    /// client has credentials for the catalog. What is breaking is [`Error::Drift`](crate::Error::Drift), column by
    /// column; the rest is one event. A catalog that cannot be read within 3 s keeps no stream from opening. On.
    pub check_schema: bool,
    /// How many times a minute a refused record is searched for, before a refusal ends the stream. 16.
    pub max_isolations: u32,
    /// Encoded bytes with which a batch is sent; at most 10,420,224. 64 KiB.
    #[doc(alias = "max_ingest_payload_bytes")]
    pub batch_bytes: usize,
    /// Records with which a batch is sent. 4,096.
    pub batch_records: usize,
    /// The time a batch that is not full waits for more records; zero sends every record, or every call of
    /// `ingest_records`, by itself. 5 ms.
    pub linger: Duration,
}

impl Default for StreamOptions {
    fn default() -> Self {
        Self {
            max_inflight_records: 1_000_000,
            max_inflight_bytes: 256 << 20,
            max_records_per_second: None,
            max_bytes_per_second: None,
            recovery: true,
            recovery_timeout: Duration::from_secs(15),
            recovery_backoff: Duration::from_secs(2),
            recovery_retries: 4,
            server_lack_of_ack_timeout: Duration::from_secs(60),
            flush_timeout: Duration::from_secs(300),
            stream_paused_max_wait_time: None,
            callback_max_wait_time: Some(Duration::from_secs(5)),
            name_refused_record: false,
            check_schema: true,
            max_isolations: 16,
            batch_bytes: 64 << 10,
            batch_records: 4_096,
            linger: Duration::from_millis(5),
        }
    }
}

impl StreamOptions {
    /// Refuses what would never send, or never wait.
    pub(crate) fn check(&self) -> Result<(), Error> {
        for (name, value) in [
            ("max_inflight_records", self.max_inflight_records),
            ("max_inflight_bytes", self.max_inflight_bytes),
            ("batch_bytes", self.batch_bytes),
            ("batch_records", self.batch_records),
        ] {
            if value == 0 {
                return Err(Error::configuration(format!(
                    "{name} is 0; it must be at least 1"
                )));
            }
        }
        for (name, value) in [
            ("max_records_per_second", self.max_records_per_second),
            ("max_bytes_per_second", self.max_bytes_per_second),
        ] {
            if value == Some(0) {
                return Err(Error::configuration(format!(
                    "{name} is 0, so nothing would be sent; give it a rate, or None for no limit"
                )));
            }
        }
        for (name, value) in [
            ("recovery_timeout", self.recovery_timeout),
            (
                "server_lack_of_ack_timeout",
                self.server_lack_of_ack_timeout,
            ),
            ("flush_timeout", self.flush_timeout),
        ] {
            if value.is_zero() {
                return Err(Error::configuration(format!(
                    "{name} is 0; give it a duration"
                )));
            }
        }
        if self.batch_bytes > BATCH_RECORD_BYTES {
            return Err(Error::configuration(format!(
                "batch_bytes is {}; a message takes at most {BATCH_RECORD_BYTES}",
                self.batch_bytes
            )));
        }
        Ok(())
    }

    pub(crate) fn batch_limits(&self) -> BatchLimits {
        BatchLimits {
            bytes: self.batch_bytes,
            records: i64::try_from(self.batch_records).unwrap_or(i64::MAX),
            message_bytes: BATCH_RECORD_BYTES,
        }
    }
}
