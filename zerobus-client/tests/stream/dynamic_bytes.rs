//! Any record of any schema is written as prost-reflect writes it.

use proptest::prelude::*;
use prost::Message as _;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor,
    Value as Reflected,
};
use prost_types::{DescriptorProto, FileDescriptorProto};
use zerobus_client::schema::{DataType, DecimalType, StructField, StructType, TableSchema, ddl};
use zerobus_client::{DateDays, Decimal, RecordSchema, TimestampMicros, TimestampNtzMicros, Value};

/// Numbers with tags of one to three bytes, out of order.
const NUMBERS: [u32; 8] = [16, 3, 2048, 1, 15, 100_000, 7, 536_870_911];

/// A value that owns what it holds.
#[derive(Debug, Clone)]
enum Tree {
    Bool(bool),
    Int(i64),
    Float(f32),
    Double(f64),
    Text(String),
    Bytes(Vec<u8>),
    Date(i32),
    Timestamp(i64),
    TimestampNtz(i64),
    Decimal(Decimal),
    Variant(String),
    Array(Vec<Self>),
    Map(Option<(Box<Self>, Box<Self>)>),
    Struct(Vec<(String, Self)>),
}

fn scalar_type() -> impl Strategy<Value = DataType> {
    let types = [
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "DECIMAL(20,4)",
        "STRING",
        "VARCHAR(40)",
        "CHAR(40)",
        "BINARY",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "VARIANT",
    ];
    let types: Vec<DataType> = types.map(|sql| ddl::parse_type(sql).unwrap()).into();
    proptest::sample::select(types)
}

fn key_type() -> impl Strategy<Value = DataType> {
    let types = ["BOOLEAN", "TINYINT", "INT", "BIGINT", "STRING"];
    let types: Vec<DataType> = types.map(|sql| ddl::parse_type(sql).unwrap()).into();
    proptest::sample::select(types)
}

fn columns(data_type: BoxedStrategy<DataType>) -> impl Strategy<Value = StructType> {
    let numbers = Just(NUMBERS.to_vec()).prop_shuffle();
    let fields = proptest::collection::vec((data_type, any::<bool>()), 1..6);
    (fields, numbers).prop_map(|(fields, numbers)| {
        let fields = fields.into_iter().zip(numbers).enumerate();
        let fields = fields.map(|(at, ((data_type, nullable), number))| {
            let mut field = StructField::nullable(format!("c{at}"), data_type);
            field.nullable = nullable;
            field.number = Some(number);
            field
        });
        StructType::new(fields.collect())
    })
}

fn data_type(depth: u32) -> BoxedStrategy<DataType> {
    let single = match depth {
        0 => scalar_type().boxed(),
        _ => prop_oneof![
            3 => scalar_type(),
            1 => columns(data_type(depth - 1)).prop_map(DataType::Struct),
        ]
        .boxed(),
    };
    prop_oneof![
        3 => single.clone(),
        1 => single.clone().prop_map(DataType::array),
        1 => (key_type(), single).prop_map(|(key, value)| DataType::map(key, value)),
    ]
    .boxed()
}

fn tree(data_type: &DataType) -> BoxedStrategy<Tree> {
    fn int<T: Arbitrary + Into<i64> + 'static>() -> BoxedStrategy<Tree> {
        prop_oneof![
            any::<T>().prop_map(|n| Tree::Int(n.into())),
            Just(Tree::Int(0))
        ]
        .boxed()
    }
    match data_type {
        DataType::Boolean => any::<bool>().prop_map(Tree::Bool).boxed(),
        DataType::Byte => int::<i8>(),
        DataType::Short => int::<i16>(),
        DataType::Integer => int::<i32>(),
        DataType::Long => int::<i64>(),
        DataType::Float => any::<f32>().prop_map(Tree::Float).boxed(),
        DataType::Double => any::<f64>().prop_map(Tree::Double).boxed(),
        DataType::Decimal(_) => (-10_i128.pow(19)..10_i128.pow(19), 0_u8..=4)
            .prop_map(|(digits, scale)| {
                Tree::Decimal(
                    Decimal::new(digits / 10_i128.pow(4 - u32::from(scale)), scale).unwrap(),
                )
            })
            .boxed(),
        DataType::String => "\\PC{0,200}".prop_map(Tree::Text).boxed(),
        DataType::Char(_) | DataType::Varchar(_) => "\\PC{0,40}".prop_map(Tree::Text).boxed(),
        DataType::Binary => any::<Vec<u8>>().prop_map(Tree::Bytes).boxed(),
        DataType::Date => any::<i32>().prop_map(Tree::Date).boxed(),
        DataType::Timestamp => any::<i64>().prop_map(Tree::Timestamp).boxed(),
        DataType::TimestampNtz => any::<i64>().prop_map(Tree::TimestampNtz).boxed(),
        DataType::Variant => any::<Vec<u8>>()
            .prop_map(|list| Tree::Variant(format!("{list:?}")))
            .boxed(),
        DataType::Array(array) => proptest::collection::vec(tree(&array.element), 0..4)
            .prop_map(Tree::Array)
            .boxed(),
        // One entry at most: prost-reflect writes more of them in an order of its own.
        DataType::Map(map) => {
            let entry = (tree(&map.key), tree(&map.value));
            let entry = entry.prop_map(|(key, value)| (Box::new(key), Box::new(value)));
            proptest::option::of(entry).prop_map(Tree::Map).boxed()
        }
        DataType::Struct(fields) => fields_of(fields).prop_map(Tree::Struct).boxed(),
        other => panic!("{other}"),
    }
}

/// Values for some of the columns, and for all that are NOT NULL, in any order.
fn fields_of(columns: &StructType) -> BoxedStrategy<Vec<(String, Tree)>> {
    let values: Vec<BoxedStrategy<Option<(String, Tree)>>> = columns
        .fields
        .iter()
        .map(|column| {
            let name = column.name.clone();
            let value = tree(&column.data_type).prop_map(move |tree| (name.clone(), tree));
            match column.nullable {
                true => proptest::option::of(value).boxed(),
                false => value.prop_map(Some).boxed(),
            }
        })
        .collect();
    values
        .prop_map(|values| values.into_iter().flatten().collect::<Vec<_>>())
        .prop_shuffle()
        .boxed()
}

/// What lives as long as the test does.
fn kept<T>(values: Vec<T>) -> &'static [T] {
    Box::leak(values.into_boxed_slice())
}

fn value(tree: &Tree) -> Value<'static> {
    match tree.clone() {
        Tree::Bool(value) => value.into(),
        Tree::Int(value) => value.into(),
        Tree::Float(value) => value.into(),
        Tree::Double(value) => value.into(),
        Tree::Text(text) => Value::Text(text.leak()),
        Tree::Bytes(bytes) => Value::Bytes(bytes.leak()),
        Tree::Date(days) => DateDays::from_days(days).into(),
        Tree::Timestamp(micros) => TimestampMicros::from_micros(micros).into(),
        Tree::TimestampNtz(micros) => TimestampNtzMicros::from_micros(micros).into(),
        Tree::Decimal(decimal) => decimal.into(),
        Tree::Variant(text) => Value::Variant(text.leak()),
        Tree::Array(values) => Value::Array(kept(values.iter().map(value).collect())),
        Tree::Map(entries) => Value::Map(kept(
            entries.iter().map(|(k, v)| (value(k), value(v))).collect(),
        )),
        Tree::Struct(fields) => Value::Struct(kept(
            fields
                .iter()
                .map(|(name, tree)| (&*name.clone().leak(), value(tree)))
                .collect(),
        )),
    }
}

fn reflected(tree: &Tree, kind: &Kind) -> Reflected {
    match (tree.clone(), kind) {
        (Tree::Bool(value), _) => Reflected::Bool(value),
        (Tree::Int(value), Kind::Int32) => Reflected::I32(value.try_into().unwrap()),
        (Tree::Int(value) | Tree::Timestamp(value) | Tree::TimestampNtz(value), _) => {
            Reflected::I64(value)
        }
        (Tree::Float(value), _) => Reflected::F32(value),
        (Tree::Double(value), _) => Reflected::F64(value),
        (Tree::Text(text) | Tree::Variant(text), _) => Reflected::String(text),
        (Tree::Bytes(bytes), _) => Reflected::Bytes(bytes.into()),
        (Tree::Date(days), _) => Reflected::I32(days),
        (Tree::Decimal(decimal), _) => Reflected::String(decimal.to_string()),
        (Tree::Struct(fields), Kind::Message(message)) => {
            Reflected::Message(reflected_message(&fields, message))
        }
        (tree, kind) => panic!("{tree:?} as {kind:?}"),
    }
}

fn reflected_field(tree: &Tree, field: &FieldDescriptor) -> Reflected {
    let kind = field.kind();
    match tree {
        Tree::Array(values) => {
            Reflected::List(values.iter().map(|value| reflected(value, &kind)).collect())
        }
        Tree::Map(entries) => {
            let entry = kind.as_message().unwrap();
            let entries = entries.iter().map(|(key, value)| {
                let key = match reflected(key, &entry.map_entry_key_field().kind()) {
                    Reflected::Bool(key) => MapKey::Bool(key),
                    Reflected::I32(key) => MapKey::I32(key),
                    Reflected::I64(key) => MapKey::I64(key),
                    Reflected::String(key) => MapKey::String(key),
                    other => panic!("{other:?}"),
                };
                (key, reflected(value, &entry.map_entry_value_field().kind()))
            });
            Reflected::Map(entries.collect())
        }
        single => reflected(single, &kind),
    }
}

fn reflected_message(fields: &[(String, Tree)], descriptor: &MessageDescriptor) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for (name, tree) in fields {
        let field = descriptor.get_field_by_name(name).unwrap();
        message.set_field(&field, reflected_field(tree, &field));
    }
    message
}

fn message(descriptor: &[u8]) -> MessageDescriptor {
    let message = DescriptorProto::decode(descriptor).unwrap();
    let name = message.name().to_owned();
    let file = FileDescriptorProto {
        name: Some("record.proto".to_owned()),
        message_type: vec![message],
        syntax: Some("proto2".to_owned()),
        ..FileDescriptorProto::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    pool.get_message_by_name(&name).unwrap()
}

fn records() -> impl Strategy<Value = (StructType, Vec<(String, Tree)>)> {
    columns(data_type(2)).prop_flat_map(|columns| {
        let fields = fields_of(&columns);
        (Just(columns), fields)
    })
}

proptest! {
    #[test]
    fn any_record_is_written_as_prost_reflect_writes_it((columns, fields) in records()) {
        let schema = RecordSchema::of(&TableSchema::new(None, columns)).unwrap();
        let expected = reflected_message(&fields, &message(schema.descriptor().as_bytes())).encode_to_vec();
        // The second schema knows of the columns no more than their proto types.
        for schema in [schema.clone(), RecordSchema::from_descriptor(schema.descriptor().clone()).unwrap()] {
            let mut record = schema.record();
            for again in 0..2 {
                record.clear();
                for (name, tree) in &fields {
                    record.set(name, value(tree)).unwrap();
                }
                prop_assert_eq!(record.to_bytes().unwrap(), expected.as_slice(), "{}", again);
            }
        }
    }

    #[test]
    fn any_decimal_type_takes_what_it_can_hold(precision in 1_u8..=38, scale in 0_u8..=38, digits in prop_oneof![any::<i64>(), -10_000_i64..10_000]) {
        let Some(decimal) = DecimalType::new(precision, scale) else { return Ok(()) };
        let column = StructField::nullable("d", DataType::Decimal(decimal));
        let schema = RecordSchema::of(&TableSchema::new(None, StructType::new(vec![column]))).unwrap();
        let fits = digits.unsigned_abs() < 10_u64.saturating_pow((precision - scale).into());
        prop_assert_eq!(schema.record().set("d", digits).is_ok(), fits);
    }
}
