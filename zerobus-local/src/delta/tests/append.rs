use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch};

use super::{create, open, reader};
use crate::delta::{DeltaTable, Txn};

const SCHEMA: &str = r#"{"type":"struct","fields":[
  {"name":"n","type":"long","nullable":true,"metadata":{}}]}"#;

fn numbers(table: &DeltaTable, numbers: std::ops::Range<i64>) -> RecordBatch {
    let column = Int64Array::from_iter_values(numbers);
    RecordBatch::try_new(table.arrow_schema().clone(), vec![Arc::new(column)]).unwrap()
}

#[test]
fn a_reopened_table_goes_on_where_it_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    table.append(&[numbers(&table, 0..10)], None).unwrap();
    drop(table);

    let mut table = open(dir.path());
    assert_eq!(table.version(), 1);
    let commit = table
        .append(&[numbers(&table, 10..15), numbers(&table, 15..20)], None)
        .unwrap();

    assert_eq!((commit.version, commit.rows), (2, 10));
    assert_eq!(reader::count(dir.path()), 20);
}

#[test]
fn the_count_of_an_application_is_kept_with_the_rows() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    let txn = |version| {
        Some(Txn {
            app_id: "stream-1",
            version,
        })
    };
    table.append(&[numbers(&table, 0..1)], txn(7)).unwrap();
    table.append(&[numbers(&table, 1..2)], txn(8)).unwrap();

    let table = open(dir.path());
    assert_eq!(table.txn_version("stream-1").unwrap(), Some(8));
    assert_eq!(table.txn_version("stream-2").unwrap(), None);
    assert_eq!(reader::actions(dir.path(), "txn")[1]["version"], 8);
}
