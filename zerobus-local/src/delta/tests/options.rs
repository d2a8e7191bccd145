use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Date32Array, Int64Array, RecordBatch, StringArray};
use serde_json::{Value, json};

use super::{append, maintain, reader, values};
use crate::delta::{DeltaError, DeltaTable, Durability, TableOptions, Txn};

const SCHEMA: &str = r#"{"type":"struct","fields":[
  {"name":"day","type":"date","nullable":true,"metadata":{}},
  {"name":"n","type":"long","nullable":false,"metadata":{}},
  {"name":"region","type":"string","nullable":true,"metadata":{}}]}"#;

fn partitioned(folder: &std::path::Path, schema: &str, columns: &[&str]) -> DeltaTable {
    let options = TableOptions {
        partition_columns: columns.iter().map(|&column| column.to_owned()).collect(),
        ..TableOptions::default()
    };
    DeltaTable::create(folder, schema, &options, Durability::PageCache).unwrap()
}

#[test]
fn rows_lie_in_the_files_of_their_partition() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = partitioned(dir.path(), SCHEMA, &["region", "day"]);
    let batch = |day: [Option<i32>; 4], region: [Option<&str>; 4], start| {
        RecordBatch::try_new(
            table.arrow_schema().clone(),
            vec![
                Arc::new(Date32Array::from(day.to_vec())),
                Arc::new(Int64Array::from_iter_values(start..start + 4)),
                Arc::new(StringArray::from(region.to_vec())),
            ],
        )
        .unwrap()
    };
    let (a, b) = (Some("a/ü %"), Some("b"));
    let batches = [
        batch([Some(0), Some(1), Some(0), None], [a, a, a, a], 0),
        batch([Some(0), Some(0), None, Some(0)], [b, a, None, Some("")], 4),
    ];
    let commit = table.append(&batches, &[]).unwrap();
    assert_eq!((commit.version, commit.rows), (1, 8));

    let mut found = BTreeMap::new();
    for add in reader::actions(dir.path(), "add") {
        let file = reader::path(dir.path(), &add);
        let rows = reader::rows_of(&file).remove(0);
        assert_eq!(rows.schema().fields().len(), 1);
        let numbers = rows.column(0).as_primitive::<Int64Type>().values().to_vec();
        found.insert(add["partitionValues"].to_string(), numbers);
    }
    let partition = |region: Value, day: Value| json!({"region": region, "day": day}).to_string();
    let expected = BTreeMap::from([
        (
            partition("a/ü %".into(), "1970-01-01".into()),
            vec![0, 2, 5],
        ),
        (partition("a/ü %".into(), "1970-01-02".into()), vec![1]),
        (partition("a/ü %".into(), Value::Null), vec![3]),
        (partition("b".into(), "1970-01-01".into()), vec![4]),
        // To Delta, no text is no value.
        (partition(Value::Null, "1970-01-01".into()), vec![7]),
        (partition(Value::Null, Value::Null), vec![6]),
    ]);
    assert_eq!(found, expected);
}

#[test]
fn a_partition_column_may_have_any_simple_type() {
    let types = [
        "boolean",
        "byte",
        "short",
        "integer",
        "long",
        "float",
        "double",
        "string",
        "date",
        "timestamp",
        "timestamp_ntz",
        "decimal(10,2)",
    ];
    for data_type in types {
        let dir = tempfile::tempdir().unwrap();
        let schema = json!({"type": "struct", "fields": [
            {"name": "p", "type": data_type, "nullable": true, "metadata": {}},
            {"name": "n", "type": "long", "nullable": true, "metadata": {}},
        ]});
        let mut table = partitioned(dir.path(), &schema.to_string(), &["p"]);
        let rows = values::batch(table.arrow_schema(), 6);
        table.append(&[rows], &[]).unwrap();
        assert_eq!(reader::count(dir.path()), 6, "{data_type}");
    }
}

fn with_properties(
    folder: &std::path::Path,
    properties: &[(&str, &str)],
) -> Result<DeltaTable, DeltaError> {
    let properties = properties
        .iter()
        .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
    let options = TableOptions {
        properties: properties.collect(),
        ..TableOptions::default()
    };
    DeltaTable::create(folder, append::SCHEMA, &options, Durability::PageCache)
}

#[test]
fn a_property_is_kept_and_what_it_asks_for_is_done() {
    let properties = [
        ("team", "air"),
        ("delta.appendOnly", "true"),
        ("delta.enableDeletionVectors", "true"),
        ("delta.enableChangeDataFeed", "true"),
        ("delta.enableInCommitTimestamps", "true"),
        ("delta.enableRowTracking", "true"),
        ("delta.checkpointPolicy", "v2"),
        ("delta.dataSkippingNumIndexedCols", "0"),
    ];
    for property in properties {
        let dir = tempfile::tempdir().unwrap();
        let mut table = with_properties(dir.path(), &[property]).unwrap();
        let metadata = &reader::actions(dir.path(), "metaData")[0];
        assert_eq!(metadata["configuration"][property.0], property.1);
        for _ in 0..101 {
            table.append(&[append::numbers(&table, 0..3)], &[]).unwrap();
            maintain(&mut table);
        }
        let table = super::open(dir.path());
        assert_eq!(table.version(), 101);
        assert_eq!(reader::count(dir.path()), 303, "{property:?}");
    }
}

#[test]
fn a_property_without_meaning_here_is_left_out_and_one_that_is_not_supported_refused() {
    let dir = tempfile::tempdir().unwrap();
    with_properties(dir.path(), &[("delta.autoOptimize.optimizeWrite", "true")]).unwrap();
    let metadata = &reader::actions(dir.path(), "metaData")[0];
    assert_eq!(metadata["configuration"], json!({}));

    for (key, value) in [("delta.columnMapping.mode", "name"), ("delta.nothing", "1")] {
        let dir = tempfile::tempdir().unwrap();
        let refused = with_properties(dir.path(), &[(key, value)]).unwrap_err();
        assert!(refused.to_string().contains(key), "{refused}");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
    }
}

#[test]
fn no_rows_make_no_version_but_a_count_does() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = with_properties(dir.path(), &[]).unwrap();
    let none = append::numbers(&table, 0..0);
    assert_eq!(table.append(&[], &[]).unwrap().version, 0);
    assert_eq!(
        table
            .append(std::slice::from_ref(&none), &[])
            .unwrap()
            .version,
        0
    );
    let txn = Txn {
        app_id: "stream-1",
        version: 1,
    };
    assert_eq!(table.append(&[none], &[txn]).unwrap().version, 1);
    assert!(reader::files(dir.path()).is_empty());
    assert_eq!(
        super::open(dir.path()).txn_version("stream-1").unwrap(),
        Some(1)
    );
}
