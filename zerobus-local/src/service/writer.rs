//! The one thread that writes to a table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use tokio::sync::oneshot;
use tonic::Code;
use zerobus_schema::TableName;

use super::metrics::TableMetrics;
use super::persistent::{Ask, PersistentStreams, Problem, What};
use super::sink::{Note, Sink, WriteFailure};
use crate::decode::Plan;
use crate::delta::{DeltaError, DeltaTable, Durability, Txn};
use crate::faults::Faults;

/// A busy table starts commits at most this often, so that versions stay few.
const BUSY_INTERVAL: Duration = Duration::from_millis(20);

/// The way to a table's writer thread, which ends when this and every stream of it are dropped.
#[derive(Debug)]
pub(super) struct Writer {
    inbox: Mutex<Option<mpsc::Sender<Note>>>,
    metrics: Arc<TableMetrics>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        name: TableName,
        table: DeltaTable,
        durability: Durability,
        faults: Arc<Faults>,
        metrics: Arc<TableMetrics>,
    ) -> std::io::Result<Self> {
        let counts = Arc::clone(&metrics);
        let (inbox, notes) = mpsc::channel();
        let thread = thread::Builder::new()
            .name("zerobus-writer".to_owned())
            .spawn(move || {
                let thread = WriterThread {
                    name,
                    faults,
                    metrics: counts,
                    table,
                    durability,
                    persistent: PersistentStreams::default(),
                    ready: Vec::new(),
                    asks: Vec::new(),
                    is_behind: false,
                };
                thread.run(&notes);
            })?;
        Ok(Self {
            inbox: Mutex::new(Some(inbox)),
            metrics,
            thread: Mutex::new(Some(thread)),
        })
    }

    /// A new stream's end; `None` when the server is shutting down.
    pub(super) fn sink(&self, stream_id: Option<&str>, plan: &Plan) -> Option<Arc<Sink>> {
        Some(Sink::new(
            plan,
            stream_id,
            None,
            self.inbox()?,
            self.metrics(),
        ))
    }

    /// The end of a persistent stream that begins with this connection.
    pub(super) async fn create(
        &self,
        app_id: &str,
        stream_id: &str,
        plan: &Plan,
    ) -> Option<Result<Arc<Sink>, Problem>> {
        let sink = self.persistent(app_id, stream_id, plan)?;
        let created = self.ask(app_id, What::Create(Arc::clone(&sink))).await?;
        Some(created.map(|()| sink))
    }

    /// The end of a persistent stream that there is, on another connection. What an earlier one has not stored by now it
    /// never will.
    pub(super) async fn resume(
        &self,
        app_id: &str,
        stream_id: &str,
        plan: &Plan,
    ) -> Option<Result<Arc<Sink>, Problem>> {
        let sink = self.persistent(app_id, stream_id, plan)?;
        let resumed = self.ask(app_id, What::Resume(Arc::clone(&sink))).await?;
        Some(resumed.map(|()| sink))
    }

    fn persistent(&self, app_id: &str, stream_id: &str, plan: &Plan) -> Option<Arc<Sink>> {
        let (inbox, metrics) = (self.inbox()?, self.metrics());
        Some(Sink::new(
            plan,
            Some(stream_id),
            Some(app_id.to_owned()),
            inbox,
            metrics,
        ))
    }

    /// Ends a persistent stream for good.
    pub(super) async fn retire(&self, app_id: &str) -> Option<Result<(), Problem>> {
        self.ask(app_id, What::Retire).await
    }

    /// `None` when the server is shutting down.
    async fn ask(&self, app_id: &str, what: What) -> Option<Result<(), Problem>> {
        let (reply, answer) = oneshot::channel();
        let ask = Ask {
            app_id: app_id.to_owned(),
            what,
            reply,
        };
        self.inbox()?.send(Note::Ask(ask)).ok()?;
        answer.await.ok()
    }

    fn metrics(&self) -> Arc<TableMetrics> {
        Arc::clone(&self.metrics)
    }

    fn inbox(&self) -> Option<mpsc::Sender<Note>> {
        let inbox = self.inbox.lock().unwrap_or_else(PoisonError::into_inner);
        inbox.clone()
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
    name: TableName,
    faults: Arc<Faults>,
    metrics: Arc<TableMetrics>,
    table: DeltaTable,
    durability: Durability,
    persistent: PersistentStreams,
    /// The streams that have something to write.
    ready: Vec<Arc<Sink>>,
    asks: Vec<Ask>,
    /// Set when the table could not be opened after a failure: what is known of its log may be behind.
    is_behind: bool,
}

impl WriterThread {
    fn run(mut self, notes: &mpsc::Receiver<Note>) {
        let mut not_before = None;
        loop {
            // Someone who had something to write before the last commit was acked makes the table a busy one.
            match not_before.filter(|_| !self.ready.is_empty()) {
                _ if !self.asks.is_empty() => {}
                Some(not_before) => self.gather_until(not_before, notes),
                None => match notes.recv() {
                    Ok(note) => self.note(note),
                    Err(mpsc::RecvError) => return,
                },
            }
            self.note_all(notes);
            for ask in std::mem::take(&mut self.asks) {
                self.answer(ask);
            }
            if self.ready.is_empty() {
                continue;
            }
            not_before = Some(Instant::now() + BUSY_INTERVAL);
            let ready = std::mem::take(&mut self.ready);
            let outcome = self.commit_or_fail(ready);
            // Looked at before the acks go out: what they set free must not count.
            self.note_all(notes);
            outcome.report();
            if self.ready.is_empty() {
                self.maintain();
            }
        }
    }

    /// Waits for the time to come, or for someone who can wait no longer.
    fn gather_until(&mut self, time: Instant, notes: &mpsc::Receiver<Note>) {
        while self.asks.is_empty() {
            let left = time.saturating_duration_since(Instant::now());
            match notes.recv_timeout(left) {
                Ok(Note::Hurry) | Err(_) => return,
                Ok(note) => self.note(note),
            }
        }
    }

    fn note_all(&mut self, notes: &mpsc::Receiver<Note>) {
        for note in notes.try_iter() {
            self.note(note);
        }
    }

    fn note(&mut self, note: Note) {
        match note {
            Note::Ready(stream) => self.ready.push(stream),
            Note::Hurry => {}
            Note::Ask(ask) => self.asks.push(ask),
        }
    }

    fn answer(&mut self, ask: Ask) {
        let Ask {
            app_id,
            what,
            reply,
        } = ask;
        if self.is_behind && !self.reopen() {
            let _ = reply.send(Err(Problem::Failed(unreadable())));
            return;
        }
        let (persistent, table) = (&mut self.persistent, &mut self.table);
        let answered = catch_unwind(AssertUnwindSafe(|| persistent.answer(&app_id, what, table)));
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(Problem::Failed(self.failure(&error))),
            Err(_) => {
                self.reopen();
                Err(Problem::Failed(broke_off()))
            }
        };
        // Nobody may be waiting any more.
        let _ = reply.send(answer);
    }

    /// Nobody may wait for ever because something here broke off.
    fn commit_or_fail(&mut self, ready: Vec<Arc<Sink>>) -> Outcome {
        let sinks = ready.clone();
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(ready)));
        committed.unwrap_or_else(|_| {
            self.reopen();
            Outcome {
                streams: sinks.into_iter().map(|sink| (sink, None)).collect(),
                failure: Some(Arc::new(broke_off())),
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
        let txns: Vec<_> = streams
            .iter()
            .filter_map(|(sink, last)| Some((sink.app_id()?, (*last)?)))
            .map(|(app_id, version)| Txn { app_id, version })
            .collect();
        let ids = streams.iter().filter_map(|(sink, _)| sink.stream_id());
        let failure = if batches.is_empty() && txns.is_empty() {
            None
        } else if self.faults.with_commit(&self.name, ids) {
            Some(Arc::new(WriteFailure {
                code: Code::Unavailable,
                message: "the disk has no room (injected fault disk_full)".to_owned(),
            }))
        } else {
            let started = Instant::now();
            match self.table.append(&batches, &txns) {
                Ok(commit) => {
                    self.metrics.committed(&commit, started.elapsed());
                    None
                }
                Err(error) => Some(Arc::new(self.failure(&error))),
            }
        };
        if failure.is_some() {
            self.metrics.commit_failed();
        }
        Outcome { streams, failure }
    }

    fn failure(&mut self, error: &DeltaError) -> WriteFailure {
        let is_there = self.reopen();
        WriteFailure {
            code: code_of(error, is_there),
            message: error.to_string(),
        }
    }

    /// After a failure, what the table knows of its log may be behind. Returns whether there is such a table.
    fn reopen(&mut self) -> bool {
        let folder = self.table.folder().to_owned();
        let opened = DeltaTable::open(&folder, self.durability);
        self.is_behind = match opened {
            Ok(table) if table.arrow_schema() == self.table.arrow_schema() => {
                self.table = table;
                false
            }
            _ => true,
        };
        !self.is_behind
    }

    /// Nothing that was acked depends on it, so nobody is told when it fails.
    fn maintain(&mut self) {
        let _ = catch_unwind(AssertUnwindSafe(|| self.table.maintain()));
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

fn unreadable() -> WriteFailure {
    WriteFailure {
        code: Code::Unavailable,
        message: "its log cannot be read since a commit failed, so nobody knows how far streams have come".to_owned(),
    }
}

fn broke_off() -> WriteFailure {
    WriteFailure {
        code: Code::Internal,
        message: "the writer of the table broke off".to_owned(),
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
