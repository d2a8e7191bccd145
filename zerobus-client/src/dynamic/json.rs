//! JSON values as columns.

use zerobus_record::{DateDays, RecordError, TimestampMicros, TimestampNtzMicros};

use super::encode::{misfit, missing, put, unknown};
use super::schema::{Kind, Plan};
use super::value::Value;
use super::wire::{self, Tag};

/// Writes a JSON value as the field of this tag. Numbers for times and dates are those of the documentation page "Use
/// Zerobus Ingest": microseconds and days since 1970-01-01.
pub(super) fn put_json(
    out: &mut Vec<u8>,
    tag: Tag,
    kind: &Kind,
    json: &serde_json::Value,
) -> Result<(), RecordError> {
    let value = match (kind, json) {
        (Kind::Variant, json) => {
            let start = wire::begin(out, tag);
            if let Err(error) = serde_json::to_writer(&mut *out, json) {
                return Err(RecordError::new("JSON", error.to_string()));
            }
            wire::end(out, start);
            return Ok(());
        }
        (Kind::Struct(plan), serde_json::Value::Object(fields)) => {
            let start = wire::begin(out, tag);
            put_object(out, plan, fields)?;
            wire::end(out, start);
            return Ok(());
        }
        (Kind::Array(element), serde_json::Value::Array(values)) => {
            for (at, value) in values.iter().enumerate() {
                put(out, tag, element, Value::Json(value)).map_err(|error| error.in_element(at))?;
            }
            return Ok(());
        }
        (Kind::Map(parts), serde_json::Value::Object(entries)) => {
            let (key_part, value_part) = &**parts;
            for (key, value) in entries {
                let start = wire::begin(out, tag);
                let typed_key = match &key_part.kind {
                    Kind::Bool => key.parse().ok().map(Value::Bool),
                    Kind::Int(..) | Kind::AnyInt32 | Kind::AnyInt64 => {
                        key.parse().ok().map(Value::Int)
                    }
                    _ => None,
                };
                put(
                    out,
                    key_part.tag,
                    &key_part.kind,
                    typed_key.unwrap_or(Value::Text(key)),
                )
                .map_err(RecordError::in_key)?;
                put(out, value_part.tag, &value_part.kind, Value::Json(value))
                    .map_err(|error| error.in_value(format!("{key:?}")))?;
                wire::end(out, start);
            }
            return Ok(());
        }
        (_, serde_json::Value::Bool(value)) => Value::Bool(*value),
        (_, serde_json::Value::String(text)) => Value::Text(text),
        (kind, serde_json::Value::Number(number)) => match (kind, number.as_i64()) {
            (Kind::Timestamp, Some(micros)) => {
                Value::Timestamp(TimestampMicros::from_micros(micros))
            }
            (Kind::TimestampNtz, Some(micros)) => {
                Value::TimestampNtz(TimestampNtzMicros::from_micros(micros))
            }
            (Kind::Date, Some(days)) => match i32::try_from(days) {
                Ok(days) => Value::Date(DateDays::from_days(days)),
                Err(_) => Value::Int(days),
            },
            (_, Some(number)) => Value::Int(number),
            // What is beyond i64 is no integer of any column.
            (_, None) => Value::Double(number.as_f64().unwrap_or(f64::NAN)),
        },
        (kind, json) => {
            let found = match json {
                serde_json::Value::Null => "null",
                serde_json::Value::Array(_) => "an array",
                _ => "an object",
            };
            return Err(RecordError::new(kind.expected(), found));
        }
    };
    match (kind, value) {
        // JSON has no bytes, and what stands for them is not established.
        (Kind::Bytes, value) => Err(misfit(kind, &value)),
        (kind, value) => put(out, tag, kind, value),
    }
}

/// The fields of a STRUCT by name; `null` is no value.
pub(super) fn put_object(
    out: &mut Vec<u8>,
    plan: &Plan,
    fields: &serde_json::Map<String, serde_json::Value>,
) -> Result<(), RecordError> {
    for name in fields.keys() {
        plan.position(name, 0).ok_or_else(|| unknown(plan, name))?;
    }
    for (at, column) in plan.columns.iter().enumerate() {
        match fields.get(&*column.name) {
            Some(value) => super::encode::put_column(out, plan, at, Value::Json(value))?,
            None if column.required => return Err(missing(&column.name)),
            None => {}
        }
    }
    Ok(())
}
