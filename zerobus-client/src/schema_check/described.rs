//! Columns out of a descriptor, where nothing else is known of the table that records were made for.

use std::collections::BTreeMap;

use prost_types::DescriptorProto;
use prost_types::FieldDescriptorProto;
use prost_types::field_descriptor_proto::{Label, Type};
use zerobus_schema::proto::ScalarType;
use zerobus_schema::{ColumnPath, DataType, MapType, StructField, StructType, mapping};

use crate::descriptor::messages_by_name;

/// The columns that records of this message have: those of the live table where a field travels as its column does,
/// and else the plainest that travels so. Columns without a field that may be NULL go to `left_out`.
pub(super) fn described(
    message: &DescriptorProto,
    live: &StructType,
    left_out: &mut Vec<ColumnPath>,
) -> StructType {
    let messages = messages_by_name(message);
    let mut describing = Describing {
        messages: &messages,
        left_out,
        level: 0,
    };
    describing.columns(&ColumnPath::default(), message, Some(live))
}

struct Describing<'a> {
    messages: &'a BTreeMap<String, &'a DescriptorProto>,
    left_out: &'a mut Vec<ColumnPath>,
    level: usize,
}

impl Describing<'_> {
    fn columns(
        &mut self,
        path: &ColumnPath,
        message: &DescriptorProto,
        live: Option<&StructType>,
    ) -> StructType {
        let mut columns = Vec::new();
        for field in &message.field {
            let live = live.and_then(|live| live.field(field.name()));
            let path = path.child(field.name());
            let data_type = self.data_type(&path, field, live.map(|live| &live.data_type));
            let mut column = StructField::nullable(field.name(), data_type);
            // A value is asked for, not a label: official tools say `optional` for every column.
            column.nullable =
                live.map_or_else(|| field.label() != Label::Required, |live| live.nullable);
            columns.push(column);
        }
        for column in live.iter().flat_map(|live| &live.fields) {
            let has_field = columns.iter().any(|sent| sent.name == column.name);
            if !has_field && column.is_generated() {
                columns.push(column.clone());
            } else if !has_field {
                self.left_out.push(path.child(&column.name));
            }
        }
        StructType::new(columns)
    }

    fn data_type(
        &mut self,
        path: &ColumnPath,
        field: &FieldDescriptorProto,
        live: Option<&DataType>,
    ) -> DataType {
        let messages = self.messages;
        let entry = messages
            .get(field.type_name())
            .filter(|message| message.options.as_ref().is_some_and(|o| o.map_entry()));
        if let Some(entry) = entry {
            let live = match live {
                Some(DataType::Map(map)) => Some(&**map),
                _ => None,
            };
            let mut part = |number: i32, name: &str, live: Option<&DataType>| {
                let field = entry.field.iter().find(|field| field.number() == number);
                let path = path.child(name);
                field.map(|field| self.single(&path, field, live))
            };
            let key = part(1, "key", live.map(|map| &map.key));
            let value = part(2, "value", live.map(|map| &map.value));
            return match (key, value) {
                (Some(key), Some(value)) => DataType::Map(Box::new(MapType {
                    key,
                    value,
                    value_contains_null: live.is_none_or(|map| map.value_contains_null),
                })),
                _ => DataType::Unsupported("map".to_owned()),
            };
        }
        if field.label() == Label::Repeated {
            let element = match live {
                Some(DataType::Array(array)) => Some(&array.element),
                _ => None,
            };
            let mut array = DataType::array(self.single(&path.child("element"), field, element));
            if let (DataType::Array(array), Some(DataType::Array(live))) = (&mut array, live) {
                array.contains_null = live.contains_null;
            }
            return array;
        }
        self.single(path, field, live)
    }

    fn single(
        &mut self,
        path: &ColumnPath,
        field: &FieldDescriptorProto,
        live: Option<&DataType>,
    ) -> DataType {
        let scalar = match field.r#type() {
            Type::Bool => (ScalarType::Bool, DataType::Boolean),
            Type::Int32 => (ScalarType::Int32, DataType::Integer),
            Type::Int64 => (ScalarType::Int64, DataType::Long),
            Type::Float => (ScalarType::Float, DataType::Float),
            Type::Double => (ScalarType::Double, DataType::Double),
            Type::String => (ScalarType::String, DataType::String),
            Type::Bytes => (ScalarType::Bytes, DataType::Binary),
            Type::Message if self.level < mapping::MESSAGE_LEVELS_MAX => {
                let Some(message) = self.messages.get(field.type_name()).copied() else {
                    return DataType::Unsupported("message".to_owned());
                };
                let live = match live {
                    Some(DataType::Struct(fields)) => Some(fields),
                    _ => None,
                };
                if live.is_none() {
                    // What is in it does not matter where the table has something else.
                    return DataType::Struct(StructType::new(vec![StructField::nullable(
                        "field",
                        DataType::Long,
                    )]));
                }
                self.level += 1;
                let fields = self.columns(path, message, live);
                self.level -= 1;
                return DataType::Struct(fields);
            }
            // No column is one; what the service makes of it is not known, so it is not judged.
            other => return DataType::Unsupported(other.as_str_name().to_owned()),
        };
        match live {
            Some(live) if mapping::scalar(live) == Some(scalar.0) => live.clone(),
            _ => scalar.1,
        }
    }
}
