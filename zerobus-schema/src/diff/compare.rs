use std::collections::BTreeMap;

use serde_json::Value;

use super::fix::Fixes;
use super::rename::{self, column_mapping_id};
use super::rule::{self, Rule, Severity};
use super::{DiffOptions, Finding, judge};
use crate::mapping::{self, COLUMNS_MAX, MappingOptions};
use crate::path::ColumnPath;
use crate::proto::{Field, FieldKind, MapValue, Message};
use crate::rust;
use crate::schema::{StructField, StructType, TableSchema};
use crate::types::DataType;

/// All findings about two tables.
pub(super) fn tables(old: &TableSchema, new: &TableSchema, options: &DiffOptions) -> Vec<Finding> {
    let mut comparison = Comparison {
        options,
        fixes: Fixes::new(old, new),
        findings: Vec::new(),
    };
    comparison.whole_table(old, new);
    let (old_sent, new_sent) = (sent(old), sent(new));
    comparison.structs(
        &ColumnPath::default(),
        (&old.columns, Some(&old_sent)),
        (&new.columns, Some(&new_sent)),
    );
    comparison.findings
}

/// What a producer that leaves out whatever it can sends at most.
fn sent(table: &TableSchema) -> Message {
    let options = MappingOptions {
        skip_unsupported: true,
        allow_unproven_map_keys: true,
        ..MappingOptions::default()
    };
    mapping::map(table, &options).message
}

struct Comparison<'a> {
    options: &'a DiffOptions,
    fixes: Fixes,
    findings: Vec<Finding>,
}

/// A struct and the message that carries it; `None` where no stream does.
type Carried<'a> = (&'a StructType, Option<&'a Message>);

impl Comparison<'_> {
    fn add(&mut self, rule: &'static Rule, path: &ColumnPath, message: String, fix: String) {
        self.findings
            .push(Finding::new(rule, path.clone(), message, fix));
    }

    fn whole_table(&mut self, old: &TableSchema, new: &TableSchema) {
        let root = ColumnPath::default();
        if let (Some(old), Some(new)) = (&old.table, &new.table)
            && let Some(part) = new.parts().iter().find(|part| !is_service_name(part))
            && old.parts().iter().all(|part| is_service_name(part))
        {
            let message = format!(
                "the table is now called {new}, and `{part}` holds more than letters, digits and underscores"
            );
            self.add(&rule::NAME_NOT_ALLOWED, &root, message, String::new());
        }
        let count = new.columns.fields.len();
        if count > COLUMNS_MAX && old.columns.fields.len() <= COLUMNS_MAX {
            let message = format!("the table has {count} columns; the service takes {COLUMNS_MAX}");
            self.add(&rule::TOO_MANY_COLUMNS, &root, message, String::new());
        }
        if !self.options.table {
            return;
        }
        if let (Some(old), Some(new)) = (&old.id, &new.id)
            && old != new
        {
            let message = format!("the table's id was {old} and is {new}");
            self.add(&rule::TABLE_REPLACED, &root, message, String::new());
        }
        if old.partition_columns != new.partition_columns {
            let by = |table: &TableSchema| match table.partition_columns.as_slice() {
                [] => "no column".to_owned(),
                columns => columns.join(", "),
            };
            let message = format!("it was partitioned by {} and is by {}", by(old), by(new));
            self.add(&rule::PARTITIONING_CHANGED, &root, message, String::new());
        }
        if let Some(message) = comment_change(old.comment.as_deref(), new.comment.as_deref()) {
            self.add(&rule::COMMENT_CHANGED, &root, message, String::new());
        }
    }

    fn structs(&mut self, path: &ColumnPath, old: Carried<'_>, new: Carried<'_>) {
        let ((old, old_sent), (new, new_sent)) = (old, new);
        self.order(path, old, new);
        let renames = rename::find(old, new);
        let (then, now) = (by_name(old), by_name(new));
        let (old_fields, new_fields) = (fields_of(old_sent), fields_of(new_sent));
        for column in &old.fields {
            let path = path.child(&column.name);
            let carried = carried_by(old_sent, &old_fields, column);
            match now.get(column.name.as_str()) {
                Some(&now) => {
                    let now_carried = carried_by(new_sent, &new_fields, now);
                    self.field(&path, (column, carried), (now, now_carried));
                }
                None => {
                    let rename = renames.iter().find(|rename| rename.old.name == column.name);
                    self.gone(&path, column, carried.is_some(), rename);
                }
            }
        }
        let of_reserved = old
            .reserved
            .iter()
            .map(|one| (one.number, one.name.as_str()));
        let of_fields = old.fields.iter();
        let of_fields = of_fields.filter_map(|one| Some((one.number?, one.name.as_str())));
        let numbers: BTreeMap<u32, &str> = of_reserved.chain(of_fields).collect();
        for column in &new.fields {
            if !then.contains_key(column.name.as_str()) {
                self.added(&path.child(&column.name), column);
                if self.options.numbers {
                    self.reused(&path.child(&column.name), column, &numbers);
                }
            }
        }
    }

    fn order(&mut self, path: &ColumnPath, old: &StructType, new: &StructType) {
        let common = |these: &StructType, those: &StructType| -> Vec<String> {
            let known = by_name(those);
            let names = these.fields.iter().map(|field| field.name.clone());
            names
                .filter(|name| known.contains_key(name.as_str()))
                .collect()
        };
        let (before, now) = (common(old, new), common(new, old));
        if before != now {
            let moved = before.iter().zip(&now).find(|(one, other)| one != other);
            let message = match moved {
                Some((was, is)) => {
                    format!("the columns stand in another order: {is} comes where {was} was")
                }
                None => "the columns stand in another order".to_owned(),
            };
            self.add(&rule::FIELD_OUT_OF_ORDER, path, message, String::new());
        }
    }

    fn gone(
        &mut self,
        path: &ColumnPath,
        column: &StructField,
        carried: bool,
        rename: Option<&rename::Rename<'_>>,
    ) {
        let described = describe(column);
        if !carried {
            let message = format!("{described} is gone; no record carried it");
            return self.add(&rule::UNSENT_COLUMN_DROPPED, path, message, String::new());
        }
        match rename {
            Some(rename) => {
                let message = format!(
                    "{described} is gone and {} is new, which seems to be the same column ({})",
                    ColumnPath::column(&rename.new.name),
                    rename.reason
                );
                let fix = rust::renamed_line(&column.name, rename.new);
                let back = sibling(path, &rename.new.name);
                let fix = format!("{fix}\n{}", self.fixes.rename_column(&back, &column.name));
                self.add(&rule::COLUMN_RENAMED, path, message, fix);
            }
            None => {
                let message = format!("{described} is gone, and records carry it");
                let fix = self.fixes.add_column(path, column);
                self.add(&rule::FIELD_NOT_IN_TABLE, path, message, fix);
            }
        }
    }

    fn added(&mut self, path: &ColumnPath, column: &StructField) {
        let described = describe(column);
        let default = column.metadata.get(DEFAULT).and_then(Value::as_str);
        let allowed = is_service_name(&column.name);
        if !allowed {
            let message = format!(
                "{described} is new, and its name holds more than letters, digits and underscores"
            );
            let fix = self.fixes.drop_column(path);
            self.add(&rule::NAME_NOT_ALLOWED, path, message, fix);
        }
        if !column.nullable && !column.is_generated() {
            let besides = match default {
                Some(default) => format!("; its DEFAULT {default} does not stand in for it"),
                None => String::new(),
            };
            let message =
                format!("{described} is new and NOT NULL, and records do not carry it{besides}");
            let fix = self.fixes.drop_not_null(path);
            return self.add(&rule::MISSING_REQUIRED_COLUMN, path, message, fix);
        }
        if !allowed {
            return;
        }
        let line = rust::field_line(column);
        match default {
            _ if column.is_generated() => {
                let message = format!("{described} is new, and the table computes it");
                self.add(&rule::GENERATED_COLUMN_ADDED, path, message, String::new());
            }
            Some(default) => {
                let message =
                    format!("{described} is new, may be NULL, and has the DEFAULT {default}");
                self.add(&rule::COLUMN_ADDED_WITH_DEFAULT, path, message, line);
            }
            None => {
                let message = format!("{described} is new and may be NULL");
                self.add(&rule::COLUMN_ADDED, path, message, line);
            }
        }
    }

    fn reused(&mut self, path: &ColumnPath, column: &StructField, numbers: &BTreeMap<u32, &str>) {
        let Some(number) = column.number else { return };
        if let Some(name) = numbers.get(&number).filter(|name| **name != column.name) {
            let name = ColumnPath::column(name);
            let message = format!("it has the number {number}, which was that of {name}");
            self.add(&rule::NUMBER_REUSED, path, message, String::new());
        }
    }

    fn field(
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
const DEFAULT: &str = "CURRENT_DEFAULT";

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

/// The fields of a message by name: a table may have thousands.
fn fields_of(message: Option<&Message>) -> BTreeMap<&str, &Field> {
    let fields = message.into_iter().flat_map(|message| &message.fields);
    fields.map(|field| (field.name.as_str(), field)).collect()
}

/// The message and the field that carry a column.
fn carried_by<'a>(
    message: Option<&'a Message>,
    fields: &BTreeMap<&str, &'a Field>,
    column: &StructField,
) -> Option<(&'a Message, &'a Field)> {
    Some((message?, *fields.get(column.name.as_str())?))
}

fn by_name(fields: &StructType) -> BTreeMap<&str, &StructField> {
    fields
        .fields
        .iter()
        .map(|field| (field.name.as_str(), field))
        .collect()
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

fn comment_change(old: Option<&str>, new: Option<&str>) -> Option<String> {
    match (
        old.filter(|text| !text.is_empty()),
        new.filter(|text| !text.is_empty()),
    ) {
        (old, new) if old == new => None,
        (None, _) => Some("it has a comment now".to_owned()),
        (_, None) => Some("its comment is gone".to_owned()),
        _ => Some("its comment is another one".to_owned()),
    }
}

fn describe(column: &StructField) -> String {
    let mut kind = column.data_type.to_string();
    // A wide STRUCT says it all about its fields; here its being there is enough.
    if kind.chars().count() > 60 {
        kind = kind.chars().take(57).chain("...".chars()).collect();
    }
    format!("{} ({kind})", ColumnPath::column(&column.name))
}

/// The path of another field of the same struct.
fn sibling(path: &ColumnPath, name: &str) -> ColumnPath {
    let parts = path.parts();
    let parents = parts.split_last().map_or(&[][..], |(_, parents)| parents);
    let parent = parents
        .iter()
        .fold(ColumnPath::default(), |path, part| path.child(part));
    parent.child(name)
}

/// Whether the service takes the name (documentation page "Zerobus Ingest connector limitations").
fn is_service_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
