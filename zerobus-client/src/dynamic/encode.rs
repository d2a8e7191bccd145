//! Values onto the wire, each checked against what its column takes.

use std::io::Write as _;

use zerobus_record::{DecimalText, RecordError, checks};

use super::json::put_json;
use super::schema::{Kind, Plan};
use super::value::Value;
use super::wire::{self, Tag};

/// Up to here a `double` holds every integer; a `float` up to 2^24.
const DOUBLE_EXACT: u64 = 1 << 53;
const FLOAT_EXACT: u64 = 1 << 24;

/// Writes one value as the field of this tag. What is written when it fails is for the caller to cut off.
#[inline]
pub(super) fn put(
    out: &mut Vec<u8>,
    tag: Tag,
    kind: &Kind,
    value: Value<'_>,
) -> Result<(), RecordError> {
    match (kind, value) {
        (Kind::Bool, Value::Bool(value)) => wire::put_varint(out, tag, value.into()),
        (Kind::Int(least, most, _), Value::Int(value)) if *least <= value && value <= *most => {
            wire::put_varint(out, tag, value.cast_unsigned());
        }
        (Kind::Double, Value::Double(value)) => wire::put_fixed64(out, tag, value.to_bits()),
        (Kind::Float, Value::Float(value)) => wire::put_fixed32(out, tag, value.to_bits()),
        (Kind::Text(None) | Kind::AnyText, Value::Text(text)) => {
            wire::put_bytes(out, tag, text.as_bytes());
        }
        (Kind::Timestamp | Kind::AnyInt64, Value::Timestamp(at)) => {
            wire::put_varint(out, tag, at.as_micros().cast_unsigned());
        }
        (Kind::TimestampNtz | Kind::AnyInt64, Value::TimestampNtz(at)) => {
            wire::put_varint(out, tag, at.as_micros().cast_unsigned());
        }
        (Kind::AnyInt64, Value::Int(value)) => wire::put_varint(out, tag, value.cast_unsigned()),
        (Kind::Date | Kind::AnyInt32, Value::Date(date)) => {
            wire::put_varint(out, tag, i64::from(date.as_days()).cast_unsigned());
        }
        (Kind::Bytes, Value::Bytes(bytes)) => wire::put_bytes(out, tag, bytes),
        _ => return put_other(out, tag, kind, value),
    }
    Ok(())
}

/// What costs more than its bytes.
fn put_other(
    out: &mut Vec<u8>,
    tag: Tag,
    kind: &Kind,
    value: Value<'_>,
) -> Result<(), RecordError> {
    match (kind, value) {
        (Kind::Text(Some(most)), Value::Text(text)) => {
            checks::check_length(text, *most)?;
            wire::put_bytes(out, tag, text.as_bytes());
        }
        (Kind::Decimal(precision, scale), Value::Text(text)) => {
            let text = DecimalText::new(text);
            wire::put_bytes(out, tag, text.fit(*precision, *scale)?.as_bytes());
        }
        (Kind::Decimal(..) | Kind::AnyText, Value::Decimal(decimal)) => {
            return put_displayed(out, tag, decimal, kind);
        }
        (Kind::Decimal(..), Value::Int(value)) => return put_displayed(out, tag, value, kind),
        (Kind::Text(_) | Kind::AnyText, Value::Ip(address)) => {
            return put_displayed(out, tag, address, kind);
        }
        #[cfg(feature = "uuid")]
        (Kind::Text(_) | Kind::AnyText, Value::Uuid(uuid)) => {
            return put_displayed(out, tag, uuid, kind);
        }
        (Kind::Variant | Kind::AnyText, Value::Variant(text)) => {
            checks::check_json(text)?;
            wire::put_bytes(out, tag, text.as_bytes());
        }
        (kind, Value::Json(json)) => return put_json(out, tag, kind, json),
        (Kind::AnyInt32, Value::Int(value)) if i32::try_from(value).is_ok() => {
            wire::put_varint(out, tag, value.cast_unsigned());
        }
        (Kind::Double, Value::Float(value)) => {
            wire::put_fixed64(out, tag, f64::from(value).to_bits());
        }
        (Kind::Double, Value::Int(value)) if value.unsigned_abs() <= DOUBLE_EXACT => {
            wire::put_fixed64(out, tag, (value as f64).to_bits());
        }
        (Kind::Float, Value::Int(value)) if value.unsigned_abs() <= FLOAT_EXACT => {
            wire::put_fixed32(out, tag, (value as f32).to_bits());
        }
        (kind @ Kind::Float, Value::Double(wide)) => {
            let narrow = narrowed(wide).ok_or_else(|| misfit(kind, &value))?;
            wire::put_fixed32(out, tag, narrow.to_bits());
        }
        (Kind::Struct(plan), Value::Struct(fields)) => {
            let start = wire::begin(out, tag);
            put_struct(out, plan, fields)?;
            wire::end(out, start);
        }
        (Kind::Array(element), Value::Array(values)) => {
            for (at, value) in values.iter().enumerate() {
                put(out, tag, element, *value).map_err(|error| error.in_element(at))?;
            }
        }
        (Kind::Map(parts), Value::Map(entries)) => {
            let (key_part, value_part) = &**parts;
            for (key, value) in entries {
                let start = wire::begin(out, tag);
                put(out, key_part.tag, &key_part.kind, *key).map_err(RecordError::in_key)?;
                put(out, value_part.tag, &value_part.kind, *value)
                    .map_err(|error| error.in_value(key.shown()))?;
                wire::end(out, start);
            }
        }
        (kind, value) => return Err(misfit(kind, &value)),
    }
    Ok(())
}

/// The nearest `float`, where there is one.
#[expect(
    clippy::cast_possible_truncation,
    reason = "rounding is what is asked for; what is out of range becomes infinite and is refused"
)]
fn narrowed(value: f64) -> Option<f32> {
    let narrow = value as f32;
    (narrow.is_finite() || !value.is_finite()).then_some(narrow)
}

/// Writes the text that a value shows, as far as the column takes it.
fn put_displayed(
    out: &mut Vec<u8>,
    tag: Tag,
    value: impl std::fmt::Display,
    kind: &Kind,
) -> Result<(), RecordError> {
    let start = wire::begin(out, tag);
    // Writing to memory does not fail.
    let _ = write!(out, "{value}");
    let text = std::str::from_utf8(out.get(start..).unwrap_or_default()).unwrap_or_default();
    let fitting = match kind {
        Kind::Decimal(precision, scale) => DecimalText::new(text).fit(*precision, *scale)?.len(),
        Kind::Text(Some(most)) => checks::check_length(text, *most).map(|()| text.len())?,
        _ => text.len(),
    };
    out.truncate(start + fitting);
    wire::end(out, start);
    Ok(())
}

/// The fields of a STRUCT, in whatever order they are given.
fn put_struct(
    out: &mut Vec<u8>,
    plan: &Plan,
    fields: &[(&str, Value<'_>)],
) -> Result<(), RecordError> {
    let mut given = 0;
    let mut in_order = true;
    let mut last = None;
    for (name, value) in fields {
        let likely = last.map_or(0, |last| last + 1);
        let at = plan
            .position(name, likely)
            .ok_or_else(|| unknown(plan, name))?;
        in_order &= last.is_none_or(|last| last < at);
        last = Some(at);
        given += usize::from(
            plan.columns
                .get(at)
                .is_some_and(|column| column.required && !matches!(value, Value::Null)),
        );
    }
    if in_order && given == plan.required {
        let mut likely = 0;
        for (name, value) in fields {
            if let Some(at) = plan.position(name, likely) {
                put_column(out, plan, at, *value)?;
                likely = at + 1;
            }
        }
        return Ok(());
    }
    for (at, column) in plan.columns.iter().enumerate() {
        let mut values = fields.iter().filter(|(name, _)| *name == &*column.name);
        match (values.next(), values.next()) {
            (Some(_), Some(_)) => {
                return Err(RecordError::new("one value", "two").in_column(&column.name));
            }
            (Some((_, value)), None) => put_column(out, plan, at, *value)?,
            (None, _) if column.required => return Err(missing(&column.name)),
            (None, _) => {}
        }
    }
    Ok(())
}

/// Writes a column, or nothing where it is NULL.
#[inline]
pub(super) fn put_column(
    out: &mut Vec<u8>,
    plan: &Plan,
    at: usize,
    value: Value<'_>,
) -> Result<(), RecordError> {
    let Some(column) = plan.columns.get(at) else {
        return Ok(());
    };
    if matches!(value, Value::Null | Value::Json(serde_json::Value::Null)) {
        return if column.required {
            Err(missing(&column.name))
        } else {
            Ok(())
        };
    }
    put(out, column.tag, &column.kind, value).map_err(|error| error.in_column(&column.name))
}

#[cold]
pub(super) fn missing(name: &str) -> RecordError {
    RecordError::new("a value, the column being NOT NULL", "NULL").in_column(name)
}

#[cold]
pub(super) fn unknown(plan: &Plan, name: &str) -> RecordError {
    const SHOWN_MAX: usize = 12;
    let mut known: Vec<&str> = plan.columns.iter().map(|column| &*column.name).collect();
    let more = known.len().saturating_sub(SHOWN_MAX);
    known.truncate(SHOWN_MAX);
    let rest = match more {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let expected = format!("one of {}{rest}", known.join(", "));
    let name: String = name.chars().take(60).collect();
    RecordError::new(expected, "another name").in_column(&name)
}

#[cold]
pub(super) fn misfit(kind: &Kind, value: &Value<'_>) -> RecordError {
    let hint = match (kind, value) {
        (Kind::Timestamp, Value::Int(_)) => "; say the unit with TimestampMicros",
        (Kind::TimestampNtz, Value::Int(_)) => "; say the unit with TimestampNtzMicros",
        (Kind::Date, Value::Int(_)) => "; say the unit with DateDays",
        (Kind::Variant, Value::Text(_)) => "; say that it is JSON with VariantJson",
        _ => "",
    };
    RecordError::new(kind.expected(), format!("{}{hint}", value.shown()))
}

impl Kind {
    /// What it takes, for an error.
    pub(super) fn expected(&self) -> String {
        match self {
            Self::Bool => "BOOLEAN".to_owned(),
            Self::Int(least, most, name) => format!("{name}, an integer from {least} to {most}"),
            Self::Float => "FLOAT".to_owned(),
            Self::Double => "DOUBLE".to_owned(),
            Self::Text(None) => "STRING".to_owned(),
            Self::Text(Some(most)) => format!("text of at most {most} characters"),
            Self::Decimal(precision, scale) => format!("DECIMAL({precision},{scale})"),
            Self::Bytes => "BINARY".to_owned(),
            Self::Date => "DATE".to_owned(),
            Self::Timestamp => "TIMESTAMP".to_owned(),
            Self::TimestampNtz => "TIMESTAMP_NTZ".to_owned(),
            Self::Variant => "VARIANT".to_owned(),
            Self::AnyText => "a string".to_owned(),
            Self::AnyInt32 => "an int32".to_owned(),
            Self::AnyInt64 => "an int64".to_owned(),
            Self::Struct(_) => "a STRUCT".to_owned(),
            Self::Array(element) => {
                format!("an ARRAY of {}, none of them NULL", element.expected())
            }
            Self::Map(parts) => format!(
                "a MAP of {} to {}",
                parts.0.kind.expected(),
                parts.1.kind.expected()
            ),
        }
    }
}
