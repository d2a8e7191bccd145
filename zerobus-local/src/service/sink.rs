//! Where a stream's decoded records wait for the writer of their table.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::{Duration, Instant};

use arrow_array::RecordBatch;
use arrow_schema::{ArrowError, SchemaRef};
use tokio::sync::{Notify, oneshot, watch};

use super::budget::{Budget, Share};
use super::compaction::Compacted;
use super::failure::WriteFailure;
use super::metrics::TableMetrics;
use super::persistent::Ask;
use crate::decode::{Chunk, Fault, Plan};
use crate::server::Received;

/// A stream that has this many undelivered bytes of records waits until the writer took them, however few others have.
///
/// Together with what the writer has in hand and what HTTP/2 lets the client send ahead it is what an ack lags behind by.
const PENDING_BYTES_MAX: usize = 6 * 1024 * 1024;

/// The same in values, present or not, because a record of nothing but NULLs has no bytes and takes memory all the
/// same.
const PENDING_CELLS_MAX: usize = 1 << 26;

/// What a value takes at least, present or not.
const CELL_BYTES: usize = 8;

/// The most of them that one message may take: 256 MiB.
const MESSAGE_CELLS_MAX: usize = 1 << 25;

/// How far a stream's records have come.
#[derive(Debug, Clone, Default)]
pub(super) struct Progress {
    /// The highest offset that is durable, with all before it.
    pub(super) durable: Option<i64>,
    /// Why nothing after that will be.
    pub(super) failed: Option<Arc<WriteFailure>>,
}

/// What a writer is told.
#[derive(Debug)]
pub(super) enum Note {
    /// The stream has something for it.
    Ready(Arc<Sink>),
    /// A stream waits for it.
    Hurry,
    /// Somebody else has written to the table.
    Refresh(oneshot::Sender<()>),
    /// Somebody else is to change its columns.
    Alter(oneshot::Sender<Result<(), String>>),
    /// Something about a persistent stream.
    Ask(Ask),
    /// Files that can be put in the place of others.
    Compacted(Compacted),
    /// Whether a checkpoint was written that was begun.
    Checkpointed(bool),
}

/// How a stream's records are read, and the batches that they become: both for the columns of one time.
#[derive(Debug)]
pub(super) struct Planned {
    pub(super) plan: Plan,
    pub(super) arrow: SchemaRef,
}

/// One stream's end of the way to its table.
#[derive(Debug)]
pub(super) struct Sink {
    arrow: SchemaRef,
    /// `None` for what is no stream.
    stream_id: Option<String>,
    /// The name that a persistent stream counts under in its table.
    app_id: Option<String>,
    /// What a record takes in memory, whatever it holds.
    cells: usize,
    pending: Mutex<Pending>,
    taken: Notify,
    progress: watch::Sender<Progress>,
    writer: mpsc::Sender<Note>,
    metrics: Arc<TableMetrics>,
    budget: Arc<Budget>,
}

#[derive(Debug)]
struct Pending {
    chunk: Chunk,
    bytes: usize,
    /// What the chunk takes of the budget, and what the writer has in hand.
    share: Option<Share>,
    share_in_hand: Option<Share>,
    /// Since when the oldest message in the chunk waits for the writer.
    waiting: Option<Instant>,
    /// The same for what the writer has in hand.
    in_hand: Option<Instant>,
    seen: Received,
    /// The offset of the last message in the chunk.
    last_offset: Option<i64>,
    /// Whether the writer knows that there is something.
    announced: bool,
    /// Set when a commit failed: what came later must not be written before what came first.
    closed: bool,
}

/// What there is to know of a stream that is open.
#[derive(Debug)]
pub(super) struct SinkState {
    /// What this connection brought.
    pub(super) received: Received,
    /// The offset of the last message that was taken.
    pub(super) last_offset: Option<i64>,
    /// That of the last one that is durable.
    pub(super) durable: Option<i64>,
    /// For how long the oldest message that is not durable has been waiting.
    pub(super) waiting: Option<Duration>,
}

/// What the writer takes from a stream for one commit.
pub(super) struct Taken {
    pub(super) sink: Arc<Sink>,
    /// The offset of the last message taken so far.
    pub(super) last_offset: Option<i64>,
    chunk: Chunk,
}

/// A message that may be decoded, with its part of the budget.
#[derive(Debug)]
pub(super) struct Admitted {
    bytes: usize,
    share: Share,
}

/// Why a message was not taken.
#[derive(Debug)]
pub(super) enum Refused {
    /// Its record at this place is at fault; nothing of the message was kept.
    Record(usize, Fault),
    /// It has more records than one message may bring for a table this wide.
    TooMany {
        /// How many do.
        most: usize,
    },
    /// The table's writer is gone or has failed; `progress` tells why.
    Closed,
}

impl Sink {
    pub(super) fn new(
        planned: &Planned,
        stream_id: Option<&str>,
        app_id: Option<String>,
        writer: mpsc::Sender<Note>,
        (metrics, budget): (Arc<TableMetrics>, Arc<Budget>),
    ) -> Arc<Self> {
        let plan = &planned.plan;
        let chunk = Chunk::new(plan);
        Arc::new(Self {
            arrow: Arc::clone(&planned.arrow),
            stream_id: stream_id.map(str::to_owned),
            app_id,
            cells: plan.cells(),
            pending: Mutex::new(Pending {
                chunk,
                bytes: 0,
                share: None,
                share_in_hand: None,
                waiting: None,
                in_hand: None,
                seen: Received::default(),
                last_offset: None,
                announced: false,
                closed: false,
            }),
            taken: Notify::new(),
            progress: watch::Sender::default(),
            writer,
            metrics,
            budget,
        })
    }

    pub(super) fn stream_id(&self) -> Option<&str> {
        self.stream_id.as_deref()
    }

    pub(super) fn app_id(&self) -> Option<&str> {
        self.app_id.as_deref()
    }

    /// Goes on after an offset that the table has already.
    pub(super) fn go_on_after(&self, offset: Option<i64>) {
        self.lock().last_offset = offset;
        self.durable(offset);
    }

    /// How far the stream has come.
    pub(super) fn state(&self) -> SinkState {
        let pending = self.lock();
        let oldest = pending.in_hand.or(pending.waiting);
        SinkState {
            received: pending.seen,
            last_offset: pending.last_offset,
            durable: self.progress.borrow().durable,
            waiting: oldest.map(|since| since.elapsed()),
        }
    }

    pub(super) fn progress(&self) -> watch::Receiver<Progress> {
        self.progress.subscribe()
    }

    /// Waits until a message of so many records may be decoded: until all streams together have little enough that is not
    /// durable yet.
    pub(super) async fn admit(&self, records: usize, bytes: usize) -> Result<Admitted, Refused> {
        let cells = records.saturating_mul(self.cells);
        if cells > MESSAGE_CELLS_MAX {
            return Err(Refused::TooMany {
                most: MESSAGE_CELLS_MAX / self.cells.max(1),
            });
        }
        let weight = bytes.saturating_add(cells * CELL_BYTES);
        let share = match self.budget.try_take(weight) {
            Some(share) => share,
            None => {
                self.note(Note::Hurry)?;
                self.budget.take(weight).await.ok_or(Refused::Closed)?
            }
        };
        Ok(Admitted { bytes, share })
    }

    /// Decodes a message's records, all of them or none.
    pub(super) fn add<R: Copy>(
        self: &Arc<Self>,
        Admitted { bytes, share }: Admitted,
        offset: i64,
        records: impl ExactSizeIterator<Item = R> + Clone,
        push: impl Fn(&mut Chunk, R) -> Result<(), Fault>,
    ) -> Result<(), Refused> {
        let mut pending = self.lock();
        if pending.closed {
            return Err(Refused::Closed);
        }
        let count = records.len();
        pending
            .chunk
            .push_all(records, push)
            .map_err(|(at, fault)| Refused::Record(at, fault))?;
        self.metrics.message(count, bytes);
        pending.seen.add(count, bytes);
        pending.bytes += bytes;
        merge(&mut pending.share, Some(share));
        if pending.waiting.is_none() {
            pending.waiting = Some(Instant::now());
        }
        pending.last_offset = Some(offset);
        if !pending.announced {
            pending.announced = true;
            self.note(Note::Ready(Arc::clone(self)))?;
        }
        Ok(())
    }

    /// Waits until there is room for another message.
    pub(super) async fn room(&self) {
        loop {
            let taken = self.taken.notified();
            {
                let pending = self.lock();
                if !self.is_full(&pending) || pending.closed || self.note(Note::Hurry).is_err() {
                    return;
                }
            }
            taken.await;
        }
    }

    /// Nothing more will come to be committed together with what is here.
    pub(super) fn hurry(&self) {
        // Without a writer there is nobody to hurry.
        let _ = self.note(Note::Hurry);
    }

    fn note(&self, note: Note) -> Result<(), Refused> {
        self.writer.send(note).map_err(|_| Refused::Closed)
    }

    fn is_full(&self, pending: &Pending) -> bool {
        let cells = pending.chunk.rows().saturating_mul(self.cells);
        pending.bytes >= PENDING_BYTES_MAX || cells >= PENDING_CELLS_MAX
    }

    /// Takes what has gathered; called by the writer. Of a stream that has failed there is nothing to take, and nothing
    /// that may be acked.
    pub(super) fn take(self: Arc<Self>) -> Option<Taken> {
        let (chunk, last_offset) = {
            let mut pending = self.lock();
            if pending.closed {
                return None;
            }
            let chunk = pending.chunk.take();
            pending.bytes = 0;
            let share = pending.share.take();
            merge(&mut pending.share_in_hand, share);
            pending.announced = false;
            let waiting = pending.waiting.take();
            pending.in_hand = pending.in_hand.or(waiting);
            (chunk, pending.last_offset)
        };
        self.taken.notify_one();
        Some(Taken {
            sink: self,
            last_offset,
            chunk,
        })
    }

    /// Tells the stream that everything up to `offset` is durable.
    pub(super) fn durable(&self, offset: Option<i64>) {
        {
            let mut pending = self.lock();
            pending.share_in_hand = None;
            if let Some(since) = pending.in_hand.take() {
                self.metrics.durable_after(since.elapsed());
            }
        }
        self.progress.send_modify(|progress| {
            if progress.failed.is_none() {
                progress.durable = offset;
            }
        });
    }

    /// Tells the stream that nothing more of it will be written.
    pub(super) fn fail(&self, failure: &Arc<WriteFailure>) {
        {
            let mut pending = self.lock();
            pending.closed = true;
            pending.chunk.clear();
            (pending.share, pending.share_in_hand) = (None, None);
            (pending.waiting, pending.in_hand) = (None, None);
        }
        self.taken.notify_one();
        self.progress
            .send_modify(|progress| progress.failed = Some(Arc::clone(failure)));
    }

    fn lock(&self) -> MutexGuard<'_, Pending> {
        // Whoever panicked with the lock left whole rows and at most parts of one behind; it is not acked.
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn merge(share: &mut Option<Share>, more: Option<Share>) {
    match (share, more) {
        (Some(share), Some(more)) => share.merge(more),
        (share @ None, more) => *share = more,
        (Some(_), None) => {}
    }
}

impl Taken {
    pub(super) fn rows(&self) -> usize {
        self.chunk.rows()
    }

    /// The rows as a batch of the columns that the stream was opened with.
    pub(super) fn finish(self) -> Result<RecordBatch, ArrowError> {
        self.chunk.finish(&self.sink.arrow)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_schema::Schema;
    use tonic::Code;
    use zerobus_schema::ddl;

    use super::*;

    fn budget(most: usize) -> Arc<Budget> {
        Arc::new(Budget::new(most))
    }

    /// A message of one record, if it is admitted at once.
    async fn add(sink: &Arc<Sink>, offset: i64) -> Result<(), Refused> {
        let admitted = tokio::time::timeout(Duration::from_millis(20), sink.admit(1, 7));
        let admitted = admitted.await.map_err(|_| Refused::TooMany { most: 0 })??;
        let records = [r#"{"a":1}"#].into_iter();
        sink.add(admitted, offset, records, Chunk::push_json)
    }

    #[tokio::test]
    async fn streams_wait_while_all_together_have_too_much() {
        let table = ddl::parse_create_table("CREATE TABLE c.s.t (a INT)").unwrap();
        let planned = Planned {
            plan: Plan::for_json(&table).unwrap(),
            arrow: Arc::new(Schema::empty()),
        };
        // Each counts as 64 bytes.
        let budget = budget(3 * 64);
        let (writer, notes) = mpsc::channel();
        let sinks = [(), ()].map(|()| {
            let shared = (Arc::default(), Arc::clone(&budget));
            Sink::new(&planned, None, None, writer.clone(), shared)
        });
        let [one, other] = &sinks;
        add(one, 0).await.unwrap();
        add(one, 1).await.unwrap();
        add(other, 0).await.unwrap();
        assert!(!budget.is_wanted());
        assert!(!notes.try_iter().any(|note| matches!(note, Note::Hurry)));
        assert!(add(one, 2).await.is_err());
        assert!(add(other, 1).await.is_err());
        assert!(notes.try_iter().any(|note| matches!(note, Note::Hurry)));
        // What the writer took is in memory still, until it is durable.
        let taken = Arc::clone(one).take().unwrap();
        assert!(add(other, 1).await.is_err());
        let waits = tokio::spawn({
            let other = Arc::clone(other);
            async move { other.admit(1, 7).await.map(drop) }
        });
        while !budget.is_wanted() {
            tokio::task::yield_now().await;
        }
        taken.sink.durable(Some(1));
        waits.await.unwrap().unwrap();
        assert!(!budget.is_wanted());
        add(other, 1).await.unwrap();
        // What is larger than all there is waits for all there is.
        assert!(add(one, 2).await.is_ok());
        let large = tokio::spawn({
            let one = Arc::clone(one);
            async move { one.admit(1, 1 << 20).await.map(drop) }
        });
        for sink in &sinks {
            assert!(!large.is_finished());
            sink.fail(&Arc::new(WriteFailure::unreadable()));
        }
        large.await.unwrap().unwrap();
        drop(taken);
        drop(sinks);
        drop(notes);
        assert!(budget.is_whole());
    }

    #[tokio::test]
    async fn what_came_while_a_commit_failed_is_neither_written_nor_acked() {
        let table = ddl::parse_create_table("CREATE TABLE c.s.t (a INT)").unwrap();
        let planned = Planned {
            plan: Plan::for_json(&table).unwrap(),
            arrow: Arc::new(Schema::empty()),
        };
        let (writer, notes) = mpsc::channel();
        let sink = Sink::new(
            &planned,
            None,
            None,
            writer,
            (Arc::default(), budget(1 << 20)),
        );
        add(&sink, 0).await.unwrap();
        let first = Arc::clone(&sink).take().unwrap();
        // Meanwhile the next one comes, and is announced.
        add(&sink, 1).await.unwrap();
        let failure = WriteFailure::new(Code::Unavailable, "full".to_owned());
        first.sink.fail(&Arc::new(failure));
        let (Note::Ready(_), Note::Ready(next)) = (notes.recv().unwrap(), notes.recv().unwrap())
        else {
            unreachable!()
        };
        assert!(next.take().is_none());
        sink.durable(Some(1));
        assert_eq!(sink.progress().borrow().durable, None);
        assert!(matches!(add(&sink, 2).await, Err(Refused::Closed)));
    }
}
