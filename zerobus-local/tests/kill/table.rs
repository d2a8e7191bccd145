//! What is on the disk in the end, by a reader that shares no code with the server.

use std::collections::BTreeMap;
use std::path::Path;

use read_delta::DeltaLog;

use crate::event::Event;

/// What a table holds of one source.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// The first number that is not in the table; all before it are.
    pub(crate) records: i64,
    /// Rows beyond the first of each number.
    pub(crate) duplicates: i64,
}

/// Reads a table and holds it to what every reader may rely on: each file whole and as long as the log says, each
/// row as it was sent, and the numbers of a source, where they occur first, one after the other.
pub(crate) fn read(table: &Path) -> BTreeMap<i32, Found> {
    let log = DeltaLog::read(table).unwrap();
    let mut sources: BTreeMap<i32, Found> = BTreeMap::new();
    let mut rows = 0;
    for batch in read_delta::rows(table).unwrap() {
        let batch = batch.unwrap_or_else(|error| panic!("{error}"));
        for row in Event::rows(&batch) {
            rows += 1;
            let found = sources.entry(row.source).or_default();
            if row.seq == found.records {
                found.records += 1;
            } else if row.seq < found.records {
                found.duplicates += 1;
            } else {
                panic!(
                    "{} of source {} stands before {}",
                    row.seq, row.source, found.records
                );
            }
            assert_eq!(row, Event::new(row.source, row.seq));
        }
    }
    assert_eq!(
        log.num_records(),
        Some(rows),
        "rows by the statistics of the log"
    );
    sources
}
