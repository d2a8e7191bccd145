use std::sync::Arc;

use arrow_array::builder::{BinaryBuilder, ListBuilder, MapBuilder, MapFieldNames, StringBuilder};
use arrow_array::cast::AsArray;
use arrow_array::{
    ArrayRef, BinaryArray, Date32Array, Decimal128Array, Float64Array, Int32Array, Int64Array,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::{DataType, Field};
use parquet_variant::{Variant, VariantBuilder};
use parquet_variant_json::{JsonToVariant, VariantToJson};
use serde_json::{Value, json};

use super::{create, open, reader};
use crate::delta::DeltaTable;

const SCHEMA: &str = r#"{"type":"struct","fields":[
  {"name":"device_name","type":"string","nullable":false,"metadata":{"comment":"who, \"where\""}},
  {"name":"temp","type":"integer","nullable":true,"metadata":{}},
  {"name":"humidity","type":"long","nullable":true,"metadata":{}},
  {"name":"observed_at","type":"timestamp","nullable":false,"metadata":{}},
  {"name":"day","type":"date","nullable":true,"metadata":{}},
  {"name":"price","type":"decimal(10,2)","nullable":true,"metadata":{}},
  {"name":"tags","type":{"type":"array","elementType":"string","containsNull":true},"nullable":true,"metadata":{}},
  {"name":"attrs","type":{"type":"map","keyType":"string","valueType":"string","valueContainsNull":true},"nullable":true,"metadata":{}},
  {"name":"location","type":{"type":"struct","fields":[
    {"name":"lat","type":"double","nullable":false,"metadata":{}},
    {"name":"lon","type":"double","nullable":false,"metadata":{}},
    {"name":"label","type":"string","nullable":true,"metadata":{"__CHAR_VARCHAR_TYPE_STRING":"varchar(20)"}}]},"nullable":true,"metadata":{}},
  {"name":"payload","type":"variant","nullable":true,"metadata":{}},
  {"name":"raw","type":"binary","nullable":true,"metadata":{}}]}"#;

/// Two rows: one with everything, one with nothing but what must be.
fn rows(table: &DeltaTable) -> RecordBatch {
    let schema = table.arrow_schema().clone();
    let mut tags = ListBuilder::new(StringBuilder::new()).with_field(Field::new(
        "element",
        DataType::Utf8,
        true,
    ));
    tags.append_value([Some("a"), None, Some("b")]);
    tags.append_null();
    let names = MapFieldNames {
        entry: "key_value".to_owned(),
        key: "key".to_owned(),
        value: "value".to_owned(),
    };
    let mut attrs = MapBuilder::new(Some(names), StringBuilder::new(), StringBuilder::new())
        .with_values_field(Field::new("value", DataType::Utf8, true));
    attrs.keys().append_value("k");
    attrs.values().append_value("v");
    attrs.append(true).unwrap();
    attrs.append(false).unwrap();
    let DataType::Struct(location) = schema.field(8).data_type() else {
        panic!("location is a struct");
    };
    let location = StructArray::new(
        location.clone(),
        vec![
            Arc::new(Float64Array::from(vec![48.1, 0.0])),
            Arc::new(Float64Array::from(vec![11.5, 0.0])),
            Arc::new(StringArray::from(vec![Some("roof"), None])),
        ],
        Some(vec![true, false].into()),
    );
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec!["sensor-1", "sensor-2"])),
        Arc::new(Int32Array::from(vec![Some(-7), None])),
        Arc::new(Int64Array::from(vec![Some(i64::MAX), None])),
        Arc::new(
            TimestampMicrosecondArray::from(vec![1_700_000_000_123_456, -1]).with_timezone("UTC"),
        ),
        Arc::new(Date32Array::from(vec![Some(19_700), None])),
        Arc::new(
            Decimal128Array::from(vec![Some(-1999), None])
                .with_precision_and_scale(10, 2)
                .unwrap(),
        ),
        Arc::new(tags.finish()),
        Arc::new(attrs.finish()),
        Arc::new(location),
        Arc::new(variants(
            schema.field(9),
            &[Some(r#"{"pm25":[1,2.5,null]}"#), None],
        )),
        Arc::new(BinaryArray::from_opt_vec(vec![Some(b"\x00\xff"), None])),
    ];
    RecordBatch::try_new(schema, columns).unwrap()
}

fn variants(field: &Field, texts: &[Option<&str>]) -> StructArray {
    let DataType::Struct(fields) = field.data_type() else {
        panic!("a variant is a struct");
    };
    let (mut metadata, mut value) = (BinaryBuilder::new(), BinaryBuilder::new());
    for text in texts {
        let mut variant = VariantBuilder::new();
        variant.append_json(text.unwrap_or("null")).unwrap();
        let (m, v) = variant.finish();
        metadata.append_value(m);
        value.append_value(v);
    }
    let nulls: Vec<_> = texts.iter().map(Option::is_some).collect();
    StructArray::new(
        fields.clone(),
        vec![Arc::new(metadata.finish()), Arc::new(value.finish())],
        Some(nulls.into()),
    )
}

#[test]
fn rows_of_every_kind_are_read_back_as_they_were_written() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    let rows = rows(&table);

    let commit = table.append(std::slice::from_ref(&rows), &[]).unwrap();

    assert_eq!((commit.version, commit.rows), (1, 2));
    let read = reader::batches(dir.path());
    let [read] = read.as_slice() else {
        panic!("one file");
    };
    for (column, field) in rows.columns().iter().zip(rows.schema().fields()) {
        let back = read.column_by_name(field.name()).unwrap();
        assert_eq!(back, column, "{}", field.name());
    }
    let payload = read.column_by_name("payload").unwrap().as_struct();
    let variant = Variant::new(
        payload.column(0).as_binary::<i32>().value(0),
        payload.column(1).as_binary::<i32>().value(0),
    );
    assert_eq!(
        variant.to_json_string().unwrap(),
        r#"{"pm25":[1,2.5,null]}"#
    );
}

#[test]
fn the_log_says_what_the_table_needs_and_keeps_field_metadata() {
    let dir = tempfile::tempdir().unwrap();
    create(dir.path(), SCHEMA);

    let protocol = &reader::actions(dir.path(), "protocol")[0];
    assert_eq!(protocol["minReaderVersion"], 3);
    assert_eq!(protocol["minWriterVersion"], 7);
    assert_eq!(protocol["readerFeatures"], json!(["variantType"]));
    assert_eq!(
        protocol["writerFeatures"],
        json!(["variantType", "invariants"])
    );
    let metadata = &reader::actions(dir.path(), "metaData")[0];
    let written: Value = serde_json::from_str(metadata["schemaString"].as_str().unwrap()).unwrap();
    let asked: Value = serde_json::from_str(SCHEMA).unwrap();
    assert_eq!(written, asked);
    let reported: Value = serde_json::from_str(&open(dir.path()).schema_json().unwrap()).unwrap();
    assert_eq!(reported, asked);
}

#[test]
fn the_log_holds_bounds_that_readers_can_skip_by() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = create(dir.path(), SCHEMA);
    let rows = rows(&table);
    table.append(&[rows], &[]).unwrap();

    let add = &reader::actions(dir.path(), "add")[0];
    let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
    assert_eq!(
        stats,
        json!({
            "numRecords": 2,
            "minValues": {
                "device_name": "sensor-1", "temp": -7, "humidity": i64::MAX, "price": -19.99,
                "observed_at": "1969-12-31T23:59:59.999999Z", "day": "2023-12-09",
                "location": {"label": "roof"},
            },
            "maxValues": {
                "device_name": "sensor-2", "temp": -7, "humidity": i64::MAX, "price": -19.99,
                "observed_at": "2023-11-14T22:13:20.123456Z", "day": "2023-12-09",
                "location": {"label": "roof"},
            },
            "nullCount": {
                "device_name": 0, "temp": 1, "humidity": 1, "observed_at": 0, "day": 1, "price": 1,
                "location": {"lat": 1, "lon": 1, "label": 1}, "raw": 1,
            },
        })
    );
    let size = std::fs::metadata(&reader::files(dir.path())[0])
        .unwrap()
        .len();
    assert_eq!(add["size"], size);
}
