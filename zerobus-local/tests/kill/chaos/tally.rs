//! What came of it, in numbers.

/// Sums over streams.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Tally {
    pub(super) streams: i64,
    pub(super) records: i64,
    /// Connections beyond the first of each stream.
    pub(super) reconnects: i64,
    /// Records sent more than once, each time counted.
    pub(super) resent: i64,
    /// Rows beyond the first of each record.
    pub(super) stored_again: i64,
    /// Streams that gave up, and streams that were left.
    pub(super) failed: i64,
    pub(super) left: i64,
    /// Records that they handed back.
    pub(super) handed_back: i64,
    /// Records that a dead-letter sink got.
    pub(super) refused: i64,
    /// Servers killed, ended or halted.
    pub(super) outages: i64,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.streams += other.streams;
        self.records += other.records;
        self.reconnects += other.reconnects;
        self.resent += other.resent;
        self.stored_again += other.stored_again;
        self.failed += other.failed;
        self.left += other.left;
        self.handed_back += other.handed_back;
        self.refused += other.refused;
        self.outages += other.outages;
    }

    /// Where nothing went wrong, nothing was shown.
    pub(super) fn assert_it_was_chaos(&self) {
        for (what, count, least) in [
            ("reconnects", self.reconnects, self.streams),
            ("resent", self.resent, self.streams),
            ("stored_again", self.stored_again, 100),
            ("failed", self.failed, 50),
            ("left", self.left, 50),
            ("handed_back", self.handed_back, 1_000),
            ("refused", self.refused, 1),
            ("outages", self.outages, 50),
        ] {
            assert!(count >= least, "{what}: {count} in {self:?}");
        }
    }
}
