//! JSON records into columns.
//!
//! Keys are the column names. DATE, TIMESTAMP and TIMESTAMP_NTZ are the same integers as in protobuf, DECIMAL is a
//! string, VARIANT a string of JSON, BINARY base64 (**assumption**), MAP an object. Anything else is refused.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::column::{Column, Columns, Values, missing, narrow};
use super::fault::Fault;
use super::plan::{FieldPlan, Kind};
use super::text;

impl Columns {
    /// Reads one JSON object into `row`.
    pub(super) fn read_json(&mut self, row: usize, record: &str) -> Result<(), Fault> {
        // serde_json stops at 128 levels.
        let value: Value = serde_json::from_str(record).map_err(|error| {
            let shown = text::quoted(record);
            Fault::new(format!("expected a JSON object, found {shown} ({error})"))
        })?;
        self.read_json_value(row, &value)
    }

    /// The same for one that is parsed already.
    pub(super) fn read_json_value(&mut self, row: usize, record: &Value) -> Result<(), Fault> {
        match record {
            Value::Object(object) => self.read_object(row, object),
            other => Err(Fault::new(format!(
                "expected a JSON object, found {}",
                kind_of(other)
            ))),
        }
    }

    fn read_object(&mut self, row: usize, object: &Map<String, Value>) -> Result<(), Fault> {
        let Self { plan, columns } = self;
        for (key, value) in object {
            let found = plan
                .by_name(key)
                .and_then(|at| Some((plan.fields.get(at)?, columns.get_mut(at)?)));
            let Some((field, column)) = found else {
                let shown = text::quoted(key);
                return Err(Fault::new(format!(
                    "the table has no column for the key {shown}"
                )));
            };
            if value.is_null() {
                continue;
            }
            column
                .read_value(field, row, value)
                .map_err(|fault| fault.within(key))?;
        }
        for (field, column) in plan.fields.iter().zip(columns) {
            if !field.nullable && column.len() <= row {
                return Err(missing(field));
            }
        }
        self.check(row)
    }
}

impl Column {
    fn read_value(&mut self, field: &FieldPlan, row: usize, value: &Value) -> Result<(), Fault> {
        match self.values {
            Values::Struct(_) | Values::Array(_) | Values::Map(_) => self.open(row),
            _ => self.seek(row),
        }
        match (&mut self.values, &field.kind, value) {
            (Values::Struct(nested), _, Value::Object(object)) => {
                return nested.read_object(row, object);
            }
            (Values::Array(array), Kind::Array(element, _), Value::Array(values)) => {
                for value in values {
                    let at = array.next();
                    array
                        .element
                        .read_value(element, at, value)
                        .map_err(|fault| fault.within("element"))?;
                    array.close()?;
                }
                return Ok(());
            }
            (Values::Map(map), Kind::Map(plan), Value::Object(object)) => {
                let [key_plan, value_plan] = plan.fields.as_slice() else {
                    return Ok(());
                };
                for (key, value) in object {
                    let at = map.next();
                    let [keys, values] = map.entries.columns.as_mut_slice() else {
                        return Ok(());
                    };
                    keys.read_key(key_plan, at, key)
                        .map_err(|fault| fault.within("key"))?;
                    values
                        .read_value(value_plan, at, value)
                        .map_err(|fault| fault.within("value"))?;
                    map.close()?;
                }
                return Ok(());
            }
            (Values::Boolean(values), _, Value::Bool(value)) => values.append(*value),
            (Values::Byte(values), _, Value::Number(number)) => {
                values.push(narrow(integer(field, number)?, "TINYINT")?);
            }
            (Values::Short(values), _, Value::Number(number)) => {
                values.push(narrow(integer(field, number)?, "SMALLINT")?);
            }
            (Values::Integer(values), _, Value::Number(number)) => {
                values.push(narrow(integer(field, number)?, &field.sql)?);
            }
            (Values::Long(values), _, Value::Number(number)) => {
                values.push(integer(field, number)?);
            }
            (Values::Float(values), _, Value::Number(number)) => {
                let value: Option<f32> = number.to_string().parse().ok();
                let value = value.filter(|value| value.is_finite());
                values.push(value.ok_or_else(|| wrong(field, number.to_string()))?);
            }
            (Values::Double(values), _, Value::Number(number)) => {
                let value = number.as_f64();
                values.push(value.ok_or_else(|| wrong(field, number.to_string()))?);
            }
            (
                Values::Decimal {
                    values,
                    precision,
                    scale,
                },
                _,
                Value::String(value),
            ) => values.push(text::decimal(value, *precision, *scale)?),
            (Values::Text { values, limit }, _, Value::String(value)) => {
                if let Some((type_name, max)) = limit {
                    text::check_length(value, *max, type_name)?;
                }
                values.push(value.as_bytes())?;
            }
            (Values::Binary(values), _, Value::String(value)) => {
                let bytes = STANDARD.decode(value).map_err(|error| {
                    let shown = text::quoted(value);
                    Fault::new(format!(
                        "expected base64 for BINARY, found {shown} ({error})"
                    ))
                })?;
                values.push(&bytes)?;
            }
            (
                Values::Variant {
                    metadata,
                    value: values,
                },
                _,
                Value::String(value),
            ) => {
                let (new_metadata, new_value) = text::variant(value)?;
                metadata.push(&new_metadata)?;
                values.push(&new_value)?;
            }
            (_, _, other) => return Err(wrong(field, kind_of(other).to_owned())),
        }
        self.validity.append_non_null();
        Ok(())
    }

    /// A map's key, which JSON can only have as a string.
    fn read_key(&mut self, field: &FieldPlan, row: usize, key: &str) -> Result<(), Fault> {
        let value = match field.kind {
            Kind::Text(_) => Value::String(key.to_owned()),
            _ => serde_json::from_str(key).map_err(|_| wrong(field, text::quoted(key)))?,
        };
        self.read_value(field, row, &value)
    }
}

fn integer(field: &FieldPlan, number: &serde_json::Number) -> Result<i64, Fault> {
    number
        .as_i64()
        .ok_or_else(|| wrong(field, number.to_string()))
}

#[cold]
fn wrong(field: &FieldPlan, found: String) -> Fault {
    let expected = match field.kind {
        Kind::Decimal { .. } => "decimal text (a JSON string) for ",
        Kind::Variant => "JSON text (a JSON string) for ",
        Kind::Binary => "base64 (a JSON string) for ",
        Kind::Integer | Kind::Long | Kind::Short | Kind::Byte => "an integer for ",
        _ => "",
    };
    Fault::new(format!("expected {expected}{}, found {found}", field.sql))
}

fn kind_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}
