//! What is measured.

use serde::{Deserialize, Serialize};

/// The table that every stream is for.
pub const TABLE: &str = "bench.client.records";

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
