//! The one thread that writes to a table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use tonic::Code;

use super::sink::{Note, Sink, WriteFailure};
use crate::decode::Plan;
use crate::delta::{DeltaError, DeltaTable, Durability};

/// A busy table starts commits at most this often, so that versions stay few.
const BUSY_INTERVAL: Duration = Duration::from_millis(20);

/// The way to a table's writer thread, which ends when this and every stream of it are dropped.
#[derive(Debug)]
pub(super) struct Writer {
    inbox: Mutex<Option<mpsc::Sender<Note>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(table: DeltaTable, durability: Durability) -> std::io::Result<Self> {
        let (inbox, notes) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("zerobus-writer".to_owned())
            .spawn(move || WriterThread { table, durability }.run(&notes))?;
        Ok(Self {
            inbox: Mutex::new(Some(inbox)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// A new stream's end; `None` when the server is shutting down.
    pub(super) fn sink(&self, plan: &Plan) -> Option<Arc<Sink>> {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        Some(Sink::new(plan, inbox.clone()?))
    }

    /// Takes no more streams.
    pub(super) fn close(&self) {
        let mut inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        *inbox = None;
    }

    /// Waits until everything is written. Blocks; the streams must have ended.
    pub(super) fn join(&self) {
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take() {
            // A panic of the thread was answered to its streams.
            let _ = thread.join();
        }
    }
}

struct WriterThread {
    table: DeltaTable,
    durability: Durability,
}

impl WriterThread {
    fn run(mut self, notes: &mpsc::Receiver<Note>) {
        let mut ready = Vec::new();
        let mut not_before = None;
        loop {
            // Someone who had something to write before the last commit was acked makes the table a busy one.
            match not_before.filter(|_| !ready.is_empty()) {
                Some(not_before) => gather_until(not_before, notes, &mut ready),
                None => match notes.recv() {
                    Ok(note) => ready.extend(note.stream()),
                    Err(mpsc::RecvError) => return,
                },
            }
            ready.extend(notes.try_iter().filter_map(Note::stream));
            if ready.is_empty() {
                continue;
            }
            not_before = Some(Instant::now() + BUSY_INTERVAL);
            let outcome = self.commit_or_fail(std::mem::take(&mut ready));
            // Looked at before the acks go out: what they set free must not count.
            ready.extend(notes.try_iter().filter_map(Note::stream));
            outcome.report();
            if ready.is_empty() {
                self.maintain();
            }
        }
    }

    /// Nobody may wait for ever because something here broke off.
    fn commit_or_fail(&mut self, ready: Vec<Arc<Sink>>) -> Outcome {
        let sinks = ready.clone();
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(ready)));
        committed.unwrap_or_else(|_| {
            self.reopen();
            let failure = WriteFailure {
                code: Code::Internal,
                message: "the writer of the table broke off".to_owned(),
            };
            Outcome {
                streams: sinks.into_iter().map(|sink| (sink, None)).collect(),
                failure: Some(Arc::new(failure)),
            }
        })
    }

    fn commit(&mut self, ready: Vec<Arc<Sink>>) -> Outcome {
        let schema = Arc::clone(self.table.arrow_schema());
        let mut streams = Vec::with_capacity(ready.len());
        let mut batches: Vec<RecordBatch> = Vec::with_capacity(ready.len());
        for sink in ready {
            let Some(taken) = sink.take() else {
                continue;
            };
            let stream = (Arc::clone(&taken.sink), taken.last_offset);
            if taken.rows() > 0 {
                match taken.finish(&schema) {
                    Ok(batch) => batches.push(batch),
                    Err(error) => {
                        let failure = WriteFailure {
                            code: Code::Internal,
                            message: format!("the records could not be put together: {error}"),
                        };
                        stream.0.fail(&Arc::new(failure));
                        continue;
                    }
                }
            }
            streams.push(stream);
        }
        let failure = if batches.is_empty() {
            None
        } else {
            self.append(&batches).err().map(Arc::new)
        };
        Outcome { streams, failure }
    }

    fn append(&mut self, batches: &[RecordBatch]) -> Result<(), WriteFailure> {
        self.table.append(batches, None).map(drop).map_err(|error| {
            let is_there = self.reopen();
            WriteFailure {
                code: code_of(&error, is_there),
                message: error.to_string(),
            }
        })
    }

    /// After a failure, what the table knows of its log may be behind. Returns whether there is such a table.
    fn reopen(&mut self) -> bool {
        let folder = self.table.folder().to_owned();
        match DeltaTable::open(&folder, self.durability) {
            Ok(table) if table.arrow_schema() == self.table.arrow_schema() => {
                self.table = table;
                true
            }
            _ => false,
        }
    }

    /// Nothing that was acked depends on it, so nobody is told when it fails.
    fn maintain(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.table.maintain()));
    }
}

/// Waits for the time to come, or for a stream that can wait no longer.
fn gather_until(time: Instant, notes: &mpsc::Receiver<Note>, ready: &mut Vec<Arc<Sink>>) {
    loop {
        let left = time.saturating_duration_since(Instant::now());
        match notes.recv_timeout(left) {
            Ok(Note::Ready(stream)) => ready.push(stream),
            Ok(Note::Hurry) | Err(_) => return,
        }
    }
}

struct Outcome {
    streams: Vec<(Arc<Sink>, Option<i64>)>,
    failure: Option<Arc<WriteFailure>>,
}

impl Outcome {
    fn report(self) {
        for (sink, offset) in self.streams {
            match &self.failure {
                None => sink.durable(offset),
                Some(failure) => sink.fail(failure),
            }
        }
    }
}

/// Only what may pass has a code after which clients try again. `is_there` says whether the table could be opened anew.
fn code_of(error: &DeltaError, is_there: bool) -> Code {
    match error {
        DeltaError::DiskFull { .. }
        | DeltaError::NotAllowed { .. }
        | DeltaError::Conflict { .. }
        | DeltaError::Io { .. } => Code::Unavailable,
        DeltaError::Gone { .. } if is_there => Code::Unavailable,
        DeltaError::Gone { .. } => Code::NotFound,
        DeltaError::SchemaChanged { .. } => Code::FailedPrecondition,
        _ => Code::Internal,
    }
}
