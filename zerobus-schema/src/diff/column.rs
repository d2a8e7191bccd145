//! What has changed in one column: its type, its nullability, and how the table fills it.

use serde_json::Value;

use super::compare::{Comparison, comment_change};
use super::judge;
use super::rename::column_mapping_id;
use super::rule::{self, Severity};
use crate::mapping;
use crate::path::ColumnPath;
use crate::proto::{Field, FieldKind, MapValue, Message};
use crate::rust;
use crate::schema::StructField;
use crate::types::DataType;

impl Comparison<'_> {
    pub(super) fn field(
        &mut self,
        path: &ColumnPath,
        (old, old_sent): (&StructField, Option<(&Message, &Field)>),
        (new, new_sent): (&StructField, Option<(&Message, &Field)>),
    ) {
        self.generation(path, old, new);
        self.nullability(path, old, new, old_sent.is_some());
        if old_sent.is_some() {
            self.types(
                path,
                (&old.data_type, nested_message(old_sent)),
                (&new.data_type, nested_message(new_sent)),
                &rust::field_line(new),
            );
        } else if old.data_type.to_string() != new.data_type.to_string() {
            // As SQL: what lies in the metadata of nested fields is no change of the type.
            let message = format!(
                "{} has become {}; no record carried it",
                old.data_type, new.data_type
            );
            let fix = if new_sent.is_some() {
                rust::field_line(new)
            } else {
                String::new()
            };
            self.add(&rule::UNSENT_COLUMN_CHANGED, path, message, fix);
        }
        self.metadata(path, old, new);
    }

    fn generation(&mut self, path: &ColumnPath, old: &StructField, new: &StructField) {
        match (Generation::of(old), Generation::of(new)) {
            (Generation::None, Generation::Expression(expression)) => {
                let message =
                    format!("the table now computes it, as {expression}, and records carry it");
                self.add(&rule::COLUMN_NOW_GENERATED, path, message, String::new());
            }
            (Generation::None, Generation::Identity(_)) => {
                let message = "the table now numbers it, and records carry it".to_owned();
                self.add(&rule::COLUMN_NOW_IDENTITY, path, message, String::new());
            }
            (Generation::None, Generation::None) => {
                let (was, is) = (numbering(old), numbering(new));
                if was != is {
                    let message = match (was, is) {
                        (Some(was), Some(is)) => format!("its numbers began {was} and begin {is}"),
                        (None, Some(is)) => {
                            format!("the table numbers it, {is}, where a record does not carry it")
                        }
                        _ => "the table no longer numbers it where a record does not carry it"
                            .to_owned(),
                    };
                    self.add(&rule::IDENTITY_CHANGED, path, message, String::new());
                }
            }
            (_, Generation::None) if new.nullable && new.is_identity() => {
                let message =
                    "a record may carry it now; the table numbers it where none does".to_owned();
                self.add(
                    &rule::IDENTITY_CHANGED,
                    path,
                    message,
                    rust::field_line(new),
                );
            }
            (_, Generation::None) if new.nullable => {
                let message =
                    "the table no longer computes it; records without it leave it NULL".to_owned();
                self.add(
                    &rule::GENERATION_REMOVED,
                    path,
                    message,
                    rust::field_line(new),
                );
            }
            (_, Generation::None) => {
                let message =
                    "the table no longer computes it, it is NOT NULL, and records do not carry it"
                        .to_owned();
                self.add(
                    &rule::MISSING_REQUIRED_COLUMN,
                    path,
                    message,
                    rust::field_line(new),
                );
            }
            (Generation::Identity(was), Generation::Identity(is)) => {
                if was != is {
                    let message = format!("its numbers began {was} and begin {is}");
                    self.add(&rule::IDENTITY_CHANGED, path, message, String::new());
                }
            }
            (Generation::Expression(was), Generation::Expression(is)) => {
                if was != is {
                    let message = format!("the table computed it as {was} and computes it as {is}");
                    self.add(&rule::GENERATION_CHANGED, path, message, String::new());
                }
            }
            _ => {
                let message = "the table computes it in another way".to_owned();
                self.add(&rule::GENERATION_CHANGED, path, message, String::new());
            }
        }
    }

    fn nullability(&mut self, path: &ColumnPath, old: &StructField, new: &StructField, sent: bool) {
        match (old.nullable, new.nullable) {
            // What the table computes is no record's concern, and what it no longer computes is judged above.
            _ if old.is_generated() || new.is_generated() => {}
            (true, false) if sent => {
                let message = format!("{} could be NULL and is NOT NULL", new.data_type);
                let fix = self.fixes.drop_not_null(path);
                self.add(&rule::NULLABILITY_TIGHTENED, path, message, fix);
            }
            (true, false) => {
                let message = format!(
                    "{} is now NOT NULL, and no record carried it",
                    new.data_type
                );
                let fix = self.fixes.drop_not_null(path);
                self.add(&rule::MISSING_REQUIRED_COLUMN, path, message, fix);
            }
            (false, true) => {
                let message = format!("{} was NOT NULL and may be NULL", new.data_type);
                self.add(
                    &rule::NULLABILITY_RELAXED,
                    path,
                    message,
                    rust::field_line(new),
                );
            }
            _ => {}
        }
    }

    fn types(
        &mut self,
        path: &ColumnPath,
        (old, old_sent): (&DataType, Option<&Message>),
        (new, new_sent): (&DataType, Option<&Message>),
        line: &str,
    ) {
        match (old, new) {
            (DataType::Struct(old), DataType::Struct(new)) => {
                self.structs(path, (old, old_sent), (new, new_sent));
            }
            (DataType::Array(old), DataType::Array(new)) => {
                let path = path.child("element");
                self.inner_nullability(&path, old.contains_null, new.contains_null);
                self.types(
                    &path,
                    (&old.element, old_sent),
                    (&new.element, new_sent),
                    line,
                );
            }
            (DataType::Map(old), DataType::Map(new)) => {
                self.types(&path.child("key"), (&old.key, None), (&new.key, None), line);
                let path = path.child("value");
                self.inner_nullability(&path, old.value_contains_null, new.value_contains_null);
                self.types(&path, (&old.value, old_sent), (&new.value, new_sent), line);
            }
            _ => {
                let reduced = [
                    &rule::LENGTH_REDUCED,
                    &rule::PRECISION_REDUCED,
                    &rule::SCALE_REDUCED,
                ];
                for (rule, message) in judge::scalars(old, new) {
                    let fix = match rule.severity {
                        Severity::Compatible => String::new(),
                        // The field in Rust is the same for every length and precision.
                        Severity::Breaking if reduced.contains(&rule) => {
                            self.fixes.set_type(path, old)
                        }
                        Severity::Breaking if mapping::row(new).is_none() => String::new(),
                        Severity::Breaking => line.to_owned(),
                    };
                    self.add(rule, path, message, fix);
                }
            }
        }
    }

    fn inner_nullability(&mut self, path: &ColumnPath, old: bool, new: bool) {
        if old != new {
            let may = |null: bool| if null { "may" } else { "may not" };
            let message = format!(
                "it {} be NULL and now {}",
                may(old).replace("may", "could"),
                may(new)
            );
            self.add(
                &rule::ELEMENT_NULLABILITY_CHANGED,
                path,
                message,
                String::new(),
            );
        }
    }

    fn metadata(&mut self, path: &ColumnPath, old: &StructField, new: &StructField) {
        let text = |field: &StructField, key: &str| match field.metadata.get(key) {
            Some(Value::String(text)) => Some(text.clone()),
            Some(other) => Some(other.to_string()),
            None => None,
        };
        let (was, is) = (text(old, DEFAULT), text(new, DEFAULT));
        if was != is {
            let name = |default: Option<String>| default.unwrap_or_else(|| "none".to_owned());
            let message = format!("its DEFAULT was {} and is {}", name(was), name(is));
            self.add(&rule::DEFAULT_CHANGED, path, message, String::new());
        }
        if let Some(message) = comment_change(old.comment(), new.comment()) {
            self.add(&rule::COMMENT_CHANGED, path, message, String::new());
        }
        if let (Some(was), Some(is)) = (column_mapping_id(old), column_mapping_id(new))
            && was != is
        {
            let message = format!("its column mapping id was {was} and is {is}");
            self.add(&rule::COLUMN_REPLACED, path, message, String::new());
        }
        if let (true, Some(was), Some(is)) = (self.options.numbers, old.number, new.number)
            && was != is
        {
            let message = format!("its number was {was} and is {is}");
            self.add(&rule::NUMBER_MOVED, path, message, String::new());
        }
    }
}

/// The metadata key of a column's DEFAULT.
pub(super) const DEFAULT: &str = "CURRENT_DEFAULT";

/// How a table fills a column by itself.
#[derive(PartialEq)]
enum Generation<'a> {
    None,
    Expression(&'a str),
    Identity(String),
}

impl<'a> Generation<'a> {
    fn of(field: &'a StructField) -> Self {
        if let Some(expression) = field.generation_expression() {
            return Self::Expression(expression);
        }
        match numbering(field) {
            Some(numbers) if field.is_generated() => Self::Identity(numbers),
            _ => Self::None,
        }
    }
}

/// How the table numbers an identity column.
fn numbering(field: &StructField) -> Option<String> {
    let value = |key: &str| {
        let value = field.metadata.get(&format!("delta.identity.{key}"));
        value.map_or_else(|| "default".to_owned(), Value::to_string)
    };
    // The high-water mark moves with every row and says nothing about the column.
    field
        .is_identity()
        .then(|| format!("at {} in steps of {}", value("start"), value("step")))
}

/// The message of the struct that a field holds, through arrays and map values.
fn nested_message<'a>(carried: Option<(&'a Message, &'a Field)>) -> Option<&'a Message> {
    let (message, field) = carried?;
    match &field.kind {
        FieldKind::Message(name)
        | FieldKind::Map {
            value: MapValue::Message(name),
            ..
        } => message.message(name),
        _ => None,
    }
}
