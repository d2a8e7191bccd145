//! Counts for `GET /metrics`, in Prometheus' text format. Their names are a contract.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::table::Table;
use crate::delta::CommitInfo;
use crate::server::Received;

/// What became of one table since the server's start.
#[derive(Debug, Default)]
pub(super) struct TableMetrics {
    streams_open: AtomicI64,
    streams_opened: AtomicU64,
    streams_refused: AtomicU64,
    messages: AtomicU64,
    records: AtomicU64,
    record_bytes: AtomicU64,
    commits: AtomicU64,
    commit_micros: AtomicU64,
    commit_failures: AtomicU64,
    rows: AtomicU64,
    bytes: AtomicU64,
    version: AtomicU64,
    compactions: AtomicU64,
    compaction_failures: AtomicU64,
    commit_problem: Problem,
    compaction_problem: Problem,
    ack_waits: AtomicU64,
    ack_wait_micros: AtomicU64,
}

/// The counts of one table at one time.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counts {
    pub(super) received: Received,
    pub(super) rows: u64,
    pub(super) commits: u64,
    pub(super) commit_failures: u64,
    pub(super) version: u64,
    pub(super) streams_open: u64,
    pub(super) streams_refused: u64,
    pub(super) ack_waits: u64,
    pub(super) ack_wait: Duration,
}

/// Why something failed the last time, until it succeeds.
#[derive(Debug, Default)]
struct Problem(Mutex<Option<String>>);

impl Problem {
    fn set(&self, problem: Option<String>) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = problem;
    }

    fn get(&self) -> Option<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

/// A stream as long as it is open.
#[derive(Debug)]
pub(super) struct OpenStream(Arc<TableMetrics>);

impl TableMetrics {
    pub(super) fn open_stream(self: &Arc<Self>) -> OpenStream {
        self.streams_opened.fetch_add(1, Ordering::Relaxed);
        self.streams_open.fetch_add(1, Ordering::Relaxed);
        OpenStream(Arc::clone(self))
    }

    pub(super) fn stream_refused(&self) {
        self.streams_refused.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn message(&self, records: usize, bytes: usize) {
        let add = |counter: &AtomicU64, by: usize| {
            counter.fetch_add(u64::try_from(by).unwrap_or_default(), Ordering::Relaxed);
        };
        add(&self.messages, 1);
        add(&self.records, records);
        add(&self.record_bytes, bytes);
    }

    pub(super) fn received(&self) -> Received {
        Received {
            messages: self.messages.load(Ordering::Relaxed),
            records: self.records.load(Ordering::Relaxed),
            bytes: self.record_bytes.load(Ordering::Relaxed),
        }
    }

    pub(super) fn counts(&self) -> Counts {
        let open = self.streams_open.load(Ordering::Relaxed);
        Counts {
            received: self.received(),
            rows: self.rows.load(Ordering::Relaxed),
            commits: self.commits.load(Ordering::Relaxed),
            commit_failures: self.commit_failures.load(Ordering::Relaxed),
            version: self.version.load(Ordering::Relaxed),
            streams_open: u64::try_from(open).unwrap_or_default(),
            streams_refused: self.streams_refused.load(Ordering::Relaxed),
            ack_waits: self.ack_waits.load(Ordering::Relaxed),
            ack_wait: Duration::from_micros(self.ack_wait_micros.load(Ordering::Relaxed)),
        }
    }

    /// What was taken so long ago is durable now.
    pub(super) fn durable_after(&self, waited: Duration) {
        let micros = u64::try_from(waited.as_micros()).unwrap_or_default();
        self.ack_wait_micros.fetch_add(micros, Ordering::Relaxed);
        self.ack_waits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn committed(&self, commit: &CommitInfo, took: Duration) {
        self.commits.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or_default();
        self.commit_micros.fetch_add(micros, Ordering::Relaxed);
        self.commit_problem.set(None);
        self.rows.fetch_add(commit.rows, Ordering::Relaxed);
        self.bytes.fetch_add(commit.bytes, Ordering::Relaxed);
        self.version(commit.version);
    }

    /// Small files were put together, in this version.
    pub(super) fn compacted(&self, version: u64) {
        self.compactions.fetch_add(1, Ordering::Relaxed);
        self.compaction_problem.set(None);
        self.version(version);
    }

    /// They were not.
    pub(super) fn not_compacted(&self, problem: String) {
        self.compaction_failures.fetch_add(1, Ordering::Relaxed);
        self.compaction_problem.set(Some(problem));
    }

    /// What is wrong with the table, as far as it was tried last to write to it.
    pub(super) fn problem(&self) -> Option<String> {
        let commit = self.commit_problem.get();
        let commit = commit.map(|problem| format!("The last commit failed: {problem}."));
        commit.or_else(|| {
            let problem = self.compaction_problem.get()?;
            Some(format!("Small files are not put together: {problem}."))
        })
    }

    pub(super) fn commit_failed(&self, problem: String) {
        self.commit_failures.fetch_add(1, Ordering::Relaxed);
        self.commit_problem.set(Some(problem));
    }

    pub(super) fn version(&self, version: u64) {
        self.version.store(version, Ordering::Relaxed);
    }
}

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.streams_open.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Name, kind, what it is, and how it is read.
type Metric = (
    &'static str,
    &'static str,
    &'static str,
    fn(&TableMetrics) -> f64,
);

const METRICS: [Metric; 16] = [
    ("streams_open", "gauge", "Streams that are open.", |m| {
        // Exact in an f64 below 2^53.
        number(u64::try_from(m.streams_open.load(Ordering::Relaxed)).unwrap_or_default())
    }),
    (
        "streams_opened_total",
        "counter",
        "Streams that were created or resumed.",
        |m| read(&m.streams_opened),
    ),
    (
        "streams_refused_total",
        "counter",
        "Streams that ended with an error.",
        |m| read(&m.streams_refused),
    ),
    ("messages_total", "counter", "Ingest messages taken.", |m| {
        read(&m.messages)
    }),
    ("records_total", "counter", "Records taken.", |m| {
        read(&m.records)
    }),
    (
        "record_bytes_total",
        "counter",
        "Bytes of the records taken.",
        |m| read(&m.record_bytes),
    ),
    ("commits_total", "counter", "Commits made.", |m| {
        read(&m.commits)
    }),
    (
        "commit_seconds_total",
        "counter",
        "Seconds spent in commits, until they were on the disk.",
        |m| read(&m.commit_micros) / 1e6,
    ),
    (
        "commit_failures_total",
        "counter",
        "Commits that failed.",
        |m| read(&m.commit_failures),
    ),
    ("rows_total", "counter", "Rows committed.", |m| {
        read(&m.rows)
    }),
    (
        "data_file_bytes_total",
        "counter",
        "Bytes of the data files committed.",
        |m| read(&m.bytes),
    ),
    (
        "ack_waits_total",
        "counter",
        "Acks that became due, one for each stream in each commit.",
        |m| read(&m.ack_waits),
    ),
    (
        "ack_wait_seconds_total",
        "counter",
        "Seconds from taking the first record of each until it was durable.",
        |m| read(&m.ack_wait_micros) / 1e6,
    ),
    (
        "compactions_total",
        "counter",
        "Times that small files were put together.",
        |m| read(&m.compactions),
    ),
    (
        "compaction_failures_total",
        "counter",
        "Times that small files could not be put together.",
        |m| read(&m.compaction_failures),
    ),
    ("table_version", "gauge", "The table's version.", |m| {
        read(&m.version)
    }),
];

/// All of them, table by table.
pub(super) fn text(tables: &[Arc<Table>]) -> String {
    let mut text = String::new();
    for (name, kind, help, read) in METRICS {
        let name = format!("zerobus_local_{name}");
        let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        for table in tables {
            // Names of tables have nothing in them that would have to be escaped but these.
            let label = table
                .name
                .to_string()
                .replace('\\', "\\\\")
                .replace('"', "\\\"");
            let _ = writeln!(text, "{name}{{table=\"{label}\"}} {}", read(&table.metrics));
        }
    }
    text
}

fn read(counter: &AtomicU64) -> f64 {
    number(counter.load(Ordering::Relaxed))
}

/// The nearest number that Prometheus has: its numbers are these.
fn number(value: u64) -> f64 {
    let [high, low] =
        [value >> 32, value & 0xffff_ffff].map(|half| u32::try_from(half).unwrap_or_default());
    f64::from(high) * 4_294_967_296.0 + f64::from(low)
}
