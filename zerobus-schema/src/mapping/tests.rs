use super::*;
use crate::name::TableRef;
use crate::schema::{StructField, StructType, TableSchema};
use crate::types::{DataType, DecimalType};

fn table(fields: Vec<StructField>) -> TableSchema {
    let name = TableRef::parse("main.default.air_quality").unwrap();
    TableSchema::new(Some(name), StructType::new(fields))
}

fn one(data_type: DataType) -> Mapping {
    map(
        &table(vec![StructField::nullable("c", data_type)]),
        &MappingOptions::default(),
    )
}

fn reasons(refusals: &[Refusal]) -> Vec<(String, &'static str)> {
    refusals
        .iter()
        .map(|refusal| (refusal.path.to_string(), refusal.reason.id()))
        .collect()
}

#[test]
fn every_shape_of_a_column() {
    let location = StructType::new(vec![
        StructField::not_null("lat", DataType::Double),
        StructField::nullable("label", DataType::String),
    ]);
    let mut temp = StructField::nullable("temp", DataType::Integer);
    temp.metadata.insert("comment".into(), "°C\n}; evil".into());
    let message = message(
        &table(vec![
            StructField::not_null("device_name", DataType::String),
            temp,
            StructField::not_null("observed_at", DataType::Timestamp),
            StructField::nullable("price", DataType::Decimal(DecimalType::new(10, 2).unwrap())),
            StructField::nullable("tags", DataType::array(DataType::String)),
            StructField::nullable("attrs", DataType::map(DataType::String, DataType::Date)),
            StructField::nullable("location", DataType::Struct(location.clone())),
            StructField::not_null("seen", DataType::array(DataType::Struct(location))),
            StructField::nullable("payload", DataType::Variant),
        ]),
        &MappingOptions::default(),
    )
    .unwrap();
    assert_eq!(
        message.to_proto(),
        r#"syntax = "proto2";

message air_quality {
  message Location {
    required double lat = 1;
    optional string label = 2;
  }

  message Seen {
    required double lat = 1;
    optional string label = 2;
  }

  required string device_name = 1;
  // °C
  // }; evil
  optional int32 temp = 2;
  required int64 observed_at = 3; // TIMESTAMP: microseconds since 1970-01-01T00:00:00Z
  optional string price = 4; // DECIMAL(10,2): decimal text that fits precision and scale, e.g. 19.99
  repeated string tags = 5;
  map<string, int32> attrs = 6; // DATE: days since 1970-01-01
  optional Location location = 7;
  repeated Seen seen = 8;
  optional string payload = 9; // VARIANT: JSON text
}
"#
    );
}

#[test]
fn all_refusals_are_named_at_once_with_their_paths() {
    let inner = StructType::new(vec![
        StructField::nullable("ok", DataType::Long),
        StructField::nullable("grid", DataType::array(DataType::array(DataType::Long))),
    ]);
    let mapping = map(
        &table(vec![
            StructField::nullable("s", DataType::Struct(inner)),
            StructField::not_null("gap", DataType::Unsupported("INTERVAL DAY".into())),
            StructField::nullable("m", DataType::map(DataType::Double, DataType::Long)),
            StructField::nullable("d", DataType::map(DataType::Date, DataType::Long)),
            StructField::nullable("a b", DataType::Long),
            StructField::nullable("1st", DataType::Long),
            StructField::nullable("M", DataType::Long),
            StructField::nullable("v", DataType::Void),
            StructField::nullable("last", DataType::Long),
        ]),
        &MappingOptions::default(),
    );
    let expected = [
        ("s.grid.element", "NESTED_COLLECTION"),
        ("gap", "UNSUPPORTED_TYPE"),
        ("m.key", "MAP_KEY"),
        ("d.key", "UNPROVEN_MAP_KEY"),
        ("`a b`", "COLUMN_NAME"),
        ("`1st`", "COLUMN_NAME"),
        ("M", "DUPLICATE_NAME"),
        ("v", "UNSUPPORTED_TYPE"),
    ];
    assert_eq!(
        reasons(&mapping.refused),
        expected.map(|(path, id)| (path.to_owned(), id))
    );
    let names: Vec<_> = mapping
        .message
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    assert_eq!(names, ["last"]);
}

#[test]
fn what_may_be_null_can_be_left_out_on_request() {
    let inner = StructType::new(vec![
        StructField::nullable("ok", DataType::Long),
        StructField::nullable("gap", DataType::Void),
    ]);
    let broken = StructType::new(vec![StructField::not_null("gap", DataType::Void)]);
    let schema = table(vec![
        StructField::nullable("s", DataType::Struct(inner)),
        StructField::nullable("broken", DataType::Struct(broken.clone())),
        StructField::not_null("needed", DataType::Struct(broken)),
    ]);
    let options = MappingOptions {
        skip_unsupported: true,
        ..MappingOptions::default()
    };
    let mapping = map(&schema, &options);
    let (a, b) = (
        ("s.gap".to_owned(), "UNSUPPORTED_TYPE"),
        ("broken.gap".to_owned(), "UNSUPPORTED_TYPE"),
    );
    assert_eq!(reasons(&mapping.omitted), [a, b]);
    assert_eq!(
        reasons(&mapping.refused),
        [("needed.gap".to_owned(), "UNSUPPORTED_TYPE")]
    );
    let names: Vec<_> = mapping
        .message
        .messages
        .iter()
        .map(|message| message.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["S"],
        "the message of a column that is left out is left out too"
    );
}

#[test]
fn generated_columns_are_left_to_the_table() {
    let mut computed = StructField::nullable("day", DataType::Date);
    computed.metadata.insert(
        "delta.generationExpression".into(),
        "CAST(ts AS DATE)".into(),
    );
    let mut identity = StructField::not_null("id", DataType::Long);
    identity
        .metadata
        .insert("delta.identity.start".into(), 1.into());
    let mut by_default = identity.clone();
    by_default.name = "number".into();
    by_default
        .metadata
        .insert("delta.identity.allowExplicitInsert".into(), true.into());
    let mapping = map(
        &table(vec![computed, identity, by_default]),
        &MappingOptions::default(),
    );
    assert_eq!(
        reasons(&mapping.omitted),
        [
            ("day".to_owned(), "GENERATED_COLUMN"),
            ("id".to_owned(), "GENERATED_COLUMN")
        ]
    );
    assert_eq!(mapping.refused, []);
    assert!(
        mapping.message.field("number").is_some(),
        "a record may carry what the table numbers by default"
    );
}

#[test]
fn one_namespace_per_message_is_kept_free_of_collisions() {
    let inner = || {
        DataType::Struct(StructType::new(vec![StructField::nullable(
            "x",
            DataType::Long,
        )]))
    };
    let message = message(
        &table(vec![
            StructField::nullable("Address", inner()),
            StructField::nullable("tag_list", DataType::map(DataType::String, DataType::Long)),
            StructField::nullable("tag_list_entry", inner()),
            StructField::nullable("a_b", inner()),
            StructField::nullable("aB", inner()),
        ]),
        &MappingOptions::default(),
    )
    .unwrap();
    let names: Vec<_> = message
        .messages
        .iter()
        .map(|message| message.name.as_str())
        .collect();
    assert_eq!(
        names,
        ["AddressStruct", "TagListEntryStruct", "AB", "ABStruct"]
    );
    let maps =
        |name: &str| StructField::nullable(name, DataType::map(DataType::String, DataType::Long));
    let clash = map(
        &table(vec![maps("foo_bar"), maps("fooBar")]),
        &MappingOptions::default(),
    );
    assert_eq!(
        reasons(&clash.refused),
        [("fooBar".to_owned(), "MAP_ENTRY_NAME")]
    );
}

#[test]
fn depth_and_width_are_bounded() {
    let nest = |levels: usize| {
        let leaf = DataType::Long;
        (1..levels).fold(leaf, |inner, _| {
            DataType::Struct(StructType::new(vec![StructField::nullable("s", inner)]))
        })
    };
    assert!(one(nest(31)).refused.is_empty());
    assert_eq!(one(nest(32)).refused[0].reason, RefusalReason::TooDeep);
    let wide = |count: usize| {
        let column = |i| StructField::nullable(format!("c{i}"), DataType::Long);
        map(
            &table((0..count).map(column).collect()),
            &MappingOptions::default(),
        )
    };
    assert!(wide(COLUMNS_MAX).refused.is_empty());
    assert_eq!(
        wide(COLUMNS_MAX + 1).refused[0].reason,
        RefusalReason::TooManyColumns
    );
}

#[test]
fn unproven_map_keys_pass_when_allowed() {
    let schema = table(vec![StructField::nullable(
        "d",
        DataType::map(DataType::Date, DataType::Long),
    )]);
    let options = MappingOptions {
        allow_unproven_map_keys: true,
        ..MappingOptions::default()
    };
    assert!(message(&schema, &options).is_ok());
}

#[test]
fn every_row_of_the_table_names_types_once() {
    let mut deltas: Vec<_> = TYPES.iter().map(|row| row.delta).collect();
    deltas.sort_unstable();
    deltas.dedup();
    assert_eq!(deltas.len(), TYPES.len());
    for row in TYPES {
        assert!(!row.rust.is_empty(), "{} has no Rust type", row.delta);
        assert_eq!(
            row.scalar.map_or(row.proto, |scalar| scalar.as_str()),
            row.proto
        );
    }
}
