use std::fmt;

/// Where a stream is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum StreamState {
    /// Open: records are taken and sent.
    Opened,
    /// Open, and a `flush` or `close` waits for acks.
    Flushing,
    /// The connection is lost or being exchanged: records are taken, and sent once there is a new one.
    Recovering,
    /// Ended by its owner: closed when everything was acked, or dropped.
    Closed,
    /// Ended by an error. What is not acked can be had with `get_unacked_records`.
    Failed,
}

impl StreamState {
    pub(crate) const ALL: [Self; 5] = [
        Self::Opened,
        Self::Flushing,
        Self::Recovering,
        Self::Closed,
        Self::Failed,
    ];

    /// Whether the stream takes no more records.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Closed | Self::Failed)
    }
}

impl fmt::Display for StreamState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Opened => "OPENED",
            Self::Flushing => "FLUSHING",
            Self::Recovering => "RECOVERING",
            Self::Closed => "CLOSED",
            Self::Failed => "FAILED",
        })
    }
}
