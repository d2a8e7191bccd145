//! What is measured.

use serde::{Deserialize, Serialize};

/// One measurement: a process that sends and one that discards.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    pub writer: Writer,
    pub call: Call,
    /// Of one encoded record.
    pub bytes: usize,
    pub load: Load,
    pub acks: Acks,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Writer {
    /// The client of the toolkit.
    Ours,
    /// The official SDK.
    Sdk,
    /// Messages that were encoded before, on a plain tonic stream: what the transport alone takes.
    Floor,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Call {
    /// One call for each record.
    Single,
    /// One call for so many records.
    Batch(usize),
    /// One call for each record and one for its ack.
    Wait,
    /// One call for each record, which is JSON text.
    Json,
    /// One call for each record, which is filled in field by field against a descriptor.
    Dynamic,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub enum Load {
    /// As fast as it goes, for so many seconds.
    Full { seconds: f64 },
    /// So many records a second, for so many seconds.
    Rate { records: f64, seconds: f64 },
    /// So many records, none of which is acked.
    Held { records: u64 },
}

/// When the server acks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Acks {
    /// Whenever it has read something.
    Prompt,
    /// Each thousand records, half a million records late.
    Lagging,
    /// Never.
    Withheld,
}

impl Case {
    pub fn full(writer: Writer, call: Call, bytes: usize, seconds: f64) -> Self {
        Self {
            writer,
            call,
            bytes,
            load: Load::Full { seconds },
            acks: Acks::Prompt,
        }
    }

    pub fn rate(writer: Writer, records: f64, seconds: f64) -> Self {
        Self {
            load: Load::Rate { records, seconds },
            ..Self::full(writer, Call::Single, 100, seconds)
        }
    }
}

/// What one measurement found.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Outcome {
    pub records: u64,
    pub seconds: f64,
    /// Of the sending process.
    pub cpu_seconds: f64,
    /// Of the discarding process, from its start on.
    pub server_cpu_seconds: f64,
    /// CPU time on the sender's core that went to others.
    pub others_seconds: f64,
    /// Most memory of the sending process, less what it had before the stream was opened.
    pub peak_bytes: u64,
    /// The same at the end, with everything unacked where acks are withheld.
    pub end_bytes: u64,
    /// From call to ack, in microseconds.
    pub p50: Option<f64>,
    pub p99: Option<f64>,
    /// Nanoseconds to encode one record into a buffer that is used again.
    pub encode: Option<f64>,
}

impl Outcome {
    pub fn records_per_second(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    /// CPU seconds of the sender for a million records.
    pub fn cpu_per_million(&self) -> f64 {
        self.cpu_seconds / self.records as f64 * 1e6
    }

    /// Whether others took so much of the sender's core that its rate says little.
    pub fn is_disturbed(&self) -> bool {
        self.others_seconds > 0.05 * self.seconds
    }

    /// The median of each figure.
    pub fn median(outcomes: &[Self]) -> Self {
        let of = |figure: fn(&Self) -> f64| {
            let mut figures: Vec<f64> = outcomes.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied().unwrap_or(0.0)
        };
        let some = |figure: fn(&Self) -> Option<f64>| {
            let mut figures: Vec<f64> = outcomes.iter().filter_map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures.get(figures.len() / 2).copied()
        };
        // Of a million records, because the rounds have different numbers of them.
        Self {
            records: 1_000_000,
            seconds: of(|outcome| 1e6 / outcome.records_per_second()),
            cpu_seconds: of(Self::cpu_per_million),
            server_cpu_seconds: of(|it| it.server_cpu_seconds / it.records as f64 * 1e6),
            others_seconds: of(|it| it.others_seconds / it.seconds * 1e6 / it.records_per_second()),
            peak_bytes: of(|outcome| outcome.peak_bytes as f64) as u64,
            end_bytes: of(|outcome| outcome.end_bytes as f64) as u64,
            p50: some(|outcome| outcome.p50),
            p99: some(|outcome| outcome.p99),
            encode: some(|outcome| outcome.encode),
        }
    }
}
