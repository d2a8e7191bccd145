//! Rows of the table as JSON, so that they can be compared with literals and read by people.

use arrow_array::cast::AsArray as _;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, RecordBatch, StructArray};
use arrow_schema::{DataType, TimeUnit};
use parquet_variant::Variant;
use parquet_variant_json::VariantToJson as _;
use serde_json::{Map, Value};

use crate::Error;

/// The rows of a batch, as objects.
pub(crate) fn rows(batch: RecordBatch) -> Result<Vec<Value>, Error> {
    let batch = StructArray::from(batch);
    (0..batch.len()).map(|row| object(&batch, row)).collect()
}

/// A STRUCT; fields that are NULL are left out.
fn object(fields: &StructArray, row: usize) -> Result<Value, Error> {
    let mut object = Map::new();
    for (field, column) in fields.fields().iter().zip(fields.columns()) {
        if !column.is_null(row) {
            object.insert(field.name().clone(), value(column, row)?);
        }
    }
    Ok(object.into())
}

/// A value that is not NULL. Dates, times, decimals are text; BINARY is hexadecimal.
fn value(column: &dyn Array, row: usize) -> Result<Value, Error> {
    Ok(match column.data_type() {
        DataType::Boolean => column.as_boolean().value(row).into(),
        DataType::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        DataType::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        DataType::Float32 => column.as_primitive::<Float32Type>().value(row).into(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        DataType::Utf8 => column.as_string::<i32>().value(row).into(),
        DataType::Binary => hexadecimal(column.as_binary::<i32>().value(row)).into(),
        DataType::Decimal128(..) => column
            .as_primitive::<Decimal128Type>()
            .value_as_string(row)
            .into(),
        DataType::Date32 => {
            let date = column.as_primitive::<Date32Type>().value_as_date(row);
            date.ok_or("a date is out of range")?.to_string().into()
        }
        DataType::Timestamp(TimeUnit::Microsecond, zone) => {
            let time = column
                .as_primitive::<TimestampMicrosecondType>()
                .value_as_datetime(row);
            let time = time.ok_or("a time is out of range")?;
            // Delta keeps the instants of TIMESTAMP in UTC; TIMESTAMP_NTZ is what a clock on a wall shows.
            format!("{time}{}", if zone.is_some() { "Z" } else { "" }).into()
        }
        DataType::List(_) => elements(&column.as_list::<i32>().value(row))?.into(),
        DataType::Map(..) => {
            let entries = column.as_map().value(row);
            let keys = elements(entries.column(0))?;
            let values = elements(entries.column(1))?;
            let keys = keys
                .iter()
                .map(|key| key.as_str().map_or_else(|| key.to_string(), str::to_owned));
            keys.zip(values).collect()
        }
        DataType::Struct(_) => {
            let fields = column.as_struct();
            match variant(fields, row)? {
                Some(variant) => variant,
                None => object(fields, row)?,
            }
        }
        other => return Err(format!("{other} is no type of a Delta table").into()),
    })
}

/// An element that is NULL, which no stream can send, would read as null.
fn elements(array: &dyn Array) -> Result<Vec<Value>, Error> {
    let element = |row| {
        if array.is_null(row) {
            Ok(Value::Null)
        } else {
            value(array, row)
        }
    };
    (0..array.len()).map(element).collect()
}

/// The JSON of a VARIANT, which lies in Parquet as a pair of binaries; `None` for any other STRUCT.
fn variant(fields: &StructArray, row: usize) -> Result<Option<Value>, Error> {
    let part = |name| {
        fields
            .column_by_name(name)
            .and_then(|part| part.as_binary_opt::<i32>())
    };
    match (part("metadata"), part("value")) {
        (Some(metadata), Some(value)) if fields.num_columns() == 2 => {
            let variant = Variant::try_new(metadata.value(row), value.value(row))?;
            Ok(Some(variant.to_json_value()?))
        }
        _ => Ok(None),
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
