//! Delta tables on the local disk.
//!
//! The Delta kernel owns the protocol: what a table is, what a log entry says, when a checkpoint
//! is due to be readable. This module owns the disk: a data file is written and flushed, then the
//! log entry that names it, then the folders of both; only then does [`DeltaTable::append`]
//! return. Everything here blocks and is called from threads that may.

mod data_file;
mod durable;
mod engine;
mod error;
mod log;
mod schema;
mod stats;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use delta_kernel::SnapshotRef;
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::schema::StructType;
use delta_kernel::snapshot::{CheckpointWriteResult, Snapshot};
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::data_layout::DataLayout;
use delta_kernel::transaction::{CommitResult, UpdateTableOperation};
use serde_json::json;
use url::Url;

pub(crate) use durable::Durability;
pub(crate) use error::DeltaError;
pub(crate) use schema::is_variant;

use data_file::{DataFile, DataFileWriter};
use engine::{LocalEngine, Rows};
use log::Log;

/// What the log names as the writer of an entry.
const ENGINE_INFO: &str = concat!("zerobus-local/", env!("CARGO_PKG_VERSION"));

/// How often a commit is tried anew when other writers are faster.
const COMMIT_ATTEMPTS: usize = 10;

/// A checkpoint stands for all versions before it.
const CHECKPOINT_INTERVAL: u64 = 100;

/// What a new table has beside its columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableOptions {
    /// Top-level columns, in order.
    pub(crate) partition_columns: Vec<String>,
    /// TBLPROPERTIES. Those of Delta itself must be ones that the kernel knows how to keep.
    pub(crate) properties: BTreeMap<String, String>,
}

/// An application's own count of what it wrote, kept in the table with the rows.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Txn<'a> {
    /// Who counts.
    pub(crate) app_id: &'a str,
    /// How far.
    pub(crate) version: i64,
}

/// What [`DeltaTable::append`] did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct CommitInfo {
    /// The table's version that holds the rows.
    pub(crate) version: u64,
    /// How many rows were appended.
    pub(crate) rows: u64,
    /// The size of the data files, in bytes.
    pub(crate) bytes: u64,
}

/// A Delta table that this process writes to.
#[derive(Debug)]
pub(crate) struct DeltaTable {
    folder: PathBuf,
    log: Log,
    durability: Durability,
    engine: LocalEngine,
    /// Kept from commit to commit: a fresh one would read the log again.
    snapshot: SnapshotRef,
    arrow_schema: SchemaRef,
    writer: DataFileWriter,
}

impl DeltaTable {
    /// Creates a table in `folder`, which is made when it is missing.
    ///
    /// `schema_json` is the schema as the log and Spark write it (`{"type":"struct",…}`); field
    /// metadata is kept. The protocol's features follow from the types and the properties.
    pub(crate) fn create(
        folder: &Path,
        schema_json: &str,
        options: &TableOptions,
        durability: Durability,
    ) -> Result<Self, DeltaError> {
        let schema: StructType =
            serde_json::from_str(schema_json).map_err(|error| DeltaError::Unsupported {
                reason: format!("the schema cannot be read: {error}"),
            })?;
        // Before anything is on the disk.
        schema::arrow_schema(&schema)?;
        let folder = Log::make(folder, durability)?;
        let engine = LocalEngine::new(durability);
        let url = folder_url(&folder)?;
        let layout = match options.partition_columns.as_slice() {
            [] => DataLayout::None,
            columns => DataLayout::partitioned(columns),
        };
        let created = create_table(url.as_str(), Arc::new(schema), ENGINE_INFO, false)
            .with_table_properties(options.properties.clone())
            .with_data_layout(layout)
            .build(&engine, Box::new(FileSystemCommitter::new()))?
            .commit(&engine)?;
        match created {
            CommitResult::Committed(_) => Self::open(&folder, durability),
            CommitResult::Conflicted(_) => Err(DeltaError::AlreadyExists { path: folder }),
            CommitResult::Retryable(retryable) => Err(retryable.error.into()),
        }
    }

    /// Opens the table in `folder` at its latest version.
    ///
    /// A last log entry that a crash left torn was never acknowledged: it is put aside under a
    /// hidden name and the table goes on from the version before.
    pub(crate) fn open(folder: &Path, durability: Durability) -> Result<Self, DeltaError> {
        let folder = log::absolute(folder).map_err(|error| match error {
            DeltaError::Gone { path } => DeltaError::NotATable { path },
            other => other,
        })?;
        let log = Log::open(&folder)?;
        let engine = LocalEngine::new(durability);
        let snapshot = Snapshot::builder_for(folder_url(&folder)?).build(&engine)?;
        let arrow_schema = Arc::new(schema::arrow_schema(&snapshot.schema())?);
        let writer = DataFileWriter::new(&snapshot.schema(), (*arrow_schema).clone(), durability)?;
        Ok(Self {
            folder,
            log,
            durability,
            engine,
            snapshot,
            arrow_schema,
            writer,
        })
    }

    /// The table's folder, absolute.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// The latest version this process knows of.
    pub(crate) fn version(&self) -> u64 {
        self.snapshot.version()
    }

    /// The schema as the log writes it.
    pub(crate) fn schema_json(&self) -> Result<String, DeltaError> {
        serde_json::to_string(&*self.snapshot.schema())
            .map_err(|error| DeltaError::Kernel(error.to_string()))
    }

    /// What the batches of [`append`](Self::append) must look like; see
    /// [`is_variant`] for how a VARIANT is told.
    pub(crate) fn arrow_schema(&self) -> &SchemaRef {
        &self.arrow_schema
    }

    /// How far `app_id` has counted in this table.
    pub(crate) fn txn_version(&self, app_id: &str) -> Result<Option<i64>, DeltaError> {
        Ok(self.snapshot.get_app_id_version(app_id, &self.engine)?)
    }

    /// Appends rows in one commit, and the count of `txn` with them. When this returns, they are
    /// on the disk and in the table.
    pub(crate) fn append(
        &mut self,
        batches: &[RecordBatch],
        txn: Option<Txn<'_>>,
    ) -> Result<CommitInfo, DeltaError> {
        for batch in batches {
            self.check(batch)?;
        }
        self.log.check()?;
        let file = self.writer.write(&self.folder, batches)?;
        let next = self.version() + 1;
        let committed = self
            .durability
            .sync_folder(&self.folder)
            .and_then(|()| self.commit(&file, txn));
        if committed.is_err() && !self.log.has(next) {
            // Nothing refers to it, and on a full disk it would be in the way.
            let _ = fs::remove_file(self.folder.join(&file.name));
        }
        Ok(CommitInfo {
            version: committed?,
            rows: file.rows,
            bytes: file.bytes,
        })
    }

    /// Equal fields mean equal types and no null where none may be: Arrow holds a batch to its
    /// own schema.
    fn check(&self, batch: &RecordBatch) -> Result<(), DeltaError> {
        let (expected, found) = (self.arrow_schema.fields(), batch.schema_ref().fields());
        if expected == found {
            return Ok(());
        }
        let field = expected
            .iter()
            .zip(found)
            .find(|(expected, found)| expected != found);
        Err(match field {
            Some((expected, found)) => DeltaError::WrongBatch {
                column: expected.name().clone(),
                expected: expected.to_string(),
                found: found.to_string(),
            },
            None => DeltaError::WrongBatch {
                column: self.folder.display().to_string(),
                expected: format!("{} columns", expected.len()),
                found: format!("{} columns", found.len()),
            },
        })
    }

    /// Writes a checkpoint when one is due, so that opening the table stays quick. Nothing depends
    /// on it: call it when the rows are acknowledged. Returns whether one was written.
    pub(crate) fn maintain(&mut self) -> Result<bool, DeltaError> {
        if !self.version().is_multiple_of(CHECKPOINT_INTERVAL) {
            return Ok(false);
        }
        let (written, snapshot) = self.snapshot.checkpoint(&self.engine, None)?;
        self.snapshot = snapshot;
        Ok(written == CheckpointWriteResult::Written)
    }

    fn commit(&mut self, file: &DataFile, txn: Option<Txn<'_>>) -> Result<u64, DeltaError> {
        let mut version = self.version();
        for _ in 0..COMMIT_ATTEMPTS {
            let mut builder = self
                .snapshot
                .clone()
                .update_table(UpdateTableOperation::Write, ENGINE_INFO, true)
                .with_blind_append();
            if let Some(txn) = txn {
                builder = builder.with_transaction_id(txn.app_id, txn.version);
            }
            let mut transaction =
                builder.build(&self.engine, Box::new(FileSystemCommitter::new()))?;
            transaction.add_files(Box::new(add_action(file, transaction.add_files_schema())));
            match transaction.commit(&self.engine)? {
                CommitResult::Committed(committed) => {
                    self.snapshot = match committed.post_commit_snapshot() {
                        Some(snapshot) => snapshot.clone(),
                        None => self.latest()?,
                    };
                    return Ok(committed.commit_version());
                }
                CommitResult::Conflicted(conflict) => {
                    version = conflict.conflict_version();
                    self.follow()?;
                }
                CommitResult::Retryable(retryable) => return Err(retryable.error.into()),
            }
        }
        Err(DeltaError::Conflict { version })
    }

    fn latest(&self) -> Result<SnapshotRef, DeltaError> {
        Ok(Snapshot::builder_from(self.snapshot.clone()).build(&self.engine)?)
    }

    /// Takes in what another writer committed.
    fn follow(&mut self) -> Result<(), DeltaError> {
        let latest = self.latest()?;
        if latest.schema() != self.snapshot.schema() {
            return Err(DeltaError::SchemaChanged {
                version: latest.version(),
            });
        }
        self.snapshot = latest;
        Ok(())
    }
}

fn add_action(file: &DataFile, schema: &delta_kernel::schema::SchemaRef) -> Rows {
    let row = json!({
        "path": file.name,
        "partitionValues": {},
        "size": file.bytes,
        "modificationTime": now_millis(),
        "stats": file.stats,
    });
    Rows::new(schema.clone(), vec![row])
}

fn now_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}

fn folder_url(folder: &Path) -> Result<Url, DeltaError> {
    Url::from_directory_path(folder).map_err(|()| DeltaError::Unsupported {
        reason: format!("{} is not an absolute path", folder.display()),
    })
}

#[cfg(test)]
mod tests;
