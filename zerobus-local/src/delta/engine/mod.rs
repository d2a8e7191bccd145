//! A Delta kernel engine for one local disk: synchronous, durable, and no more than that.
//!
//! The kernel decides what the log says; this engine moves bytes. The kernel's rows are JSON
//! objects here, because that is what a log is made of; Arrow comes in only where a checkpoint is
//! a Parquet file.

mod evaluate;
mod json;
mod parquet;
mod rows;
mod storage;
mod table;

use std::sync::{Arc, Mutex, PoisonError};

use delta_kernel::{Engine, EvaluationHandler, JsonHandler, ParquetHandler, StorageHandler};

pub(super) use rows::Rows;

use super::DeltaError;
use super::durable::{Durability, Flush};
use super::log::Log;
use evaluate::Evaluation;
use json::Json;
use parquet::Parquet;
use storage::Storage;

/// What the kernel calls for everything that touches the disk.
#[derive(Debug)]
pub(super) struct LocalEngine {
    evaluation: Arc<Evaluation>,
    storage: Arc<Storage>,
    json: Arc<Json>,
    parquet: Arc<Parquet>,
}

impl LocalEngine {
    pub(super) fn new(durability: Durability) -> Self {
        Self::with(durability, None)
    }

    /// Writes checkpoints of this log only, not of another one in its place.
    pub(super) fn for_log(durability: Durability, log: Arc<Log>) -> Self {
        Self::with(durability, Some(log))
    }

    fn with(durability: Durability, log: Option<Arc<Log>>) -> Self {
        Self {
            evaluation: Arc::new(Evaluation),
            storage: Arc::new(Storage { durability }),
            json: Arc::new(Json {
                durability,
                flush: Mutex::default(),
            }),
            parquet: Arc::new(Parquet { durability, log }),
        }
    }

    /// Does what may commit an entry, which appears only after `flush` is through.
    pub(super) fn after<T>(
        &self,
        flush: Flush,
        commit: impl FnOnce() -> Result<T, DeltaError>,
    ) -> Result<T, DeltaError> {
        *self.pending() = Some(flush);
        let done = commit();
        let left = self.pending().take();
        if let Some(flush) = left {
            flush.wait()?;
        }
        done
    }

    fn pending(&self) -> std::sync::MutexGuard<'_, Option<Flush>> {
        self.json
            .flush
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Engine for LocalEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.evaluation.clone()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        self.storage.clone()
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        self.json.clone()
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        self.parquet.clone()
    }
}
