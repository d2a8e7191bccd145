//! A table's log, as the kernel keeps it: entries, other writers' entries, checkpoints.

use std::time::{SystemTime, UNIX_EPOCH};

use delta_kernel::committer::FileSystemCommitter;
use delta_kernel::scan::scan_row_schema;
use delta_kernel::schema::{DataType, SchemaRef, StructField};
use delta_kernel::snapshot::Snapshot;
use delta_kernel::transaction::{CommitResult, Transaction, UpdateTableOperation};
use delta_kernel::{FilteredEngineData, SnapshotRef};
use serde_json::{Map, Value, json};

use super::data_file::DataFile;
use super::engine::{LocalEngine, Rows};
use super::{DeltaError, ENGINE_INFO, Txn};
use crate::rows::DataFile as Source;

/// How often a commit is tried anew when other writers are faster.
const COMMIT_ATTEMPTS: usize = 10;

/// At least this many versions lie between two checkpoints.
const CHECKPOINT_INTERVAL: u64 = 100;

/// A checkpoint holds all files, so its cost grows with the table: it may be put off until the
/// log has grown by a tenth, and all checkpoints together cost a bounded part of each commit.
const CHECKPOINT_GROWTH: u64 = 10;

/// The log up to a version.
#[derive(Debug)]
pub(super) struct Head {
    /// Kept from commit to commit: a fresh one would read the log again.
    snapshot: SnapshotRef,
    /// The version of the last checkpoint, or of the last attempt at one.
    checkpoint: u64,
}

impl Head {
    pub(super) fn new(snapshot: SnapshotRef) -> Self {
        Self {
            checkpoint: snapshot.log_segment().checkpoint_version.unwrap_or(0),
            snapshot,
        }
    }

    pub(super) fn snapshot(&self) -> &SnapshotRef {
        &self.snapshot
    }

    /// What could be committed as the next version; `adds` says that it will have files.
    pub(super) fn transaction(
        &self,
        engine: &LocalEngine,
        adds: bool,
        txns: &[Txn<'_>],
    ) -> Result<Transaction, DeltaError> {
        let mut builder =
            self.snapshot
                .clone()
                .update_table(UpdateTableOperation::Write, ENGINE_INFO, true);
        if adds {
            builder = builder.with_blind_append();
        }
        for txn in txns {
            builder = builder.with_transaction_id(txn.app_id, txn.version);
        }
        Ok(builder.build(engine, Box::new(FileSystemCommitter::new()))?)
    }

    /// Adds files to the table and returns the version that has them. Versions that others took
    /// meanwhile are followed: rows that are only added fit after anything but other columns or settings.
    pub(super) fn commit(
        &mut self,
        engine: &LocalEngine,
        files: &[DataFile],
        txns: &[Txn<'_>],
    ) -> Result<u64, DeltaError> {
        let mut version = self.snapshot.version();
        for _ in 0..COMMIT_ATTEMPTS {
            let mut transaction = self.transaction(engine, !files.is_empty(), txns)?;
            if !files.is_empty() {
                let schema = transaction.add_files_schema();
                transaction.add_files(Box::new(adds(files, schema)));
            }
            match transaction.commit(engine)? {
                CommitResult::Committed(committed) => {
                    self.snapshot = match committed.post_commit_snapshot() {
                        Some(snapshot) => snapshot.clone(),
                        None => self.latest(engine)?,
                    };
                    return Ok(committed.commit_version());
                }
                CommitResult::Conflicted(conflict) => {
                    version = conflict.conflict_version();
                    self.follow(engine)?;
                }
                CommitResult::Retryable(retryable) => return Err(retryable.error.into()),
            }
        }
        Err(DeltaError::Conflict { version })
    }

    /// The log as it is, if a checkpoint of it is due.
    pub(super) fn checkpoint_if_due(&mut self) -> Option<SnapshotRef> {
        let version = self.snapshot.version();
        let interval = CHECKPOINT_INTERVAL.max(self.checkpoint / CHECKPOINT_GROWTH);
        if version.saturating_sub(self.checkpoint) < interval {
            return None;
        }
        // One that fails is not tried again with every commit.
        self.checkpoint = version;
        Some(self.snapshot.clone())
    }

    /// Puts one file in the place of others: no row comes or goes. Who else commits meanwhile may
    /// have removed what is removed here, so this is tried once.
    pub(super) fn replace(
        &mut self,
        engine: &LocalEngine,
        removed: &[Source],
        added: &DataFile,
    ) -> Result<(), DeltaError> {
        let builder = self.snapshot.clone();
        let mut transaction = builder
            .update_table(UpdateTableOperation::Optimize, ENGINE_INFO, false)
            .build(engine, Box::new(FileSystemCommitter::new()))?;
        let removed = Box::new(removes(removed, &added.place.partition_values));
        transaction.remove_files(FilteredEngineData::with_all_rows_selected(removed));
        let schema = transaction.add_files_schema();
        transaction.add_files(Box::new(adds(std::slice::from_ref(added), schema)));
        match transaction.commit(engine)? {
            CommitResult::Committed(committed) => {
                self.snapshot = match committed.post_commit_snapshot() {
                    Some(snapshot) => snapshot.clone(),
                    None => self.latest(engine)?,
                };
                Ok(())
            }
            CommitResult::Conflicted(conflict) => Err(DeltaError::Conflict {
                version: conflict.conflict_version(),
            }),
            CommitResult::Retryable(retryable) => Err(retryable.error.into()),
        }
    }

    /// Commits a change of columns alone.
    pub(super) fn add_column(
        &mut self,
        engine: &LocalEngine,
        name: &str,
    ) -> Result<(), DeltaError> {
        for _ in 0..COMMIT_ATTEMPTS {
            let operation = UpdateTableOperation::AlterTable;
            let builder = self.snapshot.clone();
            let transaction = builder
                .update_table(operation, ENGINE_INFO, false)
                .add_column(StructField::nullable(name, DataType::STRING))
                .build(engine, Box::new(FileSystemCommitter::new()))?;
            match transaction.commit(engine)? {
                CommitResult::Committed(_) => return Ok(()),
                CommitResult::Conflicted(_) => self.snapshot = self.latest(engine)?,
                CommitResult::Retryable(retryable) => return Err(retryable.error.into()),
            }
        }
        Err(DeltaError::Conflict {
            version: self.snapshot.version(),
        })
    }

    /// Goes on from the latest version, unless it has other columns or other settings.
    pub(super) fn follow(&mut self, engine: &LocalEngine) -> Result<(), DeltaError> {
        let latest = self.latest(engine)?;
        let (before, now) = (
            self.snapshot.table_configuration(),
            latest.table_configuration(),
        );
        if now.metadata() != before.metadata() || now.protocol() != before.protocol() {
            return Err(DeltaError::SchemaChanged {
                version: latest.version(),
            });
        }
        self.snapshot = latest;
        Ok(())
    }

    fn latest(&self, engine: &LocalEngine) -> Result<SnapshotRef, DeltaError> {
        Ok(Snapshot::builder_from(self.snapshot.clone()).build(engine)?)
    }
}

fn adds(files: &[DataFile], schema: &SchemaRef) -> Rows {
    let modified = now_millis();
    let rows = files.iter().map(|file| {
        json!({
            "path": file.place.log_path,
            "partitionValues": file.place.partition_values,
            "size": file.bytes,
            "modificationTime": modified,
            "stats": file.stats,
        })
    });
    Rows::new(schema.clone(), rows.collect())
}

/// As a scan of the table would tell of them; all are of one partition.
fn removes(files: &[Source], values: &Map<String, Value>) -> Rows {
    let rows = files.iter().map(|file| {
        json!({
            "path": file.log_path,
            "size": file.bytes,
            "fileConstantValues": {"partitionValues": values},
        })
    });
    Rows::new(scan_row_schema(), rows.collect())
}

fn now_millis() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| i64::try_from(since.as_millis()).ok())
        .unwrap_or_default()
}
