//! Persistent streams: streams that outlive their connection, each message stored once.
//!
//! How far a stream has come is in its table's log, as the `txn` of an application (Delta's PROTOCOL.md, "Transaction
//! Identifiers"), in the very commit that has the rows. The table's writer is the only one who counts, so that a stream
//! which is resumed while an earlier connection still has something on its way goes on from where that one was stopped.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use tokio::sync::oneshot;
use tonic::{Code, Status};
use zerobus_schema::TableName;

use super::failure::WriteFailure;
use super::sink::Sink;
use super::status::write_failed;
use crate::delta::{DeltaError, DeltaTable, Txn};

const APP_ID_PREFIX: &str = "zerobus-local/stream/";

/// The longest name of a stream that is looked for.
const STREAM_ID_MAX: usize = 128;

/// Counts of a stream that is there and has stored nothing, and of one that was retired.
const NOTHING: i64 = -1;
const RETIRED: i64 = -2;

/// Streams remembered as open before those that are not are forgotten.
const OPEN_MAX: usize = 1_000;

/// What a table's writer is asked about a persistent stream.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) app_id: String,
    pub(super) what: What,
    pub(super) reply: oneshot::Sender<Result<(), Problem>>,
}

#[derive(Debug)]
pub(super) enum What {
    /// To begin with this.
    Create(Arc<Sink>),
    /// To go on with this, and with no other connection's.
    Resume(Arc<Sink>),
    /// To end for good.
    Retire,
}

/// Why there is no stream to go on with.
#[derive(Debug)]
pub(super) enum Problem {
    Unknown,
    Retired,
    Failed(WriteFailure),
}

/// The name under which a stream counts.
pub(super) fn app_id(stream_id: &str) -> Option<String> {
    let is_possible = !stream_id.is_empty() && stream_id.len() <= STREAM_ID_MAX;
    is_possible.then(|| format!("{APP_ID_PREFIX}{stream_id}"))
}

impl Problem {
    pub(super) fn status(&self, table: &TableName, stream_id: &str) -> Status {
        match self {
            Self::Unknown => Status::not_found(format!(
                "Table {table} has no persistent stream {stream_id:?}; create one."
            )),
            Self::Retired => Status::failed_precondition(format!(
                "The persistent stream {stream_id:?} of table {table} was retired; create another one."
            )),
            Self::Failed(failure) => write_failed(table, failure, "of it"),
        }
    }
}

/// The persistent streams of a table that have a connection.
#[derive(Debug, Default)]
pub(super) struct PersistentStreams {
    open: HashMap<String, Weak<Sink>>,
}

impl PersistentStreams {
    /// Does what is asked, unless the table cannot be read or written.
    pub(super) fn answer(
        &mut self,
        app_id: &str,
        what: What,
        table: &mut DeltaTable,
    ) -> Result<Result<(), Problem>, DeltaError> {
        let last = match &what {
            What::Create(_) => {
                count(table, app_id, NOTHING)?;
                None
            }
            What::Resume(_) | What::Retire => {
                self.stop(app_id);
                match table.txn_version(app_id)? {
                    None => return Ok(Err(Problem::Unknown)),
                    Some(RETIRED) => return Ok(Err(Problem::Retired)),
                    Some(NOTHING) => None,
                    last => last,
                }
            }
        };
        match what {
            What::Create(sink) | What::Resume(sink) => {
                sink.go_on_after(last);
                if self.open.len() >= OPEN_MAX {
                    self.open.retain(|_, sink| sink.strong_count() > 0);
                }
                self.open.insert(app_id.to_owned(), Arc::downgrade(&sink));
            }
            What::Retire => count(table, app_id, RETIRED)?,
        }
        Ok(Ok(()))
    }

    /// Lets nothing more come from the connection that a stream has.
    fn stop(&mut self, app_id: &str) {
        let open = self.open.remove(app_id);
        if let Some(sink) = open.and_then(|sink| sink.upgrade()) {
            // Nobody tries again after this: the other connection is the one that counts.
            let problem = "the stream was resumed or retired on another connection, which knows how far it has come";
            let failure = WriteFailure::new(Code::FailedPrecondition, problem.to_owned());
            sink.fail(&Arc::new(failure));
        }
    }
}

fn count(table: &mut DeltaTable, app_id: &str, version: i64) -> Result<(), DeltaError> {
    table.append(&[], &[Txn { app_id, version }]).map(drop)
}
