//! Holds a client's descriptor against the table, once when a stream opens.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::Arc;

use prost_types::field_descriptor_proto::Type;
use zerobus_proto::SchemaCause;
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::proto::{self, FieldKind, Label, MapValue, ScalarType};
use zerobus_schema::{ColumnPath, DataType, StructField, StructType, TableSchema};

use super::descriptor::{self, Descriptor, Kind as Found};
use super::partition;
use super::plan::{FieldPlan, Kind, MessagePlan, Plan};

/// More than anybody reads.
const MISMATCHES_MAX: usize = 10_000;

/// A field of the descriptor that does not fit the table, or a column it lacks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Mismatch {
    pub(crate) cause: SchemaCause,
    pub(crate) path: ColumnPath,
    pub(crate) problem: String,
}

impl fmt::Display for Mismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: column {}: {}", self.cause, self.path, self.problem)
    }
}

/// The plan for a table's records, held against the client's descriptor where there is one.
pub(super) fn plan(
    table: &TableSchema,
    descriptor: Option<&Descriptor>,
) -> Result<Plan, Vec<Mismatch>> {
    let mut options = MappingOptions::default();
    options.skip_unsupported = true;
    let mapped = mapping::map(table, &options);
    let mut planner = Planner {
        descriptor,
        mismatches: Vec::new(),
    };
    let root = planner.message(
        &ColumnPath::default(),
        &mapped.message,
        &table.columns,
        descriptor.and_then(Descriptor::root),
    );
    if planner.mismatches.is_empty() {
        Ok(Plan {
            partition: partition::columns(table, &root).into(),
            root: Arc::new(root),
        })
    } else {
        Err(planner.mismatches)
    }
}

struct Planner<'a> {
    descriptor: Option<&'a Descriptor>,
    mismatches: Vec<Mismatch>,
}

impl<'a> Planner<'a> {
    /// `expected` is what the mapping makes of `table`; `found` the client's message, when there is a descriptor.
    fn message<'t>(
        &mut self,
        path: &ColumnPath,
        expected: &proto::Message,
        table: &'t StructType,
        found: Option<&'a descriptor::Message>,
    ) -> MessagePlan {
        let mut planned: Vec<(usize, FieldPlan)> = Vec::with_capacity(expected.fields.len());
        let plan_column = |planner: &mut Self, column: &StructField, found| {
            let path = path.child(&column.name);
            match expected.field(&column.name) {
                Some(field) => planner.field(&path, field, expected, column, found),
                None => {
                    planner.mismatch(SchemaCause::TypeIncompatible, &path, || {
                        format!(
                            "no stream can carry {}; leave the field out",
                            column.data_type
                        )
                    });
                    None
                }
            }
        };
        match found {
            Some(found) => {
                let named =
                    |(at, column): (usize, &'t StructField)| (column.name.as_str(), (at, column));
                let by_name: HashMap<_, _> = table.fields.iter().enumerate().map(named).collect();
                let sent: HashSet<_> = found.fields.iter().map(|field| &field.name).collect();
                for field in &found.fields {
                    match by_name.get(field.name.as_str()) {
                        Some(&(at, column)) => {
                            let field = plan_column(self, column, Some(field));
                            planned.extend(field.map(|field| (at, field)));
                        }
                        None => {
                            let path = path.child(&field.name);
                            self.mismatch(SchemaCause::FieldNotInTable, &path, || {
                                format!("the table has no such column, message {} does", found.name)
                            });
                        }
                    }
                }
                for column in &table.fields {
                    if !column.nullable && !sent.contains(&column.name) {
                        let path = path.child(&column.name);
                        self.mismatch(SchemaCause::MissingRequiredColumn, &path, || {
                            let problem = format!(
                                "it is {} NOT NULL, and message {} has no such field",
                                column.data_type, found.name
                            );
                            if column.is_generated() {
                                format!(
                                    "{problem}; this server computes no columns, so let it be NULL here"
                                )
                            } else {
                                problem
                            }
                        });
                    }
                }
            }
            None => {
                for (at, column) in table.fields.iter().enumerate() {
                    if column.nullable && expected.field(&column.name).is_none() {
                        continue;
                    }
                    let field = plan_column(self, column, None);
                    planned.extend(field.map(|field| (at, field)));
                }
            }
        }
        planned.sort_by_key(|(_, field)| field.number);
        let mut columns = vec![None; table.fields.len()];
        for (place, (at, _)) in planned.iter().enumerate() {
            if let Some(slot) = columns.get_mut(*at) {
                *slot = Some(place);
            }
        }
        let fields = planned.into_iter().map(|(_, field)| field).collect();
        MessagePlan::new(fields, columns, cells_of(table))
    }

    fn field(
        &mut self,
        path: &ColumnPath,
        expected: &proto::Field,
        message: &proto::Message,
        column: &StructField,
        found: Option<&'a descriptor::Field>,
    ) -> Option<FieldPlan> {
        if let Some(found) = found {
            let repeated = expected.label == Label::Repeated;
            if found.repeated != repeated {
                let how = if repeated { "repeated" } else { "single" };
                self.mismatch(SchemaCause::TypeIncompatible, path, || {
                    format!("it is {}, so the field must be {how}", column.data_type)
                });
                return None;
            }
        }
        let found_kind = found.map(|found| found.kind);
        let nested = |name: &str| message.message(name);
        let kind = match (&expected.kind, &column.data_type) {
            (FieldKind::Map { key, value, .. }, DataType::Map(map)) => {
                let (found_key, found_value) = match found_kind {
                    Some(found_kind) => {
                        let (key, value) = self.map_entry(path, &column.data_type, found_kind)?;
                        (Some(key), Some(value))
                    }
                    None => (None, None),
                };
                let key = self.value(
                    &path.child("key"),
                    &FieldKind::Scalar(*key),
                    None,
                    &map.key,
                    found_key,
                );
                let (value, nested) = match value {
                    MapValue::Scalar(scalar) => (FieldKind::Scalar(*scalar), None),
                    MapValue::Message(name) => (FieldKind::Message(name.clone()), nested(name)),
                    _ => return None,
                };
                let value = self.value(
                    &path.child("value"),
                    &value,
                    nested,
                    &map.value,
                    found_value,
                );
                let entry = vec![
                    FieldPlan::new("key", 1, false, &map.key, key?),
                    FieldPlan::new("value", 2, false, &map.value, value?),
                ];
                let cells = 1 + cells_in(&map.value);
                Kind::Map(Arc::new(MessagePlan::new(
                    entry,
                    vec![Some(0), Some(1)],
                    cells,
                )))
            }
            (kind, DataType::Array(array)) => {
                let nested = match kind {
                    FieldKind::Message(name) => nested(name),
                    _ => None,
                };
                let path = path.child("element");
                let element = self.value(&path, kind, nested, &array.element, found_kind)?;
                let element = FieldPlan::new("element", 1, false, &array.element, element);
                Kind::Array(Box::new(element), cells_in(&array.element))
            }
            (kind, data_type) => {
                let nested = match kind {
                    FieldKind::Message(name) => nested(name),
                    _ => None,
                };
                self.value(path, kind, nested, data_type, found_kind)?
            }
        };
        let number = found.map_or(expected.number, |found| found.number);
        let name = &column.name;
        Some(FieldPlan::new(
            name,
            number,
            column.nullable,
            &column.data_type,
            kind,
        ))
    }

    /// A single value: a column's, an element's, a key's.
    fn value(
        &mut self,
        path: &ColumnPath,
        expected: &FieldKind,
        nested: Option<&proto::Message>,
        data_type: &DataType,
        found: Option<Found>,
    ) -> Option<Kind> {
        let fits = match (expected, found) {
            (_, None) => true,
            (FieldKind::Scalar(scalar), Some(Found::Scalar(found))) => {
                scalar_type(*scalar) == Some(found)
            }
            (FieldKind::Message(_), Some(Found::Message(at))) => self
                .found_message(Some(Found::Message(at)))
                .is_some_and(|message| !message.map_entry),
            _ => false,
        };
        if !fits {
            let must = match expected {
                FieldKind::Scalar(scalar) => scalar.as_str(),
                _ => "a message",
            };
            let is = match found {
                Some(Found::Scalar(scalar)) => scalar.as_str_name().trim_start_matches("TYPE_"),
                _ => "MESSAGE",
            };
            self.mismatch(SchemaCause::TypeIncompatible, path, || {
                format!(
                    "it is {data_type}, so the field must be {must}, not {}",
                    is.to_ascii_lowercase()
                )
            });
            return None;
        }
        Some(match data_type {
            DataType::Boolean => Kind::Boolean,
            DataType::Byte => Kind::Byte,
            DataType::Short => Kind::Short,
            DataType::Integer | DataType::Date => Kind::Integer,
            DataType::Long | DataType::Timestamp | DataType::TimestampNtz => Kind::Long,
            DataType::Float => Kind::Float,
            DataType::Double => Kind::Double,
            DataType::Decimal(decimal) => Kind::Decimal {
                precision: decimal.precision(),
                scale: decimal.scale(),
            },
            DataType::String | DataType::CollatedString(_) => Kind::Text(None),
            DataType::Char(max) => Kind::Text(Some(("CHAR", *max))),
            DataType::Varchar(max) => Kind::Text(Some(("VARCHAR", *max))),
            DataType::Binary => Kind::Binary,
            DataType::Variant => Kind::Variant,
            DataType::Struct(fields) => {
                let found = self.found_message(found);
                Kind::Struct(Arc::new(self.message(path, nested?, fields, found)))
            }
            other => {
                self.mismatch(SchemaCause::TypeIncompatible, path, || {
                    format!("no stream can carry {other}; leave the field out")
                });
                return None;
            }
        })
    }

    /// The kinds of key and value of what should be a map field.
    fn map_entry(
        &mut self,
        path: &ColumnPath,
        data_type: &DataType,
        found: Found,
    ) -> Option<(Found, Found)> {
        let entry = self
            .found_message(Some(found))
            .filter(|entry| entry.map_entry);
        let kind = |number| {
            let mut fields = entry?.fields.iter();
            fields.find(|field| field.number == number && !field.repeated)
        };
        match (kind(1), kind(2)) {
            (Some(key), Some(value)) => Some((key.kind, value.kind)),
            _ => {
                self.mismatch(SchemaCause::TypeIncompatible, path, || {
                    format!("it is {data_type}, so the field must be a map")
                });
                None
            }
        }
    }

    fn found_message(&self, found: Option<Found>) -> Option<&'a descriptor::Message> {
        match found {
            Some(Found::Message(at)) => self.descriptor?.message(at),
            _ => None,
        }
    }

    fn mismatch(
        &mut self,
        cause: SchemaCause,
        path: &ColumnPath,
        problem: impl FnOnce() -> String,
    ) {
        if self.mismatches.len() >= MISMATCHES_MAX {
            return;
        }
        self.mismatches.push(Mismatch {
            cause,
            path: path.clone(),
            problem: problem(),
        });
    }
}

fn cells_of(fields: &StructType) -> usize {
    let fields = fields.fields.iter();
    fields.map(|field| cells_in(&field.data_type)).sum()
}

fn cells_in(data_type: &DataType) -> usize {
    match data_type {
        DataType::Struct(fields) => 1 + cells_of(fields),
        _ => 1,
    }
}

fn scalar_type(scalar: ScalarType) -> Option<Type> {
    Some(match scalar {
        ScalarType::Bool => Type::Bool,
        ScalarType::Int32 => Type::Int32,
        ScalarType::Int64 => Type::Int64,
        ScalarType::Float => Type::Float,
        ScalarType::Double => Type::Double,
        ScalarType::String => Type::String,
        ScalarType::Bytes => Type::Bytes,
        _ => return None,
    })
}
