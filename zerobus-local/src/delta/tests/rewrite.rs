use std::fs;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{Date32Array, Int64Array, RecordBatch, StringArray};
use arrow_select::concat::concat_batches;
use serde_json::{Value, json};

use super::append::{SCHEMA, numbers};
use super::{create, maintain, open, reader, types, values};
use crate::delta::{DeltaError, DeltaTable, Durability, RewriteError, TableOptions, Txn};
use crate::rows::{DataFile, LiveFiles};

fn live(folder: &Path) -> LiveFiles {
    let mut files = LiveFiles::default();
    files.follow(folder).unwrap();
    files
}

fn sources(folder: &Path) -> Vec<DataFile> {
    live(folder).files().cloned().collect()
}

/// Puts one file in the place of these.
fn compact(table: &mut DeltaTable, sources: Vec<DataFile>) {
    let rewritten = table.rewriter().rewrite(sources, &|| false).unwrap();
    table.replace(&rewritten.unwrap()).unwrap();
}

/// Nothing is in the folder but files that a log entry names.
fn check_folder(folder: &Path) {
    let adds = reader::actions(folder, "add").len();
    let is_file = |path: &Path| {
        path.extension()
            .is_some_and(|extension| extension == "parquet")
    };
    let files = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.is_file()).collect();
    assert!(files.iter().all(|path| is_file(path)), "{files:?}");
    assert_eq!(files.len(), adds, "{files:?}");
}

#[test]
fn every_type_is_the_same_afterwards() {
    for nullable in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let mut table = create(dir.path(), &types::nested(nullable));
        let rows = values::batch(table.arrow_schema(), 9);
        for at in 0..9 {
            table.append(&[rows.slice(at, 1)], &[]).unwrap();
        }
        compact(&mut table, sources(dir.path()));
        assert_eq!(reader::files(dir.path()).len(), 1);
        let found = reader::batches(dir.path());
        let found = concat_batches(&found[0].schema(), &found).unwrap();
        for ((found, written), field) in found
            .columns()
            .iter()
            .zip(rows.columns())
            .zip(rows.schema().fields())
        {
            assert_eq!(found, written, "{field}");
        }
        check_folder(dir.path());
    }
}

#[test]
fn no_data_changes_counts_are_kept_and_appends_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    for n in 0..5 {
        let txn = [Txn {
            app_id: "stream-1",
            version: n,
        }];
        table.append(&[numbers(&table, n..n + 1)], &txn).unwrap();
    }
    let before = sources(dir.path());
    table.append(&[numbers(&table, 5..6)], &[]).unwrap();
    compact(&mut table, before.clone());
    assert_eq!(table.version(), 7);

    let entry = reader::log(dir.path()).remove(&7).unwrap();
    let of = |kind: &str| {
        let found = entry.iter().filter_map(|action| action.get(kind).cloned());
        found.collect::<Vec<Value>>()
    };
    let (added, removed) = (of("add"), of("remove"));
    assert_eq!((added.len(), removed.len()), (1, 5));
    for action in added.iter().chain(&removed) {
        assert_eq!(action["dataChange"], false, "{action}");
    }
    let stats: Value = serde_json::from_str(added[0]["stats"].as_str().unwrap()).unwrap();
    assert_eq!(stats["numRecords"], 5);
    assert_eq!(
        (&stats["minValues"]["n"], &stats["maxValues"]["n"]),
        (&json!(0), &json!(4))
    );
    for (remove, source) in removed.iter().zip(&before) {
        assert_eq!(remove["path"], source.log_path.as_str());
        assert_eq!(remove["size"], source.bytes);
        assert_eq!(remove["extendedFileMetadata"], true);
        assert!(remove["deletionTimestamp"].as_i64().unwrap() > 1_700_000_000_000);
        // For those who read an earlier version.
        assert!(source.path.exists());
    }
    assert_eq!(of("commitInfo")[0]["operation"], "OPTIMIZE");

    // The order of the rows is that of their commits still.
    let rows: Vec<_> = sources(dir.path()).iter().map(|file| file.rows).collect();
    assert_eq!(rows, [5, 1]);
    table.append(&[numbers(&table, 6..7)], &[]).unwrap();
    let table = open(dir.path());
    assert_eq!(table.txn_version("stream-1").unwrap(), Some(4));
    assert_eq!(reader::count(dir.path()), 7);
}

#[test]
fn a_checkpoint_has_what_is_in_force_afterwards() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    for n in 0..99 {
        let txn = [Txn {
            app_id: "stream-1",
            version: n,
        }];
        table.append(&[numbers(&table, n..n + 1)], &txn).unwrap();
    }
    compact(&mut table, sources(dir.path()));
    assert!(maintain(&mut table), "a checkpoint was due");
    let log = dir.path().join("_delta_log");
    for version in 0..100 {
        fs::remove_file(log.join(format!("{version:020}.json"))).unwrap();
    }
    let mut table = open(dir.path());
    assert_eq!(
        (table.version(), table.txn_version("stream-1").unwrap()),
        (100, Some(98))
    );
    table.append(&[numbers(&table, 0..1)], &[]).unwrap();
}

#[test]
fn the_files_of_a_partition_stay_in_it() {
    let schema = json!({"type": "struct", "fields": [
        {"name": "day", "type": "date", "nullable": true, "metadata": {}},
        {"name": "n", "type": "long", "nullable": false, "metadata": {}},
        {"name": "region", "type": "string", "nullable": true, "metadata": {}},
    ]});
    for (day, region) in [(Some(0), Some("a/ü %")), (None, Some("b")), (Some(1), None)] {
        let dir = tempfile::tempdir().unwrap();
        let options = TableOptions {
            partition_columns: vec!["region".to_owned(), "day".to_owned()],
            ..TableOptions::default()
        };
        let schema = schema.to_string();
        let mut table =
            DeltaTable::create(dir.path(), &schema, &options, Durability::Fsync).unwrap();
        for n in 0..3 {
            let batch = RecordBatch::try_new(
                table.arrow_schema().clone(),
                vec![
                    Arc::new(Date32Array::from(vec![day])),
                    Arc::new(Int64Array::from(vec![n])),
                    Arc::new(StringArray::from(vec![region])),
                ],
            );
            table.append(&[batch.unwrap()], &[]).unwrap();
        }
        let adds = reader::actions(dir.path(), "add");
        compact(&mut table, sources(dir.path()));
        let added = reader::actions(dir.path(), "add").remove(3);
        assert_eq!(added["partitionValues"], adds[0]["partitionValues"]);
        for remove in reader::actions(dir.path(), "remove") {
            assert_eq!(remove["partitionValues"], adds[0]["partitionValues"]);
        }
        let folder = |action: &Value| {
            reader::path(dir.path(), action)
                .parent()
                .unwrap()
                .to_owned()
        };
        assert_eq!(folder(&added), folder(&adds[0]));
        assert_eq!(reader::count(dir.path()), 3);
        assert_eq!(live(dir.path()).rows(), 3);
    }
}

#[test]
fn files_from_before_a_column_came_have_null_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    table.append(&[numbers(&table, 0..2)], &[]).unwrap();
    table.add_column("later").unwrap();
    let mut table = open(dir.path());
    let rows = values::batch(table.arrow_schema(), 3);
    table.append(&[rows], &[]).unwrap();
    compact(&mut table, sources(dir.path()));
    let found = reader::batches(dir.path()).remove(0);
    assert_eq!((found.num_rows(), found.num_columns()), (5, 2));
    assert_eq!(found.column(1).null_count(), 3);
}

#[test]
fn what_does_not_come_to_its_end_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    for n in 0..3 {
        table.append(&[numbers(&table, n..n + 1)], &[]).unwrap();
    }
    let files = sources(dir.path());
    assert!(
        table
            .rewriter()
            .rewrite(files.clone(), &|| true)
            .unwrap()
            .is_none()
    );
    check_folder(dir.path());

    // Another writer takes the version, and then one of the files.
    let rewritten = table
        .rewriter()
        .rewrite(files.clone(), &|| false)
        .unwrap()
        .unwrap();
    let mut other = open(dir.path());
    other.append(&[numbers(&other, 3..4)], &[]).unwrap();
    assert!(matches!(
        table.replace(&rewritten),
        Err(DeltaError::Conflict { version: 4 })
    ));
    check_folder(dir.path());

    fs::write(&files[1].path, b"PAR1").unwrap();
    let Err(RewriteError::Source(DeltaError::Corrupt { path, .. })) =
        table.rewriter().rewrite(files.clone(), &|| false)
    else {
        panic!("it is not Parquet");
    };
    assert_eq!(path, files[1].path);
    fs::remove_file(&files[1].path).unwrap();
    assert!(matches!(
        table.rewriter().rewrite(files, &|| false),
        Err(RewriteError::Source(DeltaError::Gone { .. }))
    ));
    assert_eq!(live(dir.path()).count(), 4);

    // What a process left that was killed meanwhile.
    fs::write(dir.path().join(".tmp-1234"), b"PAR1").unwrap();
    open(dir.path());
    assert!(!dir.path().join(".tmp-1234").exists());
}

#[test]
fn a_table_that_is_opened_anew_meanwhile_leaves_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    for n in 0..3 {
        table.append(&[numbers(&table, n..n + 1)], &[]).unwrap();
    }
    let files = sources(dir.path());
    let opened = || {
        // As the writer does after a failure.
        DeltaTable::reopen(dir.path(), Durability::PageCache).unwrap();
        false
    };
    let rewritten = table.rewriter().rewrite(files, &opened).unwrap();
    table.replace(&rewritten.unwrap()).unwrap();
    assert_eq!(reader::files(dir.path()).len(), 1);
    check_folder(dir.path());

    // What cannot be written is no fault of the files.
    table.append(&[numbers(&table, 3..4)], &[]).unwrap();
    let files = sources(dir.path());
    let cleared = || {
        open(dir.path());
        false
    };
    assert!(matches!(
        table.rewriter().rewrite(files, &cleared),
        Err(RewriteError::Target(DeltaError::Gone { .. }))
    ));
}

#[test]
fn what_was_replaced_may_go_after_its_time() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    for n in 0..3 {
        table.append(&[numbers(&table, n..n + 1)], &[]).unwrap();
    }
    let paths: Vec<_> = sources(dir.path())
        .into_iter()
        .map(|file| file.path)
        .collect();
    compact(&mut table, sources(dir.path()));
    let mut files = live(dir.path());
    assert!(files.take_retired(1_700_000_000_000).is_empty());
    let mut retired = files.take_retired(i64::MAX);
    retired.sort();
    let mut expected = paths;
    expected.sort();
    assert_eq!(retired, expected);
    assert!(files.take_retired(i64::MAX).is_empty());
    assert_eq!(table.retention().as_secs(), 7 * 24 * 60 * 60);
}
