use std::collections::BTreeSet;

use super::names::{entry_name, is_field_name, message_name, nested_name};
use super::refusal::{Refusal, RefusalReason, Refusals};
use super::table::{row, scalar};
use super::{COLUMNS_MAX, MESSAGE_LEVELS_MAX};
use crate::path::ColumnPath;
use crate::proto::{Field, FieldKind, Label, MapValue, Message, ScalarType};
use crate::schema::{StructField, StructType, TableSchema};
use crate::types::DataType;

/// What a caller may ask of the mapping.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct MappingOptions {
    /// The name of the outermost message; otherwise the table's own name, or `record`.
    pub message_name: Option<String>,
    /// Leave columns out that would be refused, where they may be NULL.
    pub skip_unsupported: bool,
    /// Take map keys of types (DATE, TIMESTAMP, DECIMAL …) that protobuf can carry, but of which it is not
    /// established that the service takes them.
    pub allow_unproven_map_keys: bool,
}

/// What became of a table.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Mapping {
    /// The message of all columns that can be carried.
    pub message: Message,
    /// Columns that stand in the way of a stream.
    pub refused: Vec<Refusal>,
    /// Columns left out: NULL in every record, or computed by the table.
    pub omitted: Vec<Refusal>,
}

/// Maps a table to its message, refusing what cannot be carried.
///
/// # Errors
/// [`Refusals`] names every column that is refused, with the reason and the remedy.
pub fn message(table: &TableSchema, options: &MappingOptions) -> Result<Message, Refusals> {
    let mapping = map(table, options);
    if mapping.refused.is_empty() {
        Ok(mapping.message)
    } else {
        Err(Refusals::new(mapping.refused))
    }
}

/// Maps a table to its message and says what was refused and what was left out.
///
/// Fields that have no number yet get one as in [`TableSchema::numbered`].
#[must_use]
pub fn map(table: &TableSchema, options: &MappingOptions) -> Mapping {
    let table = table.clone().numbered();
    let name = match (&options.message_name, &table.table) {
        (Some(name), _) => message_name(name),
        (None, Some(table)) => message_name(table.table()),
        (None, None) => "record".to_owned(),
    };
    let mut mapper = Mapper {
        options,
        refused: Vec::new(),
        omitted: Vec::new(),
    };
    let count = table.columns.fields.len();
    if count > COLUMNS_MAX {
        mapper.refused.push(Refusal {
            path: ColumnPath::default(),
            found: format!("{count} columns"),
            reason: RefusalReason::TooManyColumns,
        });
    }
    let message = mapper.message(&ColumnPath::default(), name, &table.columns, 1);
    Mapping {
        message,
        refused: mapper.refused,
        omitted: mapper.omitted,
    }
}

struct Mapper<'a> {
    options: &'a MappingOptions,
    refused: Vec<Refusal>,
    omitted: Vec<Refusal>,
}

/// Names in use within one message: fields, nested messages and map entries share them.
struct Scope {
    taken: BTreeSet<String>,
    lower: BTreeSet<String>,
}

impl Mapper<'_> {
    fn message(
        &mut self,
        path: &ColumnPath,
        name: String,
        fields: &StructType,
        level: usize,
    ) -> Message {
        let mut message = Message {
            name,
            fields: Vec::new(),
            messages: Vec::new(),
            reserved: fields.reserved.clone(),
        };
        let mut scope = Scope {
            taken: fields
                .fields
                .iter()
                .map(|field| field.name.clone())
                .collect(),
            lower: BTreeSet::new(),
        };
        // The names of map entries are not ours to choose, so they are given before those of messages.
        let mut entries_refused = BTreeSet::new();
        for field in fields
            .fields
            .iter()
            .filter(|field| matches!(field.data_type, DataType::Map(_)))
        {
            if !scope.taken.insert(entry_name(&field.name)) {
                entries_refused.insert(field.name.clone());
            }
        }
        for field in &fields.fields {
            let path = path.child(&field.name);
            let refused_before = self.refused.len();
            let refusal = |reason| Refusal {
                path: path.clone(),
                found: field.data_type.to_string(),
                reason,
            };
            if !scope.lower.insert(field.name.to_ascii_lowercase()) {
                self.refused.push(Refusal {
                    found: field.name.clone(),
                    ..refusal(RefusalReason::DuplicateName)
                });
            } else if field.is_generated() {
                self.omitted.push(refusal(RefusalReason::Generated));
                continue;
            } else if !is_field_name(&field.name) {
                self.refused.push(Refusal {
                    found: field.name.clone(),
                    ..refusal(RefusalReason::Name)
                });
            } else if entries_refused.contains(&field.name) {
                self.refused.push(refusal(RefusalReason::EntryName));
            } else if let Some(mapped) = self.field(&path, field, &mut message, &mut scope, level) {
                message.fields.push(mapped);
            }
            if self.options.skip_unsupported && field.nullable {
                self.omitted.extend(self.refused.drain(refused_before..));
            }
        }
        message
    }

    /// Maps one field; whatever is refused below it is in `self.refused` afterwards.
    fn field(
        &mut self,
        path: &ColumnPath,
        field: &StructField,
        message: &mut Message,
        scope: &mut Scope,
        level: usize,
    ) -> Option<Field> {
        let refused_before = self.refused.len();
        let messages_before = message.messages.len();
        let single = if field.nullable {
            Label::Optional
        } else {
            Label::Required
        };
        let (label, kind) = match &field.data_type {
            DataType::Array(array) => {
                let path = path.child("element");
                (
                    Label::Repeated,
                    self.value(
                        &path,
                        &field.name,
                        &array.element,
                        true,
                        message,
                        scope,
                        level,
                    )?,
                )
            }
            DataType::Map(map) => {
                let key = self.map_key(&path.child("key"), &map.key)?;
                let path = path.child("value");
                let value =
                    self.value(&path, &field.name, &map.value, true, message, scope, level)?;
                let value = match value {
                    FieldKind::Message(name) => MapValue::Message(name),
                    FieldKind::Scalar(scalar) => MapValue::Scalar(scalar),
                    FieldKind::Map { .. } => return None,
                };
                (
                    Label::Repeated,
                    FieldKind::Map {
                        key,
                        value,
                        entry: entry_name(&field.name),
                    },
                )
            }
            other => (
                single,
                self.value(path, &field.name, other, false, message, scope, level)?,
            ),
        };
        if self.refused.len() > refused_before {
            // The message of a refused column must not stay behind.
            message.messages.truncate(messages_before);
            return None;
        }
        let number = field.number.unwrap_or_default();
        Some(Field {
            name: field.name.clone(),
            number,
            label,
            kind,
            comment: field.comment().map(str::to_owned),
            note: note(innermost(&field.data_type)),
        })
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "the state of one walk down a type"
    )]
    fn value(
        &mut self,
        path: &ColumnPath,
        field: &str,
        data_type: &DataType,
        within_collection: bool,
        message: &mut Message,
        scope: &mut Scope,
        level: usize,
    ) -> Option<FieldKind> {
        let reason = match data_type {
            DataType::Array(_) | DataType::Map(_) if within_collection => {
                RefusalReason::NestedCollection
            }
            DataType::Struct(_) if level >= MESSAGE_LEVELS_MAX => RefusalReason::TooDeep,
            DataType::Struct(fields) => {
                let name = nested_name(field, &scope.taken);
                scope.taken.insert(name.clone());
                let refused_before = self.refused.len();
                let nested = self.message(path, name.clone(), fields, level + 1);
                if self.refused.len() > refused_before {
                    return None;
                }
                if nested.fields.is_empty() {
                    RefusalReason::EmptyStruct
                } else {
                    message.messages.push(nested);
                    return Some(FieldKind::Message(name));
                }
            }
            other => match scalar(other) {
                Some(scalar) => return Some(FieldKind::Scalar(scalar)),
                None => RefusalReason::Unsupported,
            },
        };
        self.refused.push(Refusal {
            path: path.clone(),
            found: data_type.to_string(),
            reason,
        });
        None
    }

    fn map_key(&mut self, path: &ColumnPath, key: &DataType) -> Option<ScalarType> {
        let reason = match key {
            DataType::Boolean
            | DataType::Byte
            | DataType::Short
            | DataType::Integer
            | DataType::Long
            | DataType::String
            | DataType::CollatedString(_)
            | DataType::Char(_)
            | DataType::Varchar(_) => return scalar(key),
            _ => match scalar(key) {
                Some(ScalarType::Float | ScalarType::Double | ScalarType::Bytes) | None => {
                    RefusalReason::MapKey
                }
                Some(scalar) if self.options.allow_unproven_map_keys => return Some(scalar),
                Some(_) => RefusalReason::UnprovenMapKey,
            },
        };
        self.refused.push(Refusal {
            path: path.clone(),
            found: key.to_string(),
            reason,
        });
        None
    }
}

/// What a value of this type is, where its proto type does not say it.
fn note(data_type: &DataType) -> Option<String> {
    let value = match data_type {
        DataType::Char(n) | DataType::Varchar(n) => format!("at most {n} characters"),
        other => row(other)?.value?.to_owned(),
    };
    Some(format!("{data_type}: {value}"))
}

/// The type whose values a reader of the `.proto` must know how to fill.
fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Array(array) => innermost(&array.element),
        DataType::Map(map) => innermost(&map.value),
        other => other,
    }
}
