use std::collections::BTreeMap;

use serde_json::Value;

use crate::error::SchemaError;
use crate::json;

/// A flag: absent is true, and so is null; text counts as what it says. `None` for anything else.
pub(crate) fn flag(value: Option<&Value>) -> Option<bool> {
    match value {
        None | Some(Value::Null) => Some(true),
        Some(Value::Bool(flag)) => Some(*flag),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("true") => Some(true),
        Some(Value::String(text)) if text.eq_ignore_ascii_case("false") => Some(false),
        Some(_) => None,
    }
}

/// A text; absent is none, and so is null.
pub(crate) fn text<'a>(
    value: Option<&'a Value>,
    key: &str,
) -> Result<Option<&'a str>, SchemaError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(other) => Err(unexpected(key, "a string", other)),
    }
}

/// A list of texts; absent is empty.
pub(crate) fn texts(value: Option<&Value>, key: &str) -> Result<Vec<String>, SchemaError> {
    match value {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(items)) => items
            .iter()
            .map(|item| {
                let text = item.as_str().map(str::to_owned);
                text.ok_or_else(|| unexpected(key, "a list of strings only", item))
            })
            .collect(),
        Some(other) => Err(unexpected(key, "a list of strings", other)),
    }
}

/// Properties: texts by key; a number or flag is taken as its text, absent is empty.
pub(crate) fn properties(
    value: Option<&Value>,
    key: &str,
) -> Result<BTreeMap<String, String>, SchemaError> {
    let entries = match value {
        None | Some(Value::Null) => return Ok(BTreeMap::new()),
        Some(Value::Object(entries)) => entries,
        Some(other) => return Err(unexpected(key, "an object", other)),
    };
    let text = |value: &Value| match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    };
    Ok(entries
        .iter()
        .filter_map(|(key, value)| Some((key.clone(), text(value)?)))
        .collect())
}

fn unexpected(key: &str, expected: &str, found: &Value) -> SchemaError {
    SchemaError::new(format!(
        "expected `{key}` to be {expected}, found {}",
        json::kind(found)
    ))
}
