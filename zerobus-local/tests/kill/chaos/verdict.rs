//! What is on the disk in the end, held against what the caller knows.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::tally::Tally;
use super::trial::Outcome;
use crate::event::Event;

/// Everything that was taken is stored, but for what was refused; in the order of its producer; and not oftener than
/// it was sent.
pub(super) fn judge(table: &Path, outcome: Outcome) -> Tally {
    let Outcome {
        taken,
        refused,
        mut tally,
    } = outcome;
    let mut stored: BTreeMap<i32, BTreeSet<i64>> = BTreeMap::new();
    for batch in read_delta::rows(table).unwrap() {
        for row in Event::rows(&batch.unwrap()) {
            let seqs = stored.entry(row.source).or_default();
            let last = seqs.last().copied().unwrap_or(-1);
            if seqs.insert(row.seq) {
                assert!(
                    row.seq > last,
                    "{} of producer {} stands after {last}",
                    row.seq,
                    row.source
                );
            } else {
                tally.stored_again += 1;
            }
            assert_eq!(row, Event::new(row.source, row.seq));
        }
    }
    for (producer, taken) in &taken {
        let stored = stored.remove(producer).unwrap_or_default();
        let missing: Vec<i64> = (0..*taken)
            .filter(|seq| !stored.contains(seq) && !refused.contains(&(*producer, *seq)))
            .collect();
        assert!(
            missing.is_empty(),
            "lost of producer {producer}: {missing:?}"
        );
        assert!(
            stored.last().is_none_or(|last| last < taken),
            "producer {producer}: stored and never taken"
        );
    }
    assert!(stored.is_empty(), "stored of nobody: {stored:?}");
    assert!(
        tally.stored_again <= tally.resent,
        "{} stored again, {} sent again",
        tally.stored_again,
        tally.resent
    );
    tally
}
