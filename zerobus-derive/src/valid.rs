//! What the macro itself can judge: names, nullability as tokens show it, what is missing. Types are judged by the
//! compiler, which sees through aliases, newtypes and generics.

use proc_macro2::Ident;
use syn::{Error, Type};
use zerobus_schema::mapping::{self, MappingOptions, RefusalReason};
use zerobus_schema::proto::Message;
use zerobus_schema::{DataType, StructField, StructType, TableSchema, rust};

use crate::ast::{Errors, Field, Input};
use crate::attr::{Adapter, Unit};
use crate::suggest;

/// A field and the column it is written to.
pub(crate) struct Bound<'a> {
    pub(crate) field: &'a Field<'a>,
    pub(crate) column: &'a StructField,
}

/// Pairs fields with columns, in the order of the columns' numbers. A field that goes nowhere is in `errors`.
pub(crate) fn bind<'a>(
    table: &str,
    input: &Input<'_>,
    schema: &'a TableSchema,
    fields: &'a [Field<'a>],
    errors: &mut Errors,
) -> Vec<Bound<'a>> {
    let mut bound: Vec<Bound<'a>> = Vec::new();
    // A column that some field was meant for is not missing as well.
    let mut meant: Vec<&str> = input.unread.iter().map(String::as_str).collect();
    for field in fields.iter().filter(|field| field.flatten.is_none()) {
        if let Some(error) = told_by_the_table(table, field) {
            errors.push(error);
            meant.push(&field.column);
            continue;
        }
        let known = schema
            .columns
            .fields
            .iter()
            .map(|column| column.name.as_str());
        let Some(column) = schema.columns.field(&field.column) else {
            let closest = suggest::closest(&field.column, known);
            meant.extend(closest);
            errors.push(unknown(table, schema, field, closest));
            continue;
        };
        meant.push(&column.name);
        if let Some(other) = bound.iter().find(|other| other.column.name == column.name) {
            errors.push(Error::new(
                field.name_span,
                format!(
                    "column `{}` of {table} is written twice, by `{}` as well",
                    column.name,
                    other.field.shown_member()
                ),
            ));
        } else if let Some(error) = misplaced(table, column, field) {
            errors.push(error);
        } else {
            bound.push(Bound { field, column });
        }
    }
    let missing: Vec<&StructField> = schema
        .columns
        .fields
        .iter()
        .filter(|column| !column.nullable && !meant.contains(&column.name.as_str()))
        .collect();
    // What a flattened struct has is known when constants are evaluated.
    if fields.iter().all(|field| field.flatten.is_none()) {
        missing_columns(table, input.ident, &missing, errors);
    }
    bound.sort_by_key(|bound| bound.column.number);
    bound
}

/// The message of the columns that the record sends.
pub(crate) fn message(
    input: &Input<'_>,
    schema: &TableSchema,
    bound: &mut Vec<Bound<'_>>,
    is_flattened: bool,
    errors: &mut Errors,
) -> Message {
    let mut columns = StructType::new(
        schema
            .columns
            .fields
            .iter()
            .filter(|column| {
                is_flattened || bound.iter().any(|bound| bound.column.name == column.name)
            })
            .cloned()
            .collect(),
    );
    columns.reserved.clone_from(&schema.columns.reserved);
    let sent = TableSchema::new(schema.table.clone(), columns);
    // A field of a STRUCT that no stream carries, and that may be NULL, is one that nested types leave out.
    let mut options = MappingOptions::default();
    options.skip_unsupported = true;
    options.allow_unproven_map_keys = input.attrs.allow_unproven_map_keys.is_some();
    let mapping = mapping::map(&sent, &options);
    let omitted = mapping.omitted.iter().filter(|omitted| {
        let column = omitted.path.parts().first();
        column.is_none_or(|column| mapping.message.field(column).is_none())
    });
    for refusal in mapping.refused.iter().chain(omitted) {
        let column = refusal.path.parts().first();
        let at = bound
            .iter()
            .position(|bound| Some(&bound.column.name) == column);
        if at.is_none() && is_flattened && mapping.omitted.contains(refusal) {
            continue;
        }
        let span = at
            .and_then(|at| bound.get(at))
            .map_or_else(|| input.ident.span(), |bound| bound.field.name_span);
        errors.push(match refusal.reason {
            RefusalReason::UnprovenMapKey => Error::new(
                span,
                format!("{refusal}; `#[zerobus(allow_unproven_map_keys)]` on the struct allows it"),
            ),
            _ => Error::new(span, refusal),
        });
        if let Some(at) = at {
            bound.remove(at);
        }
    }
    mapping.message
}

/// The columns that are left for flattened structs.
pub(crate) fn left<'a>(
    schema: &'a TableSchema,
    bound: &[Bound<'_>],
    message: &Message,
) -> Vec<&'a StructField> {
    let columns = schema.columns.fields.iter();
    columns
        .filter(|column| message.field(&column.name).is_some())
        .filter(|column| !bound.iter().any(|bound| bound.column.name == column.name))
        .collect()
}

/// What only a struct without a table says of its columns.
fn told_by_the_table(table: &str, field: &Field<'_>) -> Option<Error> {
    let (span, what) = match (&field.data_type, &field.number) {
        (Some((span, _)), _) => (span, "type"),
        (None, Some((span, _))) => (span, "number"),
        (None, None) => return None,
    };
    Some(Error::new(
        *span,
        format!("the schema of {table} says the column's {what}; remove `{what}`"),
    ))
}

fn unknown(table: &str, schema: &TableSchema, field: &Field<'_>, closest: Option<&str>) -> Error {
    const NAMED_MAX: usize = 20;
    let mut known = schema
        .columns
        .fields
        .iter()
        .map(|column| column.name.as_str());
    let hint = match closest {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => {
            let names: Vec<&str> = known.by_ref().take(NAMED_MAX).collect();
            let more = if known.next().is_some() { ", …" } else { "" };
            format!("it has {}{more}", names.join(", "))
        }
    };
    Error::new(
        field.name_span,
        format!("`{}` is not a column of {table}; {hint}", field.column),
    )
}

/// What keeps a column from being written by this field.
fn misplaced(table: &str, column: &StructField, field: &Field<'_>) -> Option<Error> {
    let name = &column.name;
    if column.is_generated() {
        let how = match column.generation_expression() {
            Some(expression) => format!("GENERATED ALWAYS AS ({expression})"),
            None => "an identity column".to_owned(),
        };
        return Some(Error::new(
            field.name_span,
            format!("column `{name}` of {table} is {how}; the table fills it, so remove the field"),
        ));
    }
    let option = field.option();
    if let (false, Some(inner)) = (column.nullable, option) {
        return Some(Error::new_spanned(
            field.ty,
            format!(
                "column `{name}` of {table} is NOT NULL, and an `Option` may have no value; write `{}`",
                shown(inner)
            ),
        ));
    }
    let (span, adapter) = field.adapter.as_ref()?;
    let problem = match (adapter, &column.data_type) {
        (Adapter::Unit(Unit::Days), DataType::Date)
        | (Adapter::Json, DataType::Variant)
        | (Adapter::With(_), _) => return None,
        (Adapter::Unit(Unit::Days), other) => format!("is {other}; days are for DATE"),
        (Adapter::Unit(_), DataType::Timestamp | DataType::TimestampNtz) => return None,
        (Adapter::Unit(_), other) => {
            format!("is {other}; a unit of time is for TIMESTAMP and TIMESTAMP_NTZ")
        }
        (Adapter::Json, other) => format!("is {other}; `json` is for VARIANT"),
    };
    Some(Error::new(
        *span,
        format!("column `{name}` of {table} {problem}"),
    ))
}

fn missing_columns(table: &str, ident: &Ident, missing: &[&StructField], errors: &mut Errors) {
    let lines: Vec<String> = missing
        .iter()
        .filter(|column| !column.is_generated())
        .map(|column| rust::field_line(column))
        .collect();
    if lines.is_empty() {
        return;
    }
    let (noun, verb) = match lines.len() {
        1 => ("a NOT NULL column", "is"),
        _ => ("NOT NULL columns", "are"),
    };
    errors.push(Error::new(
        ident.span(),
        format!(
            "{table} has {noun} that {verb} not in `{ident}`; add\n    {}",
            lines.join("\n    ")
        ),
    ));
}

/// A type as its author wrote it, or nearly.
fn shown(ty: &Type) -> String {
    let tokens = quote::ToTokens::to_token_stream(ty).to_string();
    tokens
        .replace(" < ", "<")
        .replace(" >", ">")
        .replace(" :: ", "::")
        .replace("& ", "&")
        .replace(" ,", ",")
}
