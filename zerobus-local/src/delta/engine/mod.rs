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

use std::sync::Arc;

use delta_kernel::{Engine, EvaluationHandler, JsonHandler, ParquetHandler, StorageHandler};

pub(super) use rows::Rows;

use super::durable::Durability;
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
        Self {
            evaluation: Arc::new(Evaluation),
            storage: Arc::new(Storage { durability }),
            json: Arc::new(Json { durability }),
            parquet: Arc::new(Parquet { durability }),
        }
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
