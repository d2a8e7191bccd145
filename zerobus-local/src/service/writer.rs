//! The one thread that writes to a table.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use tokio::sync::oneshot;
use tonic::Code;
use zerobus_schema::TableName;

use super::budget::Budget;
use super::compaction::{Compacted, Compaction};
use super::failure::WriteFailure;
use super::metrics::TableMetrics;
use super::outcome::{Failed, Outcome, Part};
use super::persistent::{Ask, PersistentStreams, Problem, What};
use super::sink::{Note, Planned, Sink};
use super::table::{CurrentColumns, Writing};
use crate::delta::{self, DeltaError, DeltaTable, Txn};
use crate::rows::LiveFiles;

/// How often a commit is tried anew when others change the columns meanwhile.
const ALTERED_ATTEMPTS: u32 = 5;

/// How often a writer that gathers looks whether others wait for what it has.
const WANTED_INTERVAL: Duration = Duration::from_millis(20);

/// Empty once the writer takes no more.
type Inbox = Arc<Mutex<Option<mpsc::Sender<Note>>>>;

/// What the writer shares with the others who serve its table.
#[derive(Debug)]
pub(super) struct Served {
    pub(super) name: TableName,
    pub(super) columns: Arc<CurrentColumns>,
    pub(super) files: Arc<Mutex<LiveFiles>>,
    pub(super) metrics: Arc<TableMetrics>,
}

/// The way to a table's writer thread, which ends when this and every stream of it are dropped.
#[derive(Debug)]
pub(super) struct Writer {
    inbox: Inbox,
    is_over: Arc<AtomicBool>,
    metrics: Arc<TableMetrics>,
    budget: Arc<Budget>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Writer {
    pub(super) fn start(
        table: DeltaTable,
        served: Served,
        writing: &Writing,
    ) -> std::io::Result<Self> {
        let metrics = Arc::clone(&served.metrics);
        let (inbox, notes) = mpsc::channel();
        let inbox = Arc::new(Mutex::new(Some(inbox)));
        let is_over = Arc::new(AtomicBool::new(false));
        let (compact, files) = (writing.compact.clone(), Arc::clone(&served.files));
        let thread = WriterThread {
            compaction: Compaction::new(compact, files, Arc::clone(&metrics), Arc::clone(&is_over)),
            compacted: None,
            checkpointing: None,
            is_checkpointed: false,
            inbox: Arc::clone(&inbox),
            served,
            writing: writing.clone(),
            table,
            persistent: PersistentStreams::default(),
            ready: Vec::new(),
            asks: Vec::new(),
            is_hurried: false,
            is_behind: false,
        };
        let thread = thread::Builder::new()
            .name("zerobus-writer".to_owned())
            .spawn(move || thread.run(&notes))?;
        Ok(Self {
            inbox,
            is_over,
            metrics,
            budget: Arc::clone(&writing.budget),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// A new stream's end; `None` when the server is shutting down.
    pub(super) fn sink(&self, stream_id: Option<&str>, planned: &Planned) -> Option<Arc<Sink>> {
        Some(Sink::new(
            planned,
            stream_id,
            None,
            self.inbox()?,
            self.shared(),
        ))
    }

    /// The end of a persistent stream that begins with this connection.
    pub(super) async fn create(
        &self,
        app_id: &str,
        stream_id: &str,
        planned: &Planned,
    ) -> Option<Result<Arc<Sink>, Problem>> {
        let sink = self.persistent(app_id, stream_id, planned)?;
        let created = self.ask(app_id, What::Create(Arc::clone(&sink))).await?;
        Some(created.map(|()| sink))
    }

    /// The end of a persistent stream that there is, on another connection. What an earlier one has not stored by now it
    /// never will.
    pub(super) async fn resume(
        &self,
        app_id: &str,
        stream_id: &str,
        planned: &Planned,
    ) -> Option<Result<Arc<Sink>, Problem>> {
        let sink = self.persistent(app_id, stream_id, planned)?;
        let resumed = self.ask(app_id, What::Resume(Arc::clone(&sink))).await?;
        Some(resumed.map(|()| sink))
    }

    fn persistent(&self, app_id: &str, stream_id: &str, planned: &Planned) -> Option<Arc<Sink>> {
        let (inbox, shared) = (self.inbox()?, self.shared());
        Some(Sink::new(
            planned,
            Some(stream_id),
            Some(app_id.to_owned()),
            inbox,
            shared,
        ))
    }

    /// Ends a persistent stream for good.
    pub(super) async fn retire(&self, app_id: &str) -> Option<Result<(), Problem>> {
        self.ask(app_id, What::Retire).await
    }

    /// Has the log looked at for what others wrote; `None` when the server is shutting down.
    pub(super) fn refresh(&self) -> Option<oneshot::Receiver<()>> {
        let (done, looked) = oneshot::channel();
        self.inbox()?.send(Note::Refresh(done)).ok()?;
        Some(looked)
    }

    /// Adds a column to the table, as somebody else would: the writer finds out with its next commit.
    pub(super) async fn alter(&self) -> Result<(), String> {
        let (reply, answer) = oneshot::channel();
        let asked = self
            .inbox()
            .is_some_and(|inbox| inbox.send(Note::Alter(reply)).is_ok());
        let stopping = || "the server is shutting down".to_owned();
        if !asked {
            return Err(stopping());
        }
        answer.await.unwrap_or_else(|_| Err(stopping()))
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

    fn shared(&self) -> (Arc<TableMetrics>, Arc<Budget>) {
        (Arc::clone(&self.metrics), Arc::clone(&self.budget))
    }

    fn inbox(&self) -> Option<mpsc::Sender<Note>> {
        sender(&self.inbox)
    }

    /// Takes no more streams.
    pub(super) fn close(&self) {
        self.is_over.store(true, Ordering::Relaxed);
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

impl Drop for Writer {
    fn drop(&mut self) {
        // The thread has a way to its own inbox.
        self.close();
    }
}

fn sender(inbox: &Inbox) -> Option<mpsc::Sender<Note>> {
    let inbox = inbox.lock().unwrap_or_else(PoisonError::into_inner);
    inbox.clone()
}

struct WriterThread {
    served: Served,
    writing: Writing,
    inbox: Inbox,
    table: DeltaTable,
    compaction: Compaction,
    /// To be committed when nobody has anything to write.
    compacted: Option<Compacted>,
    /// A checkpoint that is being written.
    checkpointing: Option<JoinHandle<()>>,
    /// Whether there is one that the table does not know of.
    is_checkpointed: bool,
    persistent: PersistentStreams,
    /// The streams that have something to write.
    ready: Vec<Arc<Sink>>,
    asks: Vec<Ask>,
    /// Whether a stream can wait no longer for the next commit.
    is_hurried: bool,
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
                // It may have come during a commit, and nothing else may come for long.
                None if self.compacted.is_some() || self.is_checkpointed => {}
                None => match self.next(notes) {
                    Some(note) => self.note(note),
                    None => break,
                },
            }
            self.note_all(notes);
            for ask in std::mem::take(&mut self.asks) {
                self.answer(ask);
            }
            if self.ready.is_empty() {
                self.adopt_checkpoint();
                self.commit_compacted();
                continue;
            }
            not_before = Instant::now().checked_add(self.writing.commit_interval);
            let ready = std::mem::take(&mut self.ready);
            // Whoever hurries from here on may have come too late for this commit.
            self.is_hurried = false;
            let outcome = self.commit_or_fail(ready);
            // Looked at before the acks go out: what they set free must not count.
            self.note_all(notes);
            outcome.report();
            self.checkpoint_if_due();
            self.compaction.postpone();
        }
        self.compaction.join();
        if let Some(checkpointing) = self.checkpointing.take() {
            let _ = checkpointing.join();
        }
    }

    /// Waits for someone to have something; when nobody has for long enough, files are compacted.
    fn next(&mut self, notes: &mpsc::Receiver<Note>) -> Option<Note> {
        loop {
            let Some(due) = self.compaction.due() else {
                return notes.recv().ok();
            };
            let left = due.saturating_duration_since(Instant::now());
            match notes.recv_timeout(left) {
                Ok(note) => return Some(note),
                Err(mpsc::RecvTimeoutError::Disconnected) => return None,
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    let inbox = sender(&self.inbox);
                    self.compaction.begin(&self.table, inbox);
                }
            }
        }
    }

    /// Nothing that was acked depends on it, so nobody is told when it fails.
    fn commit_compacted(&mut self) {
        let Some(compacted) = self.compacted.take() else {
            return;
        };
        self.refresh();
        let Some(rewritten) = self.compaction.end(&self.table, compacted) else {
            return;
        };
        let table = &mut self.table;
        let replaced = catch_unwind(AssertUnwindSafe(|| table.replace(&rewritten)));
        match replaced {
            Ok(Ok(())) => self.served.metrics.compacted(self.table.version()),
            _ => {
                self.compaction.postpone();
                self.reopen();
            }
        }
        self.checkpoint_if_due();
    }

    /// Waits for the time to come, or for someone who can wait no longer: a stream of this table, or one of another
    /// which waits for what is not durable yet here.
    fn gather_until(&mut self, time: Instant, notes: &mpsc::Receiver<Note>) {
        while self.asks.is_empty() && !self.is_hurried && !self.writing.budget.is_wanted() {
            let left = time.saturating_duration_since(Instant::now());
            match notes.recv_timeout(left.min(WANTED_INTERVAL)) {
                Err(mpsc::RecvTimeoutError::Timeout) if left > WANTED_INTERVAL => {}
                Err(_) => return,
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
            Note::Hurry => self.is_hurried = true,
            Note::Ask(ask) => self.asks.push(ask),
            Note::Compacted(compacted) => self.compacted = Some(compacted),
            Note::Checkpointed(is_written) => {
                self.checkpointing = None;
                self.is_checkpointed |= is_written;
            }
            Note::Alter(reply) => {
                let altered = catch_unwind(AssertUnwindSafe(|| self.alter()));
                let altered = altered.unwrap_or_else(|_| {
                    Err(DeltaError::Kernel(
                        "the change of the table broke off".to_owned(),
                    ))
                });
                let _ = reply.send(altered.map_err(|error| error.to_string()));
            }
            Note::Refresh(done) => {
                self.refresh();
                // Nobody may be waiting any more.
                let _ = done.send(());
            }
        }
    }

    fn alter(&self) -> Result<(), DeltaError> {
        let mut other = DeltaTable::reopen(self.table.folder(), self.writing.durability)?;
        let taken = Arc::clone(other.arrow_schema());
        let is_free = |name: &String| taken.index_of(name).is_err();
        let name = (1_u64..).map(|n| format!("added_{n}")).find(is_free);
        other.add_column(&name.unwrap_or_default())
    }

    /// A log that cannot be read is told of by the next commit.
    fn refresh(&mut self) {
        let followed = catch_unwind(AssertUnwindSafe(|| self.table.follow()));
        match followed {
            Ok(Ok(())) if !self.is_behind => self.served.metrics.version(self.table.version()),
            Ok(Err(DeltaError::Gone { .. })) => {}
            _ => {
                self.reopen();
            }
        }
    }

    fn answer(&mut self, ask: Ask) {
        let Ask {
            app_id,
            what,
            reply,
        } = ask;
        if self.is_behind && !self.reopen() {
            let _ = reply.send(Err(Problem::Failed(WriteFailure::unreadable())));
            return;
        }
        let (persistent, table) = (&mut self.persistent, &mut self.table);
        let answered = catch_unwind(AssertUnwindSafe(|| persistent.answer(&app_id, what, table)));
        let answer = match answered {
            Ok(Ok(answer)) => answer,
            Ok(Err(error)) => Err(Problem::Failed(self.failure(&error))),
            Err(_) => {
                self.reopen();
                Err(Problem::Failed(WriteFailure::broke_off()))
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
            let failure = Arc::new(WriteFailure::broke_off());
            let failed = sinks.into_iter().map(|sink| (sink, Arc::clone(&failure)));
            Outcome {
                durable: Vec::new(),
                failed: failed.collect(),
            }
        })
    }

    fn commit(&mut self, ready: Vec<Arc<Sink>>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut parts: Vec<Part> = Vec::with_capacity(ready.len());
        for sink in ready {
            let Some(taken) = sink.take() else {
                continue;
            };
            let (sink, last_offset) = (Arc::clone(&taken.sink), taken.last_offset);
            let batch = (taken.rows() > 0).then(|| taken.finish()).transpose();
            match batch {
                Ok(batch) => parts.push(Part {
                    sink,
                    last_offset,
                    batch,
                }),
                Err(error) => {
                    let problem = format!("the records could not be put together: {error}");
                    let failure = WriteFailure::new(Code::Internal, problem);
                    outcome.failed.push((sink, Arc::new(failure)));
                }
            }
        }
        if parts.iter().any(Part::is_something) {
            let ids = parts.iter().filter_map(|part| part.sink.stream_id());
            let full = self.writing.faults.with_commit(&self.served.name, ids);
            if !full.is_for_nobody() {
                let problem = "the disk has no room (injected fault disk_full)".to_owned();
                let failure = WriteFailure::new(Code::Unavailable, problem);
                let is_hit = |part: &mut Part| full.is_for(part.sink.stream_id());
                let hit = parts.extract_if(.., is_hit).collect();
                outcome.fail_all(hit, failure);
            }
        }
        for attempt in 1.. {
            let batches = self.fitted(&mut parts, &mut outcome);
            match self.append(&parts, &batches) {
                Ok(()) => {
                    let durable = parts.into_iter().map(|part| (part.sink, part.last_offset));
                    outcome.durable.extend(durable);
                    break;
                }
                // Somebody changed the columns: once more, in the new ones.
                Err(Failed::Altered(_)) if !self.is_behind && attempt < ALTERED_ATTEMPTS => {}
                Err(Failed::Altered(failure) | Failed::Otherwise(failure)) => {
                    outcome.fail_all(parts, failure);
                    break;
                }
            }
        }
        if let Some((_, failure)) = outcome.failed.first() {
            self.served.metrics.commit_failed(failure.message.clone());
        }
        outcome
    }

    /// The rows in the columns that the table has now. Streams whose rows do not fit are out.
    fn fitted(&self, parts: &mut Vec<Part>, outcome: &mut Outcome) -> Vec<RecordBatch> {
        let arrow = self.table.arrow_schema();
        let mut batches = Vec::with_capacity(parts.len());
        parts.retain(
            |part| match part.batch.as_ref().map(|batch| delta::fit(batch, arrow)) {
                None => true,
                Some(Ok(batch)) => {
                    batches.push(batch);
                    true
                }
                Some(Err(unfit)) => {
                    let failure = Arc::new(WriteFailure::altered(unfit));
                    outcome.failed.push((Arc::clone(&part.sink), failure));
                    false
                }
            },
        );
        batches
    }

    fn append(&mut self, parts: &[Part], batches: &[RecordBatch]) -> Result<(), Failed> {
        let counted = parts.iter().filter_map(|part| {
            let (app_id, version) = (part.sink.app_id()?, part.last_offset?);
            Some(Txn { app_id, version })
        });
        let txns: Vec<_> = counted.collect();
        if batches.is_empty() && txns.is_empty() {
            return Ok(());
        }
        let started = Instant::now();
        match self.table.append(batches, &txns) {
            Ok(commit) => {
                self.served.metrics.committed(&commit, started.elapsed());
                Ok(())
            }
            Err(error @ DeltaError::SchemaChanged { .. }) => {
                Err(Failed::Altered(self.failure(&error)))
            }
            Err(error) => Err(Failed::Otherwise(self.failure(&error))),
        }
    }

    fn failure(&mut self, error: &DeltaError) -> WriteFailure {
        let is_there = self.reopen();
        WriteFailure::of(error, is_there)
    }

    /// After a failure, what the table knows of its log may be behind, and another writer may have given it other
    /// columns. Returns whether there is a table to write to.
    fn reopen(&mut self) -> bool {
        let folder = self.table.folder().to_owned();
        let opened = DeltaTable::reopen(&folder, self.writing.durability);
        self.is_behind = match opened {
            Ok(table) if self.served.columns.set(&table).is_ok() => {
                self.table = table;
                self.served.metrics.version(self.table.version());
                false
            }
            _ => true,
        };
        !self.is_behind
    }

    /// Nothing that was acked depends on it, so nobody is told when it fails, and nothing waits for it.
    fn checkpoint_if_due(&mut self) {
        if self.checkpointing.is_some() {
            return;
        }
        let Some(checkpoint) = self.table.checkpoint_if_due() else {
            return;
        };
        let Some(inbox) = sender(&self.inbox) else {
            return;
        };
        let thread = thread::Builder::new().name("zerobus-checkpoint".to_owned());
        let spawned = thread.spawn(move || {
            let written = catch_unwind(AssertUnwindSafe(|| checkpoint.write()));
            // Nobody listens when the writer has ended.
            let _ = inbox.send(Note::Checkpointed(matches!(written, Ok(Ok(true)))));
        });
        self.checkpointing = spawned.ok();
    }

    /// What came before a checkpoint need not be known any more.
    fn adopt_checkpoint(&mut self) {
        if !std::mem::take(&mut self.is_checkpointed) {
            return;
        }
        match catch_unwind(AssertUnwindSafe(|| self.table.adopt_checkpoint())) {
            Ok(Ok(())) => self.served.metrics.version(self.table.version()),
            _ => {
                self.reopen();
            }
        }
    }
}
