//! Values as JSON, in the form in which JSON records have them.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType as Arrow;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, NaiveDate, NaiveDateTime};
use parquet_variant::Variant;
use parquet_variant_json::VariantToJson as _;
use serde_json::{Map, Value};
use zerobus_schema::DataType;

/// The value of a row, whose column is of this type.
pub(super) fn value(array: &ArrayRef, row: usize, data_type: &DataType) -> Result<Value, String> {
    if array.is_null(row) {
        return Ok(Value::Null);
    }
    Ok(match (array.data_type(), data_type) {
        (Arrow::Boolean, _) => array.as_boolean().value(row).into(),
        (Arrow::Int8, _) => array.as_primitive::<Int8Type>().value(row).into(),
        (Arrow::Int16, _) => array.as_primitive::<Int16Type>().value(row).into(),
        (Arrow::Int32, _) => array.as_primitive::<Int32Type>().value(row).into(),
        (Arrow::Int64, _) => array.as_primitive::<Int64Type>().value(row).into(),
        (Arrow::Float32, _) => array.as_primitive::<Float32Type>().value(row).into(),
        (Arrow::Float64, _) => array.as_primitive::<Float64Type>().value(row).into(),
        (Arrow::Utf8, _) => array.as_string::<i32>().value(row).into(),
        (Arrow::Binary, _) => STANDARD.encode(array.as_binary::<i32>().value(row)).into(),
        (Arrow::Date32, _) => array.as_primitive::<Date32Type>().value(row).into(),
        (Arrow::Timestamp(..), _) => array
            .as_primitive::<TimestampMicrosecondType>()
            .value(row)
            .into(),
        (Arrow::Decimal128(..), _) => array
            .as_primitive::<Decimal128Type>()
            .value_as_string(row)
            .into(),
        (Arrow::Struct(_), DataType::Variant) => variant(array, row)?,
        (Arrow::Struct(_), DataType::Struct(fields)) => {
            let mut object = Map::new();
            for (field, column) in fields.fields.iter().zip(array.as_struct().columns()) {
                object.insert(field.name.clone(), value(column, row, &field.data_type)?);
            }
            object.into()
        }
        (Arrow::List(_), DataType::Array(of)) => {
            let list = array.as_list::<i32>().value(row);
            let values = (0..list.len()).map(|at| value(&list, at, &of.element));
            values.collect::<Result<Vec<_>, _>>()?.into()
        }
        (Arrow::Map(..), DataType::Map(of)) => {
            let entries = array.as_map().value(row);
            let (keys, values) = (entries.column(0), entries.column(1));
            let mut object = Map::new();
            for at in 0..entries.len() {
                let key = match value(keys, at, &of.key)? {
                    Value::String(text) => text,
                    other => other.to_string(),
                };
                object.insert(key, value(values, at, &of.value)?);
            }
            object.into()
        }
        (found, expected) => return Err(format!("expected {expected}, found {found}")),
    })
}

fn variant(array: &ArrayRef, row: usize) -> Result<Value, String> {
    let parts = array.as_struct();
    let binary = |name| {
        let part = parts
            .column_by_name(name)
            .and_then(|part| part.as_binary_opt::<i32>());
        part.map(|part| part.value(row))
            .ok_or("a VARIANT has two binaries")
    };
    let variant = Variant::try_new(binary("metadata")?, binary("value")?);
    let json = variant.and_then(|variant| variant.to_json_value());
    json.map_err(|error| error.to_string())
}

/// The same of what the log has as text.
pub(super) fn partition_value(text: &str, data_type: &DataType) -> Result<Value, String> {
    let value = match data_type {
        DataType::Boolean => text.parse::<bool>().ok().map(Value::from),
        DataType::Byte | DataType::Short | DataType::Integer | DataType::Long => {
            text.parse::<i64>().ok().map(Value::from)
        }
        DataType::Float => text.parse::<f32>().ok().map(Value::from),
        DataType::Double => text.parse::<f64>().ok().map(Value::from),
        DataType::Binary => Some(STANDARD.encode(text).into()),
        DataType::Date => NaiveDate::parse_from_str(text, "%Y-%m-%d")
            .ok()
            .map(|date| {
                let epoch = DateTime::UNIX_EPOCH.date_naive();
                date.signed_duration_since(epoch).num_days().into()
            }),
        DataType::Timestamp => DateTime::parse_from_rfc3339(text)
            .ok()
            .map(|time| time.timestamp_micros().into()),
        DataType::TimestampNtz => NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
            .ok()
            .map(|time| time.and_utc().timestamp_micros().into()),
        _ => Some(text.into()),
    };
    value.ok_or_else(|| format!("expected {data_type}, found {text:?} in the log"))
}
