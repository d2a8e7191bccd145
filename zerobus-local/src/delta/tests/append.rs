use std::collections::BTreeSet;
use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, Int64Array, RecordBatch};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{create, maintain, open, reader};
use crate::delta::{Checkpoint, DeltaError, DeltaTable, Txn};

pub(super) const SCHEMA: &str = r#"{"type":"struct","fields":[
  {"name":"n","type":"long","nullable":true,"metadata":{}}]}"#;

pub(super) fn numbers(table: &DeltaTable, numbers: std::ops::Range<i64>) -> RecordBatch {
    let column = Int64Array::from_iter_values(numbers);
    RecordBatch::try_new(table.arrow_schema().clone(), vec![Arc::new(column)]).unwrap()
}

#[test]
fn a_reopened_table_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    table.append(&[numbers(&table, 0..10)], &[]).unwrap();
    drop(table);

    let mut table = open(dir.path());
    assert_eq!(table.version(), 1);
    let commit = table
        .append(&[numbers(&table, 10..15), numbers(&table, 15..20)], &[])
        .unwrap();

    assert_eq!((commit.version, commit.rows), (2, 10));
    assert_eq!(reader::count(dir.path()), 20);
}

#[test]
fn a_table_may_lie_under_any_name() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["a b", "50%20 off", "straße/ü", "#?&=+"] {
        let folder = dir.path().join(name);
        let mut table = create(&folder, SCHEMA);
        table.append(&[numbers(&table, 0..3)], &[]).unwrap();
        assert_eq!(table.folder(), folder);
        assert_eq!(open(&folder).version(), 1);
        assert_eq!(reader::count(&folder), 3);
    }
}

#[test]
fn the_count_of_an_application_is_kept_with_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    let txn = |version| {
        [Txn {
            app_id: "stream-1",
            version,
        }]
    };
    table.append(&[numbers(&table, 0..1)], &txn(7)).unwrap();
    table.append(&[numbers(&table, 1..2)], &txn(8)).unwrap();

    let table = open(dir.path());
    assert_eq!(table.txn_version("stream-1").unwrap(), Some(8));
    assert_eq!(table.txn_version("stream-2").unwrap(), None);
    assert_eq!(reader::actions(dir.path(), "txn")[1]["version"], 8);
}

#[test]
fn a_checkpoint_stands_for_the_log_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    let mut written = Vec::new();
    for n in 0..201 {
        let txn = [Txn {
            app_id: "stream-1",
            version: n,
        }];
        let commit = table.append(&[numbers(&table, n..n + 1)], &txn).unwrap();
        if maintain(&mut table) {
            written.push(commit.version);
        }
    }
    drop(table);
    assert_eq!(written, [100, 200]);
    // What a cleaned-up log looks like.
    let log = dir.path().join("_delta_log");
    for version in 0..200 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }

    let mut table = open(dir.path());
    assert_eq!(table.version(), 201);
    assert_eq!(table.txn_version("stream-1").unwrap(), Some(200));
    assert_eq!(
        table.append(&[numbers(&table, 0..1)], &[]).unwrap().version,
        202
    );

    let checkpoint = File::open(log.join(format!("{:020}.checkpoint.parquet", 200))).unwrap();
    let checkpoint = ParquetRecordBatchReaderBuilder::try_new(checkpoint).unwrap();
    let mut paths = BTreeSet::new();
    for batch in checkpoint.build().unwrap() {
        let batch = batch.unwrap();
        let add = batch.column_by_name("add").unwrap().as_struct();
        let path = add.column_by_name("path").unwrap().as_string::<i32>();
        let adds = (0..add.len()).filter(|row| add.is_valid(*row));
        paths.extend(adds.map(|row| path.value(row).to_owned()));
    }
    assert_eq!(paths.len(), 200);
    for path in paths {
        assert!(dir.path().join(path).exists());
    }
}

/// A table with a checkpoint to be written, at version 100.
fn due(folder: &Path) -> (DeltaTable, Checkpoint) {
    let mut table = create(folder, SCHEMA);
    for n in 0..100 {
        let txn = [Txn {
            app_id: "stream-1",
            version: n,
        }];
        table.append(&[numbers(&table, n..n + 1)], &txn).unwrap();
    }
    let checkpoint = table.checkpoint_if_due().unwrap();
    assert!(table.checkpoint_if_due().is_none());
    (table, checkpoint)
}

#[test]
fn appends_go_on_while_a_checkpoint_is_written() {
    let dir = tempfile::tempdir().unwrap();
    let (mut table, checkpoint) = due(dir.path());
    table.append(&[numbers(&table, 100..101)], &[]).unwrap();
    assert!(checkpoint.write().unwrap());
    table.append(&[numbers(&table, 101..102)], &[]).unwrap();
    table.adopt_checkpoint().unwrap();
    // It looks at nothing before the checkpoint any more.
    let log = dir.path().join("_delta_log");
    for version in 0..100 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    assert_eq!(table.txn_version("stream-1").unwrap(), Some(99));
    table.append(&[numbers(&table, 102..103)], &[]).unwrap();
    assert_eq!((table.version(), open(dir.path()).version()), (103, 103));
}

#[test]
fn a_checkpoint_is_written_for_its_own_table_only() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("numbers");
    let (_table, checkpoint) = due(&folder);
    fs::remove_dir_all(&folder).unwrap();
    create(&folder, SCHEMA);
    assert!(matches!(checkpoint.write(), Err(DeltaError::Gone { .. })));
    assert_eq!(fs::read_dir(folder.join("_delta_log")).unwrap().count(), 1);
}
