//! What has changed in a table and in its structs: which columns there are.

use std::collections::BTreeMap;

use serde_json::Value;

use super::column::DEFAULT;
use super::fix::Fixes;
use super::rename;
use super::rule::{self, Rule};
use super::{DiffOptions, Finding};
use crate::mapping::{self, COLUMNS_MAX, MappingOptions};
use crate::path::ColumnPath;
use crate::proto::{Field, Message};
use crate::rust;
use crate::schema::{StructField, StructType, TableSchema};

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

/// Two tables that are compared, and what was found.
pub(super) struct Comparison<'a> {
    pub(super) options: &'a DiffOptions,
    pub(super) fixes: Fixes,
    findings: Vec<Finding>,
}

/// A struct and the message that carries it; `None` where no stream does.
pub(super) type Carried<'a> = (&'a StructType, Option<&'a Message>);

impl Comparison<'_> {
    pub(super) fn add(
        &mut self,
        rule: &'static Rule,
        path: &ColumnPath,
        message: String,
        fix: String,
    ) {
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

    pub(super) fn structs(&mut self, path: &ColumnPath, old: Carried<'_>, new: Carried<'_>) {
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

pub(super) fn comment_change(old: Option<&str>, new: Option<&str>) -> Option<String> {
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
