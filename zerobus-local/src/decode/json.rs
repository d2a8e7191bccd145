//! JSON records into columns.
//!
//! Keys are the column names. DATE, TIMESTAMP and TIMESTAMP_NTZ are the same integers as in protobuf, DECIMAL is a
//! string, VARIANT a string of JSON, MAP an object. What else a value may look like is protobuf's own mapping to JSON
//! ("ProtoJSON Format"): a number may be text, BINARY is base64 of either alphabet (**assumption**, because the
//! service's words for a timestamp as text are those of a number that is read from text). Anything else is refused.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use serde_json::{Map, Number, Value};

use super::column::{Column, Columns, Values, missing, narrow};
use super::fault::Fault;
use super::plan::{FieldPlan, Kind};
use super::position::Step;
use super::text;
use super::variant::variant;

const LENIENT: GeneralPurposeConfig =
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
const BASE64: GeneralPurpose = GeneralPurpose::new(&alphabet::STANDARD, LENIENT);
const BASE64_URL: GeneralPurpose = GeneralPurpose::new(&alphabet::URL_SAFE, LENIENT);

/// The most characters of a name that an error shows.
const NAME_MAX: usize = 255;

impl Columns {
    /// Reads one JSON object into `row`.
    pub(super) fn read_json(&mut self, row: usize, record: &str) -> Result<(), Fault> {
        // serde_json stops at 128 levels.
        let value: Value = serde_json::from_str(record).map_err(|error| {
            let shown = text::quoted(record);
            Fault::new(format!("expected a JSON object, found {shown} ({error})"))
        })?;
        let read = match &value {
            Value::Object(object) => self.read_object(row, object),
            other => Err(Fault::new(format!(
                "expected a JSON object, found {}",
                kind_of(other)
            ))),
        };
        read.map_err(|fault| fault.in_text(record))
    }

    fn read_object(&mut self, row: usize, object: &Map<String, Value>) -> Result<(), Fault> {
        let Self { plan, columns } = self;
        for (key, value) in object {
            let found = plan
                .by_name(key)
                .and_then(|at| Some((plan.fields.get(at)?, columns.get_mut(at)?)));
            let Some((field, column)) = found else {
                return Err(unknown(key));
            };
            if value.is_null() {
                continue;
            }
            column
                .read_value(field, row, value)
                .map_err(|fault| fault.within(key).at(Step::Value(key.clone())))?;
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
                for (place, value) in values.iter().enumerate() {
                    let at = array.next();
                    array
                        .element
                        .read_value(element, at, value)
                        .map_err(|fault| fault.within("element").at(Step::Element(place)))?;
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
                        .map_err(|fault| fault.within("key").at(Step::Key(key.clone())))?;
                    values
                        .read_value(value_plan, at, value)
                        .map_err(|fault| fault.within("value").at(Step::Value(key.clone())))?;
                    map.close()?;
                }
                return Ok(());
            }
            (Values::Boolean(values), _, Value::Bool(value)) => values.append(*value),
            (Values::Byte(values), ..) => {
                values.push(narrow(integer(field, value)?, "TINYINT")?);
            }
            (Values::Short(values), ..) => {
                values.push(narrow(integer(field, value)?, "SMALLINT")?);
            }
            (Values::Integer(values), ..) => {
                values.push(narrow(integer(field, value)?, &field.sql)?);
            }
            (Values::Long(values), ..) => values.push(integer(field, value)?),
            (Values::Float(values), ..) => values.push(float(field, value, f32::is_finite)?),
            (Values::Double(values), ..) => values.push(float(field, value, f64::is_finite)?),
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
                let is_url = value.contains(['-', '_']);
                let decoded = if is_url { &BASE64_URL } else { &BASE64 }.decode(value);
                let bytes = decoded.map_err(|error| {
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
                let (new_metadata, new_value) = variant(value)?;
                metadata.push(&new_metadata)?;
                values.push(&new_value)?;
            }
            (_, _, other) => return Err(wrong(field, kind_of(other).to_owned())),
        }
        self.validity.append_non_null();
        Ok(())
    }

    /// A map's key, which JSON can only have as a text.
    fn read_key(&mut self, field: &FieldPlan, row: usize, key: &str) -> Result<(), Fault> {
        let value = match (&field.kind, key) {
            (Kind::Boolean, "true") => Value::Bool(true),
            (Kind::Boolean, "false") => Value::Bool(false),
            _ => Value::String(key.to_owned()),
        };
        self.read_value(field, row, &value)
    }
}

/// A number without a fraction, or its text.
fn integer(field: &FieldPlan, value: &Value) -> Result<i64, Fault> {
    match value {
        Value::Number(number) => match number.as_i64() {
            Some(integer) => Ok(integer),
            None => whole(number).ok_or_else(|| wrong(field, number.to_string())),
        },
        Value::String(value) => value.parse().map_err(|error| of_text(field, value, &error)),
        other => Err(wrong(field, kind_of(other).to_owned())),
    }
}

/// `1.0` and `1e3` are whole.
#[cold]
fn whole(number: &Number) -> Option<i64> {
    let number = number.as_f64().filter(|number| number.fract() == 0.0)?;
    format!("{number:.0}").parse().ok()
}

/// A number or its text; those that are none have a text alone.
fn float<T>(field: &FieldPlan, value: &Value, is_finite: fn(T) -> bool) -> Result<T, Fault>
where
    T: Copy + std::str::FromStr<Err = std::num::ParseFloatError>,
{
    let (parsed, shown) = match value {
        Value::Number(number) => {
            let number = number.to_string();
            (number.parse().ok(), number)
        }
        Value::String(text) => {
            let parsed = text.parse::<T>();
            let number = parsed.map_err(|error| of_text(field, text, &error))?;
            (Some(number), text::quoted(text))
        }
        other => return Err(wrong(field, kind_of(other).to_owned())),
    };
    // Digits that mean infinity are too many.
    let is_said = !shown.bytes().any(|byte| byte.is_ascii_digit());
    parsed
        .filter(|number| is_finite(*number) || is_said)
        .ok_or_else(|| wrong(field, shown))
}

/// A text that is no number, in the service's words.
#[cold]
fn of_text(field: &FieldPlan, value: &str, error: &dyn std::error::Error) -> Fault {
    wrong(field, text::quoted(value)).said(error.to_string())
}

/// A key that nothing has, in the service's words.
#[cold]
fn unknown(key: &str) -> Fault {
    let shown: String = key.chars().take(NAME_MAX).collect();
    Fault::new("the table takes no such field")
        .said(format!("unrecognized field name '{shown}'"))
        .within(&shown)
        .at(Step::Key(key.to_owned()))
}

#[cold]
fn wrong(field: &FieldPlan, found: String) -> Fault {
    let expected = match field.kind {
        Kind::Decimal { .. } => "decimal text (a JSON string) for ",
        Kind::Variant => "JSON text (a JSON string) for ",
        Kind::Binary => "base64 (a JSON string) for ",
        Kind::Integer | Kind::Long | Kind::Short | Kind::Byte => "an integer for ",
        Kind::Float | Kind::Double => "a number for ",
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
