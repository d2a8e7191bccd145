//! The log up to a version as one file.

use std::sync::Arc;

use delta_kernel::SnapshotRef;
use delta_kernel::snapshot::CheckpointWriteResult;

use super::DeltaError;
use super::durable::Durability;
use super::engine::LocalEngine;
use super::log::Log;

/// A checkpoint to be written, on any thread: appends go on meanwhile.
#[derive(Debug)]
pub(crate) struct Checkpoint {
    snapshot: SnapshotRef,
    engine: LocalEngine,
    log: Arc<Log>,
}

impl Checkpoint {
    pub(super) fn new(snapshot: SnapshotRef, durability: Durability, log: &Arc<Log>) -> Self {
        Self {
            snapshot,
            engine: LocalEngine::for_log(durability, Arc::clone(log)),
            log: Arc::clone(log),
        }
    }

    /// Writes it, and says whether: somebody else may have been faster.
    pub(crate) fn write(self) -> Result<bool, DeltaError> {
        self.log.check()?;
        let (written, _) = self.snapshot.checkpoint(&self.engine, None)?;
        Ok(written == CheckpointWriteResult::Written)
    }
}
