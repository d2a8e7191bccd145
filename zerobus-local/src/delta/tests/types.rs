use serde_json::{Value, json};

use super::{create, reader, values};
use crate::delta::{DeltaError, DeltaTable, Durability, TableOptions};

/// A table's schema of one column for each type, named after it.
fn schema(types: &[Value], nullable: bool) -> String {
    let fields = types.iter().enumerate().map(|(index, data_type)| {
        json!({"name": format!("c{index}"), "type": data_type, "nullable": nullable, "metadata": {}})
    });
    json!({"type": "struct", "fields": fields.collect::<Vec<_>>()}).to_string()
}

fn leaves() -> Vec<Value> {
    let names = [
        "boolean",
        "byte",
        "short",
        "integer",
        "long",
        "float",
        "double",
        "string",
        "binary",
        "date",
        "timestamp",
        "timestamp_ntz",
        "decimal(1,0)",
        "decimal(9,9)",
        "decimal(10,2)",
        "decimal(18,4)",
        "decimal(38,18)",
        "variant",
    ];
    names.into_iter().map(Value::from).collect()
}

fn array(element: &Value, nulls: bool) -> Value {
    json!({"type": "array", "elementType": element, "containsNull": nulls})
}

fn map(value: &Value, nulls: bool) -> Value {
    json!({"type": "map", "keyType": "string", "valueType": value, "valueContainsNull": nulls})
}

fn object(inner: &Value, nullable: bool) -> Value {
    json!({"type": "struct", "fields": [
        {"name": "Inner", "type": inner, "nullable": nullable, "metadata": {}},
        {"name": "other", "type": "string", "nullable": !nullable, "metadata": {}},
    ]})
}

/// Every type, alone and in a list, a map and a struct.
pub(super) fn nested(nullable: bool) -> String {
    let leaves = leaves();
    let within = leaves.iter().flat_map(|leaf| {
        let list = array(leaf, nullable);
        [map(&list, nullable), list, object(leaf, nullable)]
    });
    let types: Vec<_> = leaves.iter().cloned().chain(within).collect();
    schema(&types, nullable)
}

fn round_trip(schema: &str) {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), schema);
    let rows = values::batch(table.arrow_schema(), 10);
    table.append(std::slice::from_ref(&rows), &[]).unwrap();
    let read = reader::batches(dir.path()).remove(0);
    for ((read, written), field) in read
        .columns()
        .iter()
        .zip(rows.columns())
        .zip(rows.schema().fields())
    {
        assert_eq!(read, written, "{field}");
    }
}

#[test]
fn every_type_in_every_nesting_is_read_back() {
    let leaves = leaves();
    for nullable in [true, false] {
        round_trip(&schema(&leaves, nullable));
        let once: Vec<_> = leaves
            .iter()
            .flat_map(|leaf| {
                [
                    array(leaf, nullable),
                    map(leaf, nullable),
                    object(leaf, nullable),
                ]
            })
            .collect();
        round_trip(&schema(&once, nullable));
        let twice: Vec<_> = once
            .iter()
            .flat_map(|once| {
                [
                    array(once, nullable),
                    map(once, nullable),
                    object(once, nullable),
                ]
            })
            .collect();
        round_trip(&schema(&twice, nullable));
    }
}

#[test]
fn what_no_data_file_can_hold_is_refused_by_the_path_of_its_column() {
    let dir = tempfile::tempdir().unwrap();
    let inner = json!({"type": "struct", "fields": [
        {"name": "span", "type": "interval day to second", "nullable": true, "metadata": {}}]});
    let refused = DeltaTable::create(
        dir.path(),
        &schema(&[array(&inner, true)], true),
        &TableOptions::default(),
        Durability::PageCache,
    );
    let Err(DeltaError::Unsupported { reason }) = refused else {
        panic!("an interval is not stored");
    };
    assert!(reason.starts_with("column c0.element.span:"), "{reason}");
    assert!(!dir.path().join("_delta_log").exists());
}

#[test]
fn a_feature_is_named_in_the_protocol_only_where_a_column_needs_it() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), &schema(&["string".into()], true));
    let protocol = &reader::actions(dir.path(), "protocol")[0];
    assert_eq!(protocol["readerFeatures"], json!([]));
    assert_eq!(protocol["writerFeatures"], json!([]));

    let dir = tempfile::tempdir().unwrap();
    create(
        dir.path(),
        &schema(&[array(&"timestamp_ntz".into(), true)], true),
    );
    let protocol = &reader::actions(dir.path(), "protocol")[0];
    assert_eq!(protocol["readerFeatures"], json!(["timestampNtz"]));
    assert_eq!(protocol["writerFeatures"], json!(["timestampNtz"]));
}
