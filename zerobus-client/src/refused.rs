use std::fmt;
use std::sync::{Arc, Mutex};

use bytes::Bytes;

use zerobus_record::ColumnPath;

use crate::status::StatusError;

/// A record that the service refuses, as a dead-letter sink gets it.
#[derive(Clone)]
#[non_exhaustive]
pub struct RefusedRecord {
    /// The offset that its ingest call returned.
    pub offset: i64,
    /// Who took it: 0 for the stream itself, else the [`id`](crate::Producer::id) of a producer.
    pub producer: u64,
    /// On which of the [lanes](crate::Lanes); 0 without.
    pub lane: usize,
    /// The record as it was encoded.
    pub record: Bytes,
    /// How many records were refused together: 1, or those of a batch that is stored whole or not at all
    /// ([`Stream::ingest_batch`](crate::Stream::ingest_batch)), of which the service does not say which it is about.
    pub batch_records: usize,
    /// The column that the service's text names, where it names one, or where its place in a JSON record is said. The
    /// text is made for people, so this is too: it may be missing at any time.
    pub column: Option<ColumnPath>,
    /// What the service said.
    pub error: StatusError,
}

/// Where refused records go.
pub(crate) type DeadLetters = Arc<Mutex<dyn FnMut(RefusedRecord) + Send>>;

impl fmt::Debug for RefusedRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefusedRecord")
            .field("offset", &self.offset)
            .field("producer", &self.producer)
            .field("bytes", &self.record.len())
            .field("batch_records", &self.batch_records)
            .field("column", &self.column.as_ref().map(ToString::to_string))
            .field("error", &self.error)
            .finish()
    }
}
