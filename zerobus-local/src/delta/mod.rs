//! Delta tables on the local disk.
//!
//! The Delta kernel owns the protocol: what a log entry says, which features a table needs, what
//! a checkpoint holds. This module owns the disk: the data files and their folder are flushed
//! before the log entry that names them appears, whole and in one step, and its folder before
//! [`DeltaTable::append`] returns. Everything here blocks and is called from threads that may.

mod checkpoint;
mod commit;
mod data_file;
mod durable;
mod engine;
mod error;
mod fit;
mod log;
mod partition;
mod properties;
mod rewrite;
mod schema;
mod stats;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::schema::StructType;
use delta_kernel::snapshot::Snapshot;
use delta_kernel::transaction::CommitResult;
use delta_kernel::transaction::create_table::create_table;
use delta_kernel::transaction::data_layout::DataLayout;
use url::Url;

pub(crate) use checkpoint::Checkpoint;
pub(crate) use durable::Durability;
pub(crate) use error::DeltaError;
pub(crate) use fit::{Change, Unfit, fit};
pub(crate) use rewrite::{RewriteError, Rewriter, Rewritten};

use commit::Head;
use data_file::{DataFile, DataFileWriter};
use engine::LocalEngine;
use log::Log;
use partition::Partitioning;

/// What the log names as the writer of an entry.
const ENGINE_INFO: &str = concat!("zerobus-local/", env!("CARGO_PKG_VERSION"));

/// What Delta's readers expect of a table that says nothing (`delta.deletedFileRetentionDuration`).
const RETENTION: Duration = Duration::from_secs(7 * 24 * 60 * 60);

/// What a new table has beside its columns.
#[derive(Debug, Clone, Default)]
pub(crate) struct TableOptions {
    /// Top-level columns, in order.
    pub(crate) partition_columns: Vec<String>,
    /// TBLPROPERTIES. Of Delta's own, advice that has no meaning on a local disk is left out, and
    /// what is not supported is refused by name.
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
    log: Arc<Log>,
    durability: Durability,
    engine: LocalEngine,
    head: Head,
    arrow_schema: SchemaRef,
    partitioning: Partitioning,
    writer: Arc<DataFileWriter>,
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
        schema::arrow_schema(&schema)?;
        let properties = properties::kept(&options.properties)?;
        let layout = match options.partition_columns.as_slice() {
            [] => DataLayout::None,
            columns => DataLayout::partitioned(columns),
        };
        log::in_new_folders(folder, durability, |folder| {
            let engine = LocalEngine::new(durability);
            let url = folder_url(folder)?;
            let created = create_table(url.as_str(), Arc::new(schema), ENGINE_INFO, false)
                .with_table_properties(properties)
                .with_data_layout(layout)
                .build(&engine, Box::new(FileSystemCommitter::new()))?
                .commit(&engine)?;
            match created {
                CommitResult::Committed(_) => Self::open(folder, durability),
                CommitResult::Conflicted(_) => Err(DeltaError::AlreadyExists {
                    path: folder.to_owned(),
                }),
                CommitResult::Retryable(retryable) => Err(retryable.error.into()),
            }
        })
    }

    /// Opens the table in `folder` at its latest version.
    ///
    /// A last log entry that a crash left torn was never acknowledged: it is put aside under a
    /// hidden name and the table goes on from the version before. What a crash left half-written is
    /// cleared away, so this is for when the server starts; [`reopen`](Self::reopen) is for later.
    pub(crate) fn open(folder: &Path, durability: Durability) -> Result<Self, DeltaError> {
        Self::of(Log::open(folder)?, durability)
    }

    /// The same while other threads may be writing to the table: nothing half-written is touched.
    pub(crate) fn reopen(folder: &Path, durability: Durability) -> Result<Self, DeltaError> {
        Self::of(Log::reopen(folder)?, durability)
    }

    fn of((folder, log): (PathBuf, Log), durability: Durability) -> Result<Self, DeltaError> {
        let engine = LocalEngine::new(durability);
        let head = Head::new(Snapshot::builder_for(folder_url(&folder)?).build(&engine)?);
        // The kernel refuses here what it cannot append to.
        let transaction = head.transaction(&engine, true, &[])?;
        let schema = head.snapshot().schema();
        let arrow_schema = Arc::new(schema::arrow_schema(&schema)?);
        let partitioning = Partitioning::new(&transaction, &schema, &arrow_schema)?;
        let writer = Arc::new(DataFileWriter::new(
            &schema,
            partitioning.data_schema(&arrow_schema)?,
            &transaction.stats_columns(),
        )?);
        Ok(Self {
            folder,
            log: Arc::new(log),
            durability,
            engine,
            head,
            arrow_schema,
            partitioning,
            writer,
        })
    }

    /// The table's folder, absolute.
    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where the last log entry is now, if it was torn when the table was opened.
    pub(crate) fn put_aside(&self) -> Option<&Path> {
        self.log.put_aside()
    }

    /// The latest version this process knows of.
    pub(crate) fn version(&self) -> u64 {
        self.head.snapshot().version()
    }

    /// The schema as the log writes it.
    pub(crate) fn schema_json(&self) -> Result<String, DeltaError> {
        serde_json::to_string(&*self.head.snapshot().schema())
            .map_err(|error| DeltaError::Kernel(error.to_string()))
    }

    /// The columns by whose values rows are kept apart, in order.
    pub(crate) fn partition_columns(&self) -> impl Iterator<Item = &str> {
        self.partitioning.columns()
    }

    /// What the batches of [`append`](Self::append) must look like, one Arrow type for each of
    /// Delta's. A VARIANT is a struct of the binaries `metadata` and `value`.
    pub(crate) fn arrow_schema(&self) -> &SchemaRef {
        &self.arrow_schema
    }

    /// How far `app_id` has counted in this table.
    pub(crate) fn txn_version(&self, app_id: &str) -> Result<Option<i64>, DeltaError> {
        Ok(self
            .head
            .snapshot()
            .get_app_id_version(app_id, &self.engine)?)
    }

    /// Appends rows in one commit, and the counts of `txns` with them. When this returns, they are
    /// on the disk and in the table. No rows and no count make no version.
    pub(crate) fn append(
        &mut self,
        batches: &[RecordBatch],
        txns: &[Txn<'_>],
    ) -> Result<CommitInfo, DeltaError> {
        for batch in batches {
            self.check(batch)?;
        }
        if txns.is_empty() && batches.iter().all(|batch| batch.num_rows() == 0) {
            return Ok(CommitInfo {
                version: self.version(),
                rows: 0,
                bytes: 0,
            });
        }
        self.log.check()?;
        let next = self.version() + 1;
        let mut files = Vec::new();
        let committed = self
            .write(batches, &mut files)
            .and_then(|()| self.commit(&files, txns));
        if committed.is_err() && !self.log.has(next) {
            for file in &files {
                // Nothing refers to it, and on a full disk it would be in the way.
                let _ = fs::remove_file(&file.place.path);
            }
        }
        Ok(CommitInfo {
            version: committed?,
            rows: files.iter().map(|file| file.rows).sum(),
            bytes: files.iter().map(|file| file.bytes).sum(),
        })
    }

    /// Reads what other writers have added to the log. When they changed columns or settings, the table must be opened
    /// anew.
    pub(crate) fn follow(&mut self) -> Result<(), DeltaError> {
        self.log.check()?;
        // A long log takes long to list.
        if self.log.has(self.version() + 1) {
            self.head.follow(&self.engine)?;
        }
        Ok(())
    }

    /// Adds a nullable STRING column of this name, as ALTER TABLE does. The table must be opened
    /// anew.
    pub(crate) fn add_column(&mut self, name: &str) -> Result<(), DeltaError> {
        self.log.check()?;
        self.head.add_column(&self.engine, name)
    }

    /// What makes one file of several, on a thread of its own.
    pub(crate) fn rewriter(&self) -> Rewriter {
        let columns = self.partition_columns().map(str::to_owned).collect();
        Rewriter::new(&self.folder, self.durability, &self.writer, columns)
    }

    /// Puts a file in the place of those whose rows it holds, all of which must be in force at the
    /// version that this process knows of. When that fails, the file is gone.
    pub(crate) fn replace(&mut self, rewritten: &Rewritten) -> Result<(), DeltaError> {
        let next = self.version() + 1;
        let replaced = self.log.check().and_then(|()| {
            let (removed, added) = (rewritten.sources(), rewritten.file());
            self.head.replace(&self.engine, removed, added)
        });
        let is_anothers = matches!(replaced, Err(DeltaError::Conflict { .. }));
        if is_anothers || (replaced.is_err() && !self.log.has(next)) {
            rewritten.discard();
        }
        replaced
    }

    /// How long files stay that are in force no more, so that readers of earlier versions find them.
    pub(crate) fn retention(&self) -> Duration {
        let properties = self.head.snapshot().table_properties();
        let retention = properties.deleted_file_retention_duration;
        retention.unwrap_or(RETENTION)
    }

    /// A checkpoint when one is due, so that opening the table stays quick and a long log does not
    /// slow down commits. No row depends on it: ask after every append, and write it elsewhere.
    pub(crate) fn checkpoint_if_due(&mut self) -> Option<Checkpoint> {
        let snapshot = self.head.checkpoint_if_due()?;
        Some(Checkpoint::new(snapshot, self.durability, &self.log))
    }

    /// Goes on from the last checkpoint that was written: what came before it need not be known.
    pub(crate) fn adopt_checkpoint(&mut self) -> Result<(), DeltaError> {
        self.log.check()?;
        self.head.follow(&self.engine)
    }

    fn write(&self, batches: &[RecordBatch], files: &mut Vec<DataFile>) -> Result<(), DeltaError> {
        for partition in self.partitioning.split(batches)? {
            let place = self.partitioning.place(&partition)?;
            let batches = partition.batches.into_iter().map(Ok);
            files.push(self.writer.write(place, batches)?);
        }
        Ok(())
    }

    fn commit(&mut self, files: &[DataFile], txns: &[Txn<'_>]) -> Result<u64, DeltaError> {
        let flush = self.durability.flush(&self.folder, files)?;
        let (head, engine) = (&mut self.head, &self.engine);
        engine.after(flush, || head.commit(engine, files, txns))
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
}

fn folder_url(folder: &Path) -> Result<Url, DeltaError> {
    Url::from_directory_path(folder).map_err(|()| DeltaError::Unsupported {
        reason: format!("{} is not an absolute path", folder.display()),
    })
}

#[cfg(test)]
mod tests;
