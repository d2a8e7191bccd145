use std::time::Duration;

use serde_json::{Value, json};

/// Something that goes wrong with an ingest message, or with the commit that holds it. An insert over HTTP counts as a
/// message, and is answered with the status that goes with the code.
///
/// What a fault says has failed has failed: a message that is refused is not stored, a commit that finds the disk full is not
/// made. What was taken before is durable and acked first, as with any other end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Fault {
    /// The stream ends with UNAVAILABLE in place of taking the message. `unavailable`
    Unavailable,
    /// The stream ends with UNAVAILABLE, 6006: what lies behind the service is blocked. `pipeline_blocked`
    PipelineBlocked,
    /// The stream ends with RESOURCE_EXHAUSTED. `resource_exhausted`
    ResourceExhausted,
    /// The stream ends with INTERNAL. `internal`
    Internal,
    /// The message is refused as one that does not fit the table: INVALID_ARGUMENT, 4044. `refuse_record`
    RefuseRecord,
    /// The stream ends with UNAUTHENTICATED, and no token for its table is good any more. `expire_token`
    ExpireToken,
    /// The connection is cut in place of taking the message, with all streams on it. `disconnect`
    Disconnect,
    /// The message is stored, and the connection is cut in place of the ack. `drop_ack`
    DropAck,
    /// The message is taken, and acks of its stream are held back for this long. `delay_ack`, `millis`
    DelayAck(Duration),
    /// The message is taken, and the stream is told that it ends after this long, and does: UNAVAILABLE, 6002.
    /// `close_signal`, `millis`
    CloseSignal(Duration),
    /// Before the message is taken, somebody else adds a nullable STRING column to the table (`added_1`, `added_2`, …), as
    /// ALTER TABLE does. Streams that are open go on, and have NULL in it. `alter_table`
    AlterTable,
    /// A commit finds no room on the disk; counted in commits of a table, not in messages. For one stream, it is that one
    /// alone whose part of the commit finds none. `disk_full`
    DiskFull,
}

impl Fault {
    pub(super) const NAMES: [&str; 12] = [
        "unavailable",
        "pipeline_blocked",
        "resource_exhausted",
        "internal",
        "refuse_record",
        "expire_token",
        "disconnect",
        "drop_ack",
        "delay_ack",
        "close_signal",
        "alter_table",
        "disk_full",
    ];

    pub(super) fn named(name: &str, millis: Option<u64>) -> Result<Self, String> {
        let time = || {
            let millis = millis.ok_or_else(|| format!("{name} needs `millis`"))?;
            Ok::<_, String>(Duration::from_millis(millis))
        };
        let fault = match name {
            "unavailable" => Self::Unavailable,
            "pipeline_blocked" => Self::PipelineBlocked,
            "resource_exhausted" => Self::ResourceExhausted,
            "internal" => Self::Internal,
            "refuse_record" => Self::RefuseRecord,
            "expire_token" => Self::ExpireToken,
            "disconnect" => Self::Disconnect,
            "drop_ack" => Self::DropAck,
            "delay_ack" => return Ok(Self::DelayAck(time()?)),
            "close_signal" => return Ok(Self::CloseSignal(time()?)),
            "alter_table" => Self::AlterTable,
            "disk_full" => Self::DiskFull,
            _ => {
                return Err(format!(
                    "there is no fault {name:?}; there are {}",
                    Self::NAMES.join(", ")
                ));
            }
        };
        match millis {
            None => Ok(fault),
            Some(_) => Err(format!("{name} takes no `millis`")),
        }
    }

    /// All of them, and which take a time.
    pub(crate) fn names_to_json() -> Value {
        let names = Self::NAMES.iter();
        let names =
            names.map(|name| json!({"fault": name, "millis": Self::named(name, None).is_err()}));
        names.collect()
    }

    /// Its name in a list.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Unavailable => "unavailable",
            Self::PipelineBlocked => "pipeline_blocked",
            Self::ResourceExhausted => "resource_exhausted",
            Self::Internal => "internal",
            Self::RefuseRecord => "refuse_record",
            Self::ExpireToken => "expire_token",
            Self::Disconnect => "disconnect",
            Self::DropAck => "drop_ack",
            Self::DelayAck(_) => "delay_ack",
            Self::CloseSignal(_) => "close_signal",
            Self::AlterTable => "alter_table",
            Self::DiskFull => "disk_full",
        }
    }

    pub(super) fn millis(self) -> Option<u64> {
        match self {
            Self::DelayAck(time) | Self::CloseSignal(time) => u64::try_from(time.as_millis()).ok(),
            _ => None,
        }
    }
}
