use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, BinaryArray, StructArray};
use arrow_schema::{ArrowError, DataType, TimeUnit};
use parquet_variant::Variant;
use parquet_variant_json::VariantToJson;

/// A value of a Delta table in an Arrow array, as text.
pub(crate) fn shown(array: &dyn Array, row: usize) -> Result<String, ArrowError> {
    if array.is_null(row) {
        return Ok("NULL".to_owned());
    }
    Ok(match array.data_type() {
        DataType::Boolean => array.as_boolean().value(row).to_string(),
        DataType::Int8 => array.as_primitive::<Int8Type>().value(row).to_string(),
        DataType::Int16 => array.as_primitive::<Int16Type>().value(row).to_string(),
        DataType::Int32 => array.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => array.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        DataType::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Decimal128(..) => array.as_primitive::<Decimal128Type>().value_as_string(row),
        DataType::Utf8 => array.as_string::<i32>().value(row).to_owned(),
        DataType::Binary => hex(array.as_binary::<i32>().value(row)),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>();
            match days.value_as_date(row) {
                Some(date) => format!("{date:?}"),
                None => format!("day {}", days.value(row)),
            }
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>();
            let utc = if zone.is_some() { "Z" } else { "" };
            match micros.value_as_datetime(row) {
                Some(time) => format!("{time:?}{utc}"),
                None => format!("microsecond {}", micros.value(row)),
            }
        }
        DataType::List(_) => {
            let elements = array.as_list::<i32>().value(row);
            let parts = (0..elements.len()).map(|element| shown(&elements, element));
            format!("[{}]", joined(parts)?)
        }
        DataType::Map(..) => {
            let entries = array.as_map().value(row);
            let parts = (0..entries.len()).map(|entry| {
                let key = shown(entries.column(0), entry)?;
                Ok(format!("{key}: {}", shown(entries.column(1), entry)?))
            });
            format!("{{{}}}", joined(parts)?)
        }
        DataType::Struct(fields) => {
            let structs = array.as_struct();
            if let Some((metadata, value)) = variant(structs) {
                return Variant::try_new(metadata.value(row), value.value(row))?.to_json_string();
            }
            let parts = fields
                .iter()
                .zip(structs.columns())
                .map(|(field, column)| Ok(format!("{}: {}", field.name(), shown(column, row)?)));
            format!("{{{}}}", joined(parts)?)
        }
        other => {
            let text = format!("{other} is not how Delta tables hold values");
            return Err(ArrowError::NotYetImplemented(text));
        }
    })
}

/// The two parts of a VARIANT, which is told by them; `None` for any other struct.
fn variant(parts: &StructArray) -> Option<(&BinaryArray, &BinaryArray)> {
    let binary = |name| parts.column_by_name(name)?.as_binary_opt::<i32>();
    match parts.num_columns() {
        2 => Some((binary("metadata")?, binary("value")?)),
        _ => None,
    }
}

fn joined(parts: impl Iterator<Item = Result<String, ArrowError>>) -> Result<String, ArrowError> {
    Ok(parts.collect::<Result<Vec<_>, _>>()?.join(", "))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
