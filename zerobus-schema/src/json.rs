use std::fmt::Write as _;

use serde_json::Value;

use crate::error::{Location, SchemaError};

/// The most bytes of JSON that are read: a table of 2,000 columns takes about half a megabyte.
pub(crate) const INPUT_MAX: usize = 16 * 1024 * 1024;

/// Reads JSON text within bounds (size here, depth in `serde_json`).
pub(crate) fn parse(text: &str) -> Result<Value, SchemaError> {
    if text.len() > INPUT_MAX {
        return Err(SchemaError::new(format!(
            "the JSON is {} bytes long; at most {INPUT_MAX} are read",
            text.len()
        )));
    }
    serde_json::from_str(text).map_err(|error| {
        let place = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        let location = Location {
            line: place(error.line()),
            column: place(error.column()).max(1),
        };
        SchemaError::new(format!("not JSON: {error}")).at_in(location, text)
    })
}

/// What a value is, for messages.
pub(crate) fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

/// The keys of Delta's schema JSON in the order that Spark writes them; all others follow by name.
const SPARK_ORDER: [&str; 10] = [
    "name",
    "type",
    "fields",
    "elementType",
    "containsNull",
    "keyType",
    "valueType",
    "valueContainsNull",
    "nullable",
    "metadata",
];

fn rank(key: &str) -> usize {
    SPARK_ORDER
        .iter()
        .position(|known| *known == key)
        .unwrap_or(SPARK_ORDER.len())
}

/// Pretty JSON with keys in a fixed order and two-space indents, the same bytes whichever features of `serde_json` are on
/// in the user's tree (`preserve_order` would otherwise decide the order).
pub(crate) fn write_canonical(out: &mut String, value: &Value, indent: usize) {
    match value {
        Value::Array(items) if !items.is_empty() => {
            out.push('[');
            for (i, item) in items.iter().enumerate() {
                new_line(out, i, indent + 1);
                write_canonical(out, item, indent + 1);
            }
            close_line(out, indent);
            out.push(']');
        }
        Value::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| (rank(key), key.as_str()));
            write_object(out, entries, indent);
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}

/// The same for an object whose keys keep the order they are given in.
pub(crate) fn write_object<'a>(
    out: &mut String,
    entries: impl IntoIterator<Item = (impl AsRef<str>, &'a Value)>,
    indent: usize,
) {
    out.push('{');
    let mut empty = true;
    for (i, (key, value)) in entries.into_iter().enumerate() {
        new_line(out, i, indent + 1);
        let _ = write!(out, "{}: ", Value::from(key.as_ref()));
        write_canonical(out, value, indent + 1);
        empty = false;
    }
    if !empty {
        close_line(out, indent);
    }
    out.push('}');
}

fn new_line(out: &mut String, index: usize, indent: usize) {
    out.push_str(if index == 0 { "\n" } else { ",\n" });
    (0..indent).for_each(|_| out.push_str("  "));
}

fn close_line(out: &mut String, indent: usize) {
    out.push('\n');
    (0..indent).for_each(|_| out.push_str("  "));
}
