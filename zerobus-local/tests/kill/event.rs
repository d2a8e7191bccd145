//! The records: everything in them follows from who sent them and their number.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, RecordBatch};
use prost::Message;
use zerobus_client::{TimestampMicros, ZerobusRecord};

use crate::random::Random;

/// The columns of every table in these tests.
pub(crate) const COLUMNS: &str = "(seq BIGINT NOT NULL, source INT NOT NULL, observed_at TIMESTAMP NOT NULL, ratio DOUBLE, \
                           label STRING, payload BINARY NOT NULL)";

#[derive(Debug, Clone, PartialEq, ZerobusRecord)]
#[zerobus(table = "main.default.events", schema = "tests/kill/events.json")]
pub(crate) struct Event {
    pub(crate) seq: i64,
    pub(crate) source: i32,
    pub(crate) observed_at: TimestampMicros,
    pub(crate) ratio: Option<f64>,
    pub(crate) label: Option<String>,
    pub(crate) payload: Vec<u8>,
}

impl Event {
    pub(crate) fn new(source: i32, seq: i64) -> Self {
        let mut random =
            Random::new(seq.cast_unsigned() ^ (u64::from(source.unsigned_abs()) << 48));
        let len = match random.below(100) {
            0 => random.below(20_000),
            1..30 => 0,
            _ => random.below(200),
        };
        Self {
            seq,
            source,
            observed_at: TimestampMicros::from_micros(1_700_000_000_000_000 + 1_000 * seq),
            ratio: (random.below(5) > 0).then(|| random.below(1 << 40) as f64 / 7.0),
            label: (random.below(3) > 0).then(|| format!("№ {}", random.below(1_000))),
            payload: (0..len).map(|_| random.next().to_le_bytes()[3]).collect(),
        }
    }

    /// The record that these bytes were encoded from, read by prost.
    pub(crate) fn decode(bytes: &[u8]) -> Self {
        let wire = Wire::decode(bytes).expect("an unacked record cannot be decoded");
        Self {
            seq: wire.seq,
            source: wire.source,
            observed_at: TimestampMicros::from_micros(wire.observed_at),
            ratio: wire.ratio,
            label: wire.label,
            payload: wire.payload,
        }
    }

    /// The rows of a batch.
    pub(crate) fn rows(batch: &RecordBatch) -> impl Iterator<Item = Self> {
        let column = |name: &str| batch.column_by_name(name).expect("a column is missing");
        let seq = column("seq").as_primitive::<Int64Type>();
        let source = column("source").as_primitive::<Int32Type>();
        let observed_at = column("observed_at").as_primitive::<TimestampMicrosecondType>();
        let ratio = column("ratio").as_primitive::<Float64Type>();
        let label = column("label").as_string::<i32>();
        let payload = column("payload").as_binary::<i32>();
        for required in [
            seq.nulls(),
            source.nulls(),
            observed_at.nulls(),
            payload.nulls(),
        ] {
            assert_eq!(required.map_or(0, |nulls| nulls.null_count()), 0);
        }
        (0..batch.num_rows()).map(move |row| Self {
            seq: seq.value(row),
            source: source.value(row),
            observed_at: TimestampMicros::from_micros(observed_at.value(row)),
            ratio: ratio.is_valid(row).then(|| ratio.value(row)),
            label: label.is_valid(row).then(|| label.value(row).to_owned()),
            payload: payload.value(row).to_owned(),
        })
    }
}

/// The same message for prost.
#[derive(Message)]
struct Wire {
    #[prost(int64, required, tag = "1")]
    seq: i64,
    #[prost(int32, required, tag = "2")]
    source: i32,
    #[prost(int64, required, tag = "3")]
    observed_at: i64,
    #[prost(double, optional, tag = "4")]
    ratio: Option<f64>,
    #[prost(string, optional, tag = "5")]
    label: Option<String>,
    #[prost(bytes = "vec", required, tag = "6")]
    payload: Vec<u8>,
}
