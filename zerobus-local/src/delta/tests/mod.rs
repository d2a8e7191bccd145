//! What is written is read back by code that shares nothing with the writer: the log as JSON, the
//! data with Parquet's own reader.

mod air_quality;
mod append;
mod failure;
mod options;
mod reader;
mod rewrite;
mod types;
mod values;

use std::path::Path;

use super::{DeltaTable, Durability, TableOptions};

/// Tests do not pull the plug, so they need not wait for the disk.
fn create(folder: &Path, schema_json: &str) -> DeltaTable {
    let options = TableOptions::default();
    DeltaTable::create(folder, schema_json, &options, Durability::PageCache).unwrap()
}

fn open(folder: &Path) -> DeltaTable {
    DeltaTable::open(folder, Durability::PageCache).unwrap()
}

/// Writes a checkpoint if one is due, and says whether.
fn maintain(table: &mut DeltaTable) -> bool {
    let Some(checkpoint) = table.checkpoint_if_due() else {
        return false;
    };
    let written = checkpoint.write().unwrap();
    table.adopt_checkpoint().unwrap();
    written
}
