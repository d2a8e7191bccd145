//! What streams have in a commit, and what becomes of them.

use std::sync::Arc;

use arrow_array::RecordBatch;

use super::failure::WriteFailure;
use super::sink::Sink;

/// What one stream has in a commit.
pub(super) struct Part {
    pub(super) sink: Arc<Sink>,
    /// The offset of its last message.
    pub(super) last_offset: Option<i64>,
    /// In the columns that its table had when the stream was opened.
    pub(super) batch: Option<RecordBatch>,
}

impl Part {
    /// Whether the table is to have anything of it.
    pub(super) fn is_something(&self) -> bool {
        self.batch.is_some() || (self.sink.app_id().is_some() && self.last_offset.is_some())
    }
}

/// Why a commit was not made.
pub(super) enum Failed {
    /// Because the table is another one by now.
    Altered(WriteFailure),
    Otherwise(WriteFailure),
}

/// What became of the streams in a commit.
#[derive(Default)]
pub(super) struct Outcome {
    pub(super) durable: Vec<(Arc<Sink>, Option<i64>)>,
    pub(super) failed: Vec<(Arc<Sink>, Arc<WriteFailure>)>,
}

impl Outcome {
    pub(super) fn fail_all(&mut self, parts: Vec<Part>, failure: WriteFailure) {
        let failure = Arc::new(failure);
        let failed = parts
            .into_iter()
            .map(|part| (part.sink, Arc::clone(&failure)));
        self.failed.extend(failed);
    }

    pub(super) fn report(self) {
        for (sink, offset) in self.durable {
            sink.durable(offset);
        }
        for (sink, failure) in self.failed {
            sink.fail(&failure);
        }
    }
}
