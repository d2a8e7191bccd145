mod human;
mod json;

use zerobus_schema::TableSchema;
use zerobus_schema::mapping::{self, Mapping, MappingOptions};
use zerobus_schema::proto::{Field, FieldKind, MapValue};

use crate::args::{Format, Show};
use crate::exit::{Exit, Failure};
use crate::input::{Input, Reader};
use crate::json::pretty;
use crate::output;

/// Shows each table of a source. That columns are refused is part of the answer, not a failure.
pub(crate) fn show(args: &Show) -> Result<Exit, Failure> {
    let input = Reader::new(&args.connection).read(&args.source)?;
    let mappings: Vec<Mapping> = input
        .tables
        .iter()
        .map(|table| map(&input, table))
        .collect();
    let tables = input.tables.iter().zip(&mappings);
    let text = match args.format {
        Format::Human => tables
            .map(|(table, mapping)| human::human(input.kind, table, mapping))
            .collect::<Vec<_>>()
            .join("\n"),
        Format::Json => pretty(&json::json(input.kind, tables)),
    };
    output::data(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn map(input: &Input, table: &TableSchema) -> Mapping {
    let mut options = MappingOptions::default();
    if table.table.is_none() {
        options.message_name = input.stem.clone();
    }
    mapping::map(table, &options)
}

fn proto_type(field: &Field) -> String {
    match &field.kind {
        FieldKind::Scalar(scalar) => scalar.as_str().to_owned(),
        FieldKind::Message(name) => name.clone(),
        FieldKind::Map { key, value, .. } => {
            let value = match value {
                MapValue::Scalar(scalar) => scalar.as_str(),
                MapValue::Message(name) => name,
                _ => "?",
            };
            format!("map<{}, {value}>", key.as_str())
        }
        _ => "?".to_owned(),
    }
}

/// The name of the message that a field holds, through a map's value.
fn message_of(field: &Field) -> Option<&str> {
    match &field.kind {
        FieldKind::Message(name)
        | FieldKind::Map {
            value: MapValue::Message(name),
            ..
        } => Some(name),
        _ => None,
    }
}
