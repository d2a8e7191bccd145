//! Random tables and random rows: what an independent protobuf encoder, or serde_json, makes of a row must decode to
//! the Arrow values that the row has.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, StructArray};
use arrow_schema::{DataType as Arrow, Field, Fields, Schema, TimeUnit};
use base64::Engine as _;
use parquet_variant::Variant;
use parquet_variant_json::VariantToJson;
use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MapKey, MessageDescriptor, Value};
use prost_types::{DescriptorProto, FileDescriptorProto};
use serde_json::json;
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{
    ArrayType, DataType, DecimalType, MapType, StructField, StructType, TableSchema,
};

use super::{Chunk, Descriptor, Plan};

/// A value of a row, in no one's representation.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    Decimal(i128),
    Text(String),
    Bytes(Vec<u8>),
    Json(serde_json::Value),
    Struct(Vec<Option<Self>>),
    Array(Vec<Self>),
    /// By the key's text.
    Map(BTreeMap<String, Self>),
}

type Row = Vec<Option<Cell>>;

fn scalar_type() -> impl Strategy<Value = DataType> {
    let decimal = (1_u8..=38).prop_flat_map(|precision| {
        (0..=precision)
            .prop_map(move |scale| DataType::Decimal(DecimalType::new(precision, scale).unwrap()))
    });
    prop_oneof![
        key_type(),
        Just(DataType::Float),
        Just(DataType::Double),
        decimal,
        Just(DataType::Char(3)),
        Just(DataType::Varchar(20)),
        Just(DataType::Binary),
        Just(DataType::Date),
        Just(DataType::Timestamp),
        Just(DataType::TimestampNtz),
        Just(DataType::Variant),
    ]
}

fn key_type() -> impl Strategy<Value = DataType> {
    proptest::sample::select(vec![
        DataType::Boolean,
        DataType::Byte,
        DataType::Short,
        DataType::Integer,
        DataType::Long,
        DataType::String,
    ])
}

/// A type that may stand within a collection.
fn element_type() -> BoxedStrategy<DataType> {
    let leaf = scalar_type().boxed();
    leaf.prop_recursive(2, 8, 3, |inner| fields(inner).prop_map(DataType::Struct))
        .boxed()
}

fn column_type() -> BoxedStrategy<DataType> {
    let array = element_type().prop_map(|element| {
        DataType::Array(Box::new(ArrayType {
            element,
            contains_null: true,
        }))
    });
    let map = (key_type(), element_type()).prop_map(|(key, value)| {
        DataType::Map(Box::new(MapType {
            key,
            value,
            value_contains_null: true,
        }))
    });
    let flat = prop_oneof![3 => element_type(), 1 => array, 1 => map].boxed();
    prop_oneof![3 => flat.clone(), 1 => fields(flat).prop_map(DataType::Struct)].boxed()
}

fn fields(types: impl Strategy<Value = DataType>) -> impl Strategy<Value = StructType> {
    proptest::collection::vec((types, any::<bool>()), 1..5).prop_map(|types| {
        let fields = types
            .into_iter()
            .enumerate()
            .map(|(at, (data_type, nullable))| {
                let name = format!("c{at}");
                if nullable {
                    StructField::nullable(name, data_type)
                } else {
                    StructField::not_null(name, data_type)
                }
            });
        StructType::new(fields.collect())
    })
}

fn cell(data_type: &DataType) -> BoxedStrategy<Cell> {
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Cell::Bool).boxed(),
        DataType::Byte => any::<i8>().prop_map(|v| Cell::Int(v.into())).boxed(),
        DataType::Short => any::<i16>().prop_map(|v| Cell::Int(v.into())).boxed(),
        DataType::Integer | DataType::Date => {
            any::<i32>().prop_map(|v| Cell::Int(v.into())).boxed()
        }
        DataType::Float => proptest::num::f32::NORMAL.prop_map(Cell::Float).boxed(),
        DataType::Double => proptest::num::f64::NORMAL.prop_map(Cell::Double).boxed(),
        DataType::Decimal(decimal) => {
            let max = 10_i128.pow(decimal.precision().into()) - 1;
            (-max..=max).prop_map(Cell::Decimal).boxed()
        }
        DataType::Char(n) => text(*n),
        DataType::Varchar(n) => text(*n),
        DataType::String => text(40),
        DataType::Binary => proptest::collection::vec(any::<u8>(), 0..20)
            .prop_map(Cell::Bytes)
            .boxed(),
        DataType::Variant => {
            let leaf = prop_oneof![
                Just(json!(null)),
                any::<bool>().prop_map(|v| json!(v)),
                any::<i64>().prop_map(|v| json!(v)),
                "\\PC{0,90}".prop_map(|v| json!(v)),
            ];
            leaf.prop_recursive(3, 12, 4, |inner| {
                prop_oneof![
                    proptest::collection::vec(inner.clone(), 0..4).prop_map(|v| json!(v)),
                    proptest::collection::btree_map("[a-c]{1,2}", inner, 0..4)
                        .prop_map(|v| json!(v)),
                ]
            })
            .prop_map(Cell::Json)
            .boxed()
        }
        DataType::Struct(fields) => row(fields).prop_map(Cell::Struct).boxed(),
        // Where it may be NULL, an empty one is.
        DataType::Array(array) => proptest::collection::vec(cell(&array.element), 1..5)
            .prop_map(Cell::Array)
            .boxed(),
        DataType::Map(map) => proptest::collection::vec((cell(&map.key), cell(&map.value)), 1..5)
            .prop_map(|entries| {
                let entries = entries.into_iter().map(|(key, value)| (key.key(), value));
                Cell::Map(entries.collect())
            })
            .boxed(),
        _ => any::<i64>().prop_map(Cell::Int).boxed(),
    }
}

fn text(max: u32) -> BoxedStrategy<Cell> {
    let max = usize::try_from(max).unwrap();
    proptest::collection::vec(any::<char>(), 0..=max)
        .prop_map(|chars| Cell::Text(chars.into_iter().collect()))
        .boxed()
}

fn row(fields: &StructType) -> BoxedStrategy<Row> {
    let cells: Vec<BoxedStrategy<Option<Cell>>> = fields
        .fields
        .iter()
        .map(|field| {
            let cell = cell(&field.data_type);
            if field.nullable {
                proptest::option::of(cell).boxed()
            } else {
                cell.prop_map(Some).boxed()
            }
        })
        .collect();
    cells.boxed()
}

fn table() -> impl Strategy<Value = (TableSchema, Vec<Row>)> {
    fields(column_type()).prop_flat_map(|columns| {
        let rows = proptest::collection::vec(row(&columns), 0..6);
        (Just(TableSchema::new(None, columns)), rows)
    })
}

impl Cell {
    fn key(&self) -> String {
        match self {
            Self::Bool(v) => v.to_string(),
            Self::Int(v) => v.to_string(),
            Self::Text(v) => v.clone(),
            other => panic!("{other:?} is no key"),
        }
    }

    fn decimal_text(unscaled: i128, scale: u8) -> String {
        let digits = format!("{:0width$}", unscaled.abs(), width = usize::from(scale) + 1);
        let (whole, fraction) = digits.split_at(digits.len() - usize::from(scale));
        let sign = if unscaled < 0 { "-" } else { "" };
        if fraction.is_empty() {
            format!("{sign}{whole}")
        } else {
            format!("{sign}{whole}.{fraction}")
        }
    }

    fn to_proto(&self, data_type: &DataType, message: Option<&MessageDescriptor>) -> Value {
        match (self, data_type) {
            (Self::Bool(v), _) => Value::Bool(*v),
            (Self::Int(v), DataType::Long | DataType::Timestamp | DataType::TimestampNtz) => {
                Value::I64(*v)
            }
            (Self::Int(v), _) => Value::I32((*v).try_into().unwrap()),
            (Self::Float(v), _) => Value::F32(*v),
            (Self::Double(v), _) => Value::F64(*v),
            (Self::Decimal(v), DataType::Decimal(decimal)) => {
                Value::String(Self::decimal_text(*v, decimal.scale()))
            }
            (Self::Text(v), _) => Value::String(v.clone()),
            (Self::Bytes(v), _) => Value::Bytes(v.clone().into()),
            (Self::Json(v), _) => Value::String(v.to_string()),
            (Self::Struct(cells), DataType::Struct(fields)) => {
                Value::Message(to_message(cells, fields, message.unwrap()))
            }
            (Self::Array(cells), DataType::Array(array)) => {
                let cells = cells
                    .iter()
                    .map(|cell| cell.to_proto(&array.element, message));
                Value::List(cells.collect())
            }
            (Self::Map(entries), DataType::Map(map)) => {
                let value = message.unwrap().map_entry_value_field();
                let value = value.kind().as_message().cloned();
                let entry = |(key, cell): (&String, &Self)| {
                    let key = match &map.key {
                        DataType::String => MapKey::String(key.clone()),
                        DataType::Boolean => MapKey::Bool(key.parse().unwrap()),
                        DataType::Long => MapKey::I64(key.parse().unwrap()),
                        _ => MapKey::I32(key.parse().unwrap()),
                    };
                    (key, cell.to_proto(&map.value, value.as_ref()))
                };
                Value::Map(entries.iter().map(entry).collect::<HashMap<_, _>>())
            }
            (cell, data_type) => panic!("{cell:?} is no {data_type}"),
        }
    }

    fn to_json(&self, data_type: &DataType) -> serde_json::Value {
        match (self, data_type) {
            (Self::Bool(v), _) => json!(v),
            (Self::Int(v), _) => json!(v),
            (Self::Float(v), _) => json!(v),
            (Self::Double(v), _) => json!(v),
            (Self::Decimal(v), DataType::Decimal(decimal)) => {
                json!(Self::decimal_text(*v, decimal.scale()))
            }
            (Self::Text(v), _) => json!(v),
            (Self::Bytes(v), _) => json!(base64::engine::general_purpose::STANDARD.encode(v)),
            (Self::Json(v), _) => json!(v.to_string()),
            (Self::Struct(cells), DataType::Struct(fields)) => row_to_json(cells, fields),
            (Self::Array(cells), DataType::Array(array)) => cells
                .iter()
                .map(|cell| cell.to_json(&array.element))
                .collect(),
            (Self::Map(entries), DataType::Map(map)) => {
                let entries = entries
                    .iter()
                    .map(|(key, cell)| (key.clone(), cell.to_json(&map.value)));
                serde_json::Value::Object(entries.collect())
            }
            (cell, data_type) => panic!("{cell:?} is no {data_type}"),
        }
    }

    fn from_arrow(array: &ArrayRef, at: usize, data_type: &DataType) -> Option<Self> {
        if array.is_null(at) {
            return None;
        }
        Some(match data_type {
            DataType::Boolean => Self::Bool(array.as_boolean().value(at)),
            DataType::Byte => Self::Int(array.as_primitive::<Int8Type>().value(at).into()),
            DataType::Short => Self::Int(array.as_primitive::<Int16Type>().value(at).into()),
            DataType::Integer => Self::Int(array.as_primitive::<Int32Type>().value(at).into()),
            DataType::Date => Self::Int(array.as_primitive::<Date32Type>().value(at).into()),
            DataType::Long => Self::Int(array.as_primitive::<Int64Type>().value(at)),
            DataType::Timestamp | DataType::TimestampNtz => {
                Self::Int(array.as_primitive::<TimestampMicrosecondType>().value(at))
            }
            DataType::Float => Self::Float(array.as_primitive::<Float32Type>().value(at)),
            DataType::Double => Self::Double(array.as_primitive::<Float64Type>().value(at)),
            DataType::Decimal(_) => Self::Decimal(array.as_primitive::<Decimal128Type>().value(at)),
            DataType::String | DataType::Char(_) | DataType::Varchar(_) => {
                Self::Text(array.as_string::<i32>().value(at).to_owned())
            }
            DataType::Binary => Self::Bytes(array.as_binary::<i32>().value(at).to_owned()),
            DataType::Variant => {
                let [metadata, value] = array.as_struct().columns() else {
                    panic!("a variant of other columns")
                };
                let bytes = |array: &ArrayRef| array.as_binary::<i32>().value(at).to_owned();
                let (metadata, value) = (bytes(metadata), bytes(value));
                let variant = Variant::try_new(&metadata, &value).unwrap();
                Self::Json(variant.to_json_value().unwrap())
            }
            DataType::Struct(fields) => Self::Struct(row_from_arrow(array.as_struct(), at, fields)),
            DataType::Array(element) => {
                let elements = array.as_list::<i32>().value(at);
                let cell = |at| Self::from_arrow(&elements, at, &element.element).unwrap();
                Self::Array((0..elements.len()).map(cell).collect())
            }
            DataType::Map(map) => {
                let entries = array.as_map().value(at);
                let entry = |at| {
                    let cell = |column, data_type| {
                        Self::from_arrow(entries.column(column), at, data_type).unwrap()
                    };
                    (cell(0, &map.key).key(), cell(1, &map.value))
                };
                Self::Map((0..entries.len()).map(entry).collect())
            }
            other => panic!("{other}"),
        })
    }
}

fn to_message(row: &Row, fields: &StructType, descriptor: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (cell, field) in row.iter().zip(&fields.fields) {
        if let Some(cell) = cell {
            let descriptor = descriptor.get_field_by_name(&field.name).unwrap();
            let nested = descriptor.kind().as_message().cloned();
            let value = cell.to_proto(&field.data_type, nested.as_ref());
            message.set_field(&descriptor, value);
        }
    }
    message
}

fn row_to_json(row: &Row, fields: &StructType) -> serde_json::Value {
    let cells = row.iter().zip(&fields.fields).filter_map(|(cell, field)| {
        let cell = cell.as_ref()?.to_json(&field.data_type);
        Some((field.name.clone(), cell))
    });
    serde_json::Value::Object(cells.collect())
}

fn row_from_arrow(array: &StructArray, at: usize, fields: &StructType) -> Row {
    let columns = array.columns().iter().zip(&fields.fields);
    columns
        .map(|(column, field)| Cell::from_arrow(column, at, &field.data_type))
        .collect()
}

fn arrow_fields(fields: &StructType) -> Fields {
    let fields = fields.fields.iter();
    fields
        .map(|field| Field::new(&field.name, arrow_type(&field.data_type), field.nullable))
        .collect()
}

fn arrow_type(data_type: &DataType) -> Arrow {
    match data_type {
        DataType::Boolean => Arrow::Boolean,
        DataType::Byte => Arrow::Int8,
        DataType::Short => Arrow::Int16,
        DataType::Integer => Arrow::Int32,
        DataType::Long => Arrow::Int64,
        DataType::Float => Arrow::Float32,
        DataType::Double => Arrow::Float64,
        DataType::Decimal(decimal) => {
            Arrow::Decimal128(decimal.precision(), decimal.scale().cast_signed())
        }
        DataType::Binary => Arrow::Binary,
        DataType::Date => Arrow::Date32,
        DataType::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        DataType::TimestampNtz => Arrow::Timestamp(TimeUnit::Microsecond, None),
        DataType::Variant => Arrow::Struct(Fields::from(vec![
            Field::new("metadata", Arrow::Binary, false),
            Field::new("value", Arrow::Binary, false),
        ])),
        DataType::Struct(fields) => Arrow::Struct(arrow_fields(fields)),
        DataType::Array(array) => {
            let element = Field::new("element", arrow_type(&array.element), array.contains_null);
            Arrow::List(Arc::new(element))
        }
        DataType::Map(map) => {
            let entries = Arrow::Struct(Fields::from(vec![
                Field::new("key", arrow_type(&map.key), false),
                Field::new("value", arrow_type(&map.value), map.value_contains_null),
            ]));
            Arrow::Map(Arc::new(Field::new("key_value", entries, false)), false)
        }
        _ => Arrow::Utf8,
    }
}

/// The descriptor of the table, with its fields renumbered backwards and its repeated scalars packed when asked.
fn descriptor(table: &TableSchema, reversed: bool, packed: bool) -> DescriptorProto {
    let message = mapping::message(table, &MappingOptions::default()).unwrap();
    let mut proto = DescriptorProto::decode(message.descriptor().as_slice()).unwrap();
    edit(&mut proto, reversed, packed);
    proto
}

fn edit(proto: &mut DescriptorProto, reversed: bool, packed: bool) {
    use prost_types::field_descriptor_proto::{Label, Type};
    let entry = proto
        .options
        .as_ref()
        .is_some_and(|options| options.map_entry());
    for field in &mut proto.field {
        if reversed && !entry {
            field.number = Some(5_000 - field.number());
        }
        let text = matches!(field.r#type(), Type::String | Type::Bytes | Type::Message);
        if packed && field.label() == Label::Repeated && !text {
            field.options.get_or_insert_default().packed = Some(true);
        }
    }
    for nested in &mut proto.nested_type {
        edit(nested, reversed, packed);
    }
}

fn reflected(proto: DescriptorProto) -> MessageDescriptor {
    let name = proto.name().to_owned();
    let file = FileDescriptorProto {
        name: Some("record.proto".to_owned()),
        message_type: vec![proto],
        ..Default::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    pool.get_message_by_name(&name).unwrap()
}

fn rows_of(chunk: Chunk, table: &TableSchema) -> Vec<Row> {
    let schema = Arc::new(Schema::new(arrow_fields(&table.columns)));
    let rows = chunk.rows();
    let batch = StructArray::from(chunk.finish(&schema).unwrap());
    (0..rows)
        .map(|at| row_from_arrow(&batch, at, &table.columns))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn protobuf_rows_decode_to_what_was_encoded(
        (table, rows) in table(),
        reversed: bool,
        packed: bool,
    ) {
        let proto = descriptor(&table, reversed, packed);
        let plan = Plan::for_proto(&table, &Descriptor::parse(&proto.encode_to_vec()).unwrap());
        let message = reflected(proto);
        let mut chunk = Chunk::new(&plan.unwrap());
        let encoded = rows.iter().map(|row| to_message(row, &table.columns, &message));
        let encoded: Vec<Vec<u8>> = encoded.map(|message| message.encode_to_vec()).collect();
        let records = encoded.iter().map(Vec::as_slice);
        chunk.push_all(records, Chunk::push_proto).unwrap();
        prop_assert_eq!(rows_of(chunk, &table), rows);
    }

    #[test]
    fn json_rows_decode_to_what_was_written((table, rows) in table()) {
        let mut chunk = Chunk::new(&Plan::for_json(&table).unwrap());
        let records = rows.iter().map(|row| row_to_json(row, &table.columns).to_string());
        let records: Vec<String> = records.collect();
        chunk.push_all(records.iter().map(String::as_str), Chunk::push_json).unwrap();
        prop_assert_eq!(rows_of(chunk, &table), rows);
    }

    /// A record that breaks off anywhere leaves no trace once it is taken back.
    #[test]
    fn refused_records_leave_nothing_behind(
        (table, rows) in table(),
        cuts in proptest::collection::vec(any::<proptest::sample::Index>(), 6),
        noise in proptest::collection::vec(any::<u8>(), 0..30),
    ) {
        let proto = descriptor(&table, false, false);
        let plan = Plan::for_proto(&table, &Descriptor::parse(&proto.encode_to_vec()).unwrap());
        let message = reflected(proto);
        let mut chunk = Chunk::new(&plan.unwrap());
        let mut expected = Vec::new();
        for (row, cut) in rows.iter().zip(cuts) {
            let encoded = to_message(row, &table.columns, &message).encode_to_vec();
            let cut = &encoded[..cut.index(encoded.len() + 1)];
            for broken in [cut, &noise] {
                // Cut between two fields, or by sheer luck, it is a record as well.
                let records = [&encoded[..], broken, &encoded[..]];
                match chunk.push_all(records.into_iter(), Chunk::push_proto) {
                    Ok(()) => chunk.truncate(expected.len()),
                    Err((at, _)) => prop_assert_eq!(at, 1),
                }
            }
            chunk.push_all([&encoded[..]].into_iter(), Chunk::push_proto).unwrap();
            expected.push(row.clone());
        }
        prop_assert_eq!(rows_of(chunk, &table), expected);
    }
}

#[test]
fn text_cut_in_the_middle_of_a_character_is_refused_though_the_next_record_has_the_rest() {
    let columns = StructType::new(vec![StructField::nullable("a", DataType::String)]);
    let table = TableSchema::new(None, columns);
    let proto = descriptor(&table, false, false).encode_to_vec();
    let plan = Plan::for_proto(&table, &Descriptor::parse(&proto).unwrap()).unwrap();
    let mut chunk = Chunk::new(&plan);
    let record = |text: &[u8]| [&[0x0a, u8::try_from(text.len()).unwrap()], text].concat();
    let whole = record("ü".as_bytes());
    let (first, second) = (record(&"ü".as_bytes()[..1]), record(&"ü".as_bytes()[1..]));
    let records = [&whole[..], &whole, &first, &second];
    let (at, fault) = chunk
        .push_all(records.into_iter(), Chunk::push_proto)
        .unwrap_err();
    assert_eq!(at, 2);
    assert_eq!(
        fault.to_string(),
        "column a: expected UTF-8 text, found other bytes"
    );
    assert_eq!(chunk.rows(), 0);
}
