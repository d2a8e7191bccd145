//! Many small files made few, while a table is idle.
//!
//! Nothing waits for it: files are read and written on a thread of their own, one table after the other, and only the
//! log entry that puts one in the place of the others is the table's writer's. What is replaced stays on the disk for
//! readers of earlier versions, as long as `delta.deletedFileRetentionDuration` says.

use std::collections::{BTreeMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::metrics::TableMetrics;
use super::sink::Note;
use crate::delta::{DeltaTable, RewriteError, Rewritten};
use crate::rows::{DataFile, LiveFiles};

/// So large a file is left as it is, and one that is made becomes about twice as large at most.
const FILE_BYTES: u64 = 32 * 1024 * 1024;

/// Fewer are not worth a version.
const FILES_MIN: usize = 10;

/// More would make a log entry that takes long to write.
const FILES_MAX: usize = 2_000;

/// How compaction is done in all tables of a server.
#[derive(Debug, Clone)]
pub(crate) struct Compact {
    /// How long a table has to be idle; `None` is for ever.
    pub(crate) after: Option<Duration>,
    /// Held by the one that is being done.
    pub(crate) turn: Arc<Mutex<()>>,
}

/// What was done in the background.
pub(super) type Compacted = Result<Option<Rewritten>, NotCompacted>;

/// Why nothing was done.
#[derive(Debug)]
pub(super) struct NotCompacted {
    problem: String,
    /// The files that are at fault, or one of which is.
    at_fault: HashSet<PathBuf>,
}

/// Compaction of one table.
#[derive(Debug)]
pub(super) struct Compaction {
    compact: Compact,
    files: Arc<Mutex<LiveFiles>>,
    metrics: Arc<TableMetrics>,
    is_over: Arc<AtomicBool>,
    /// When the table will have been idle for long enough.
    due: Option<Instant>,
    running: Option<JoinHandle<()>>,
    /// Files that cannot be read or do not fit, until the server is started anew.
    left_alone: HashSet<PathBuf>,
}

impl Compaction {
    pub(super) fn new(
        compact: Compact,
        files: Arc<Mutex<LiveFiles>>,
        metrics: Arc<TableMetrics>,
        is_over: Arc<AtomicBool>,
    ) -> Self {
        let mut compaction = Self {
            compact,
            files,
            metrics,
            is_over,
            due: None,
            running: None,
            left_alone: HashSet::new(),
        };
        // What is left from before.
        compaction.postpone();
        compaction
    }

    /// The table is not idle.
    pub(super) fn postpone(&mut self) {
        self.due = self
            .compact
            .after
            .and_then(|after| Instant::now().checked_add(after));
    }

    /// When [`begin`](Self::begin) is to be called, unless something else comes.
    pub(super) fn due(&self) -> Option<Instant> {
        self.due
    }

    /// Has the next files made one; the writer gets to know by its inbox.
    pub(super) fn begin(&mut self, table: &DeltaTable, inbox: Option<mpsc::Sender<Note>>) {
        self.due = None;
        // What is being done has its end, and what comes next follows from that.
        let Some(inbox) = inbox.filter(|_| self.running.is_none()) else {
            return;
        };
        let (sources, retired) = {
            let mut files = self.files();
            if files.follow(table.folder()).is_err() {
                return;
            }
            (
                choose(files.files(), &self.left_alone),
                files.take_retired(retired_before(table.retention())),
            )
        };
        if sources.is_empty() && retired.is_empty() {
            return;
        }
        let rewriter = table.rewriter();
        let (turn, is_over) = (Arc::clone(&self.compact.turn), Arc::clone(&self.is_over));
        let folder = table.folder().to_owned();
        let thread = thread::Builder::new().name("zerobus-compact".to_owned());
        let spawned = thread.spawn(move || {
            let _turn = turn.lock().unwrap_or_else(PoisonError::into_inner);
            let is_over = || is_over.load(Ordering::Relaxed);
            for path in retired.iter().filter(|path| path.starts_with(&folder)) {
                if is_over() {
                    break;
                }
                // Somebody else may have been faster; it is tried again after the next start.
                let _ = std::fs::remove_file(path);
            }
            let paths = || sources.iter().map(|source| source.path.clone()).collect();
            let paths: HashSet<PathBuf> = paths();
            // Whatever a file holds, the writer hears of the end.
            let rewritten = catch_unwind(AssertUnwindSafe(|| rewriter.rewrite(sources, &is_over)));
            let compacted = match rewritten {
                Ok(Ok(rewritten)) => Ok(rewritten),
                Ok(Err(error)) => Err(NotCompacted {
                    problem: error.to_string(),
                    at_fault: match error {
                        RewriteError::Source(_) => paths,
                        RewriteError::Target(_) => HashSet::new(),
                    },
                }),
                Err(_) => Err(NotCompacted {
                    problem: "it broke off".to_owned(),
                    at_fault: paths,
                }),
            };
            // Without a writer, nobody is to have the file.
            if let Err(mpsc::SendError(Note::Compacted(Ok(Some(unwanted))))) =
                inbox.send(Note::Compacted(compacted))
            {
                unwanted.discard();
            }
        });
        self.running = spawned.ok();
    }

    /// What was done, if it is to be committed: all that is replaced must be in force.
    pub(super) fn end(&mut self, table: &DeltaTable, compacted: Compacted) -> Option<Rewritten> {
        self.running = None;
        match compacted {
            Ok(None) => {
                self.postpone();
                None
            }
            Ok(Some(rewritten)) => {
                // There may be more.
                self.due = self.compact.after.map(|_| Instant::now());
                let mut files = self.files();
                let is_current = files.follow(table.folder()).is_ok()
                    && rewritten
                        .sources()
                        .iter()
                        .all(|source| files.contains(&source.path));
                drop(files);
                if !is_current {
                    rewritten.discard();
                    return None;
                }
                Some(rewritten)
            }
            Err(NotCompacted { problem, at_fault }) => {
                self.metrics.not_compacted(problem);
                self.left_alone.extend(at_fault);
                self.postpone();
                None
            }
        }
    }

    /// Waits for what is being done, which knows that it is over.
    pub(super) fn join(&mut self) {
        if let Some(running) = self.running.take() {
            let _ = running.join();
        }
    }

    fn files(&self) -> MutexGuard<'_, LiveFiles> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Small files of one partition that stand next to each other, so that rows keep their order.
fn choose<'f>(
    files: impl Iterator<Item = &'f DataFile>,
    left_alone: &HashSet<PathBuf>,
) -> Vec<DataFile> {
    let mut runs: BTreeMap<&BTreeMap<String, String>, Run<'f>> = BTreeMap::new();
    for file in files {
        let run = runs.entry(&file.partition_values).or_default();
        let is_small = file.bytes < FILE_BYTES && !left_alone.contains(&file.path);
        let is_whole = run.bytes >= FILE_BYTES || run.files.len() >= FILES_MAX;
        if is_whole || !is_small {
            if let Some(chosen) = run.chosen() {
                return chosen;
            }
            *run = Run::default();
        }
        if is_small {
            run.files.push(file);
            run.bytes += file.bytes;
        }
    }
    runs.values().find_map(Run::chosen).unwrap_or_default()
}

#[derive(Default)]
struct Run<'f> {
    files: Vec<&'f DataFile>,
    bytes: u64,
}

impl Run<'_> {
    /// Without what is larger than all after it together: it would be written again and again for the sake of little.
    fn chosen(&self) -> Option<Vec<DataFile>> {
        let mut files = self.files.as_slice();
        let mut bytes = self.bytes;
        while let Some((first, rest)) = files.split_first() {
            if first.bytes.saturating_mul(2) <= bytes {
                break;
            }
            bytes -= first.bytes;
            files = rest;
        }
        (files.len() >= FILES_MIN).then(|| files.iter().copied().cloned().collect())
    }
}

/// In milliseconds since 1970.
fn retired_before(retention: Duration) -> i64 {
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let before = now.saturating_sub(retention).as_millis();
    i64::try_from(before).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(name: &str, partition: &str, bytes: u64) -> DataFile {
        DataFile {
            path: name.into(),
            log_path: name.to_owned(),
            partition_values: [("p".to_owned(), partition.to_owned())].into(),
            rows: 1,
            bytes,
        }
    }

    fn chosen(files: &[DataFile], left_alone: &[&str]) -> Vec<String> {
        let left_alone = left_alone.iter().map(PathBuf::from).collect();
        let chosen = choose(files.iter(), &left_alone).into_iter();
        chosen.map(|file| file.log_path).collect()
    }

    /// So many small ones, named by their places.
    fn small(count: usize) -> Vec<DataFile> {
        (0..count).map(|n| file(&n.to_string(), "a", 10)).collect()
    }

    fn names(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|n| n.to_string()).collect()
    }

    #[test]
    fn a_few_files_are_left_as_they_are() {
        assert!(chosen(&[], &[]).is_empty());
        assert!(chosen(&small(FILES_MIN - 1), &[]).is_empty());
        assert_eq!(chosen(&small(FILES_MIN), &[]), names(0..FILES_MIN));
        assert_eq!(chosen(&small(FILES_MAX + 1), &[]), names(0..FILES_MAX));
    }

    #[test]
    fn files_of_one_partition_go_together_and_no_others() {
        let mut files = small(2 * FILES_MIN);
        for file in files.iter_mut().skip(1).step_by(2) {
            file.partition_values = [("p".to_owned(), "b".to_owned())].into();
        }
        let even: Vec<_> = (0..2 * FILES_MIN)
            .step_by(2)
            .map(|n| n.to_string())
            .collect();
        assert_eq!(chosen(&files, &[]), even);
    }

    #[test]
    fn large_files_are_never_written_again() {
        let mut files = small(2 * FILES_MIN);
        files.insert(5, file("large", "a", FILE_BYTES));
        // Those before it are too few.
        assert_eq!(chosen(&files, &[]), names(5..2 * FILES_MIN));
        let mut files = small(FILES_MIN + 1);
        if let Some(first) = files.first_mut() {
            first.bytes = 10 * (FILES_MIN as u64) + 1;
        }
        assert_eq!(chosen(&files, &[]), names(1..FILES_MIN + 1));
        // Enough for a file, and the rest waits.
        let files: Vec<_> = (0..30)
            .map(|n| file(&n.to_string(), "a", FILE_BYTES / 10))
            .collect();
        assert_eq!(chosen(&files, &[]), names(0..11));
    }

    #[test]
    fn what_cannot_be_read_parts_the_others() {
        let files = small(2 * FILES_MIN);
        assert_eq!(chosen(&files, &["3"]), names(4..2 * FILES_MIN));
    }
}
