use zerobus_schema::TableName;

use super::Fault;

/// A fault, and when it happens: with every message, unless it is told otherwise.
///
/// ```
/// use zerobus_local::{Fault, FaultRule};
///
/// // The third message into one table.
/// let rule = FaultRule::new(Fault::RefuseRecord).table("main.default.t".parse()?).nth(3);
/// // One commit in ten, the same ones in every run.
/// let rule = FaultRule::new(Fault::DiskFull).probability(0.1, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[must_use = "a rule does nothing until a server has it"]
pub struct FaultRule {
    pub(super) fault: Fault,
    pub(super) table: Option<TableName>,
    pub(super) stream: Option<String>,
    pub(super) after: u64,
    pub(super) times: Option<u64>,
    pub(super) probability: f64,
    pub(super) seed: u64,
}

impl FaultRule {
    /// The fault, with every message of every stream.
    pub fn new(fault: Fault) -> Self {
        Self {
            fault,
            table: None,
            stream: None,
            after: 0,
            times: None,
            probability: 1.0,
            seed: 0,
        }
    }

    /// With messages into this table only.
    pub fn table(mut self, table: TableName) -> Self {
        self.table = Some(table);
        self
    }

    /// With messages of the stream of this id only, which the server gives it when it is created. Requests over HTTP are
    /// no streams.
    pub fn stream(mut self, stream_id: impl Into<String>) -> Self {
        self.stream = Some(stream_id.into());
        self
    }

    /// Not with the first `after`.
    pub fn after(mut self, after: u64) -> Self {
        self.after = after;
        self
    }

    /// So many times, then never again.
    pub fn times(mut self, times: u64) -> Self {
        self.times = Some(times);
        self
    }

    /// Once.
    pub fn once(self) -> Self {
        self.times(1)
    }

    /// With the nth only, counted from 1.
    pub fn nth(self, nth: u64) -> Self {
        self.after(nth.saturating_sub(1)).once()
    }

    /// Each time with this probability, from 0 to 1, drawn from a sequence that follows from the seed.
    pub fn probability(mut self, probability: f64, seed: u64) -> Self {
        self.probability = probability.clamp(0.0, 1.0);
        self.seed = seed;
        self
    }
}
