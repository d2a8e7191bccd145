//! The `.proto` text and the descriptor say the same, by the word of a compiler that knows nothing of ours.

use proptest::prelude::*;
use prost::Message as _;
use prost_types::DescriptorProto;
use protox::file::{File, FileResolver};
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{DataType, DecimalType, StructField, StructType, TableRef, TableSchema};

/// Compiles a `.proto` file that holds one message.
pub(crate) fn compile(proto: &str) -> DescriptorProto {
    struct One(String);
    impl FileResolver for One {
        fn open_file(&self, name: &str) -> Result<File, protox::Error> {
            File::from_source(name, &self.0)
        }
    }
    let mut compiler = protox::Compiler::with_file_resolver(One(proto.to_owned()));
    let result = compiler
        .open_file("table.proto")
        .map(|compiler| compiler.file_descriptor_set());
    let mut set = result.unwrap_or_else(|error| panic!("{error:?}\n{proto}"));
    let mut file = set.file.remove(0);
    assert_ne!(file.syntax(), "proto3");
    assert!(file.dependency.is_empty() && file.message_type.len() == 1);
    file.message_type.remove(0)
}

/// What a compiler adds for its own use, and the order of what has none.
pub(crate) fn comparable(mut message: DescriptorProto) -> DescriptorProto {
    for field in &mut message.field {
        field.json_name = None;
    }
    message.nested_type = message.nested_type.into_iter().map(comparable).collect();
    message.nested_type.sort_by(|a, b| a.name.cmp(&b.name));
    message
}

fn scalar() -> impl Strategy<Value = DataType> {
    prop_oneof![
        Just(DataType::Boolean),
        Just(DataType::Byte),
        Just(DataType::Integer),
        Just(DataType::Long),
        Just(DataType::Float),
        Just(DataType::Double),
        Just(DataType::Decimal(DecimalType::new(10, 2).unwrap())),
        Just(DataType::String),
        Just(DataType::Varchar(5)),
        Just(DataType::Binary),
        Just(DataType::Date),
        Just(DataType::Timestamp),
        Just(DataType::TimestampNtz),
        Just(DataType::Variant),
        Just(DataType::Void),
        Just(DataType::Unsupported("INTERVAL DAY TO SECOND".to_owned())),
    ]
}

/// Names that get in each other's way: words of protobuf, and what becomes one name in camel case.
fn name() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "message",
            "option",
            "string",
            "map",
            "reserved",
            "group",
            "to",
            "max",
            "Address",
            "address_",
            "foo_bar",
            "fooBar",
            "foo_bar_entry",
            "FooBarEntry",
            "_",
            "__",
            "_1",
            "key",
            "value",
            "id",
            "ID",
            "a b",
            "1st",
            "é",
        ])
        .prop_map(str::to_owned),
        "[a-z_]{1,6}",
    ]
}

pub(crate) fn fields(
    data_type: impl Strategy<Value = DataType> + Clone,
) -> impl Strategy<Value = StructType> {
    let field = (name(), data_type, any::<bool>()).prop_map(|(name, data_type, nullable)| {
        if nullable {
            StructField::nullable(name, data_type)
        } else {
            StructField::not_null(name, data_type)
        }
    });
    prop::collection::vec(field, 1..6).prop_map(StructType::new)
}

pub(crate) fn data_type() -> impl Strategy<Value = DataType> + Clone {
    let leaf = scalar().boxed();
    leaf.prop_recursive(3, 24, 5, |inner| {
        let inner = inner.boxed();
        prop_oneof![
            inner.clone().prop_map(DataType::array),
            (scalar(), inner.clone()).prop_map(|(key, value)| DataType::map(key, value)),
            fields(inner).prop_map(DataType::Struct),
        ]
    })
    .boxed()
}

proptest! {
    #[test]
    fn text_and_descriptor_declare_the_same_message(columns in fields(data_type())) {
        let table = TableSchema::new(Some(TableRef::parse("main.default.t").unwrap()), columns);
        let mut options = MappingOptions::default();
        options.skip_unsupported = true;
        // What was refused is no longer in the message, so that what is left must compile.
        let message = mapping::map(&table, &options).message;
        let descriptor = DescriptorProto::decode(&message.descriptor()[..]).unwrap();
        prop_assert_eq!(comparable(descriptor), comparable(compile(&message.to_proto())));
    }
}
