//! Delta's types as Arrow's, one to one: what a batch must look like, and how it lands in Parquet.

use std::sync::Arc;

use arrow_schema::{DataType as Arrow, Field, Fields, Schema, TimeUnit};
use delta_kernel::KernelResult;
use delta_kernel::schema::{ArrayType, DataType, MapType, PrimitiveType, StructField, StructType};

use super::DeltaError;

/// The Arrow schema of a table's rows. Every type has exactly one form:
///
/// | Delta | Arrow |
/// |---|---|
/// | BOOLEAN, BYTE, SHORT, INTEGER, LONG, FLOAT, DOUBLE | `Boolean`, `Int8` … `Int64`, `Float32`, `Float64` |
/// | STRING (CHAR and VARCHAR too) | `Utf8` |
/// | BINARY | `Binary` |
/// | DECIMAL(p, s) | `Decimal128(p, s)` |
/// | DATE | `Date32` |
/// | TIMESTAMP / TIMESTAMP_NTZ | `Timestamp(Microsecond, "UTC")` / `Timestamp(Microsecond, None)` |
/// | VARIANT | `Struct(metadata: Binary, value: Binary)`, both non-null |
/// | STRUCT | `Struct` |
/// | ARRAY | `List`, its field named `element` |
/// | MAP | `Map`, unsorted, `key_value` of `key` and `value` |
///
/// In Parquet, a VARIANT is a plain group of two binaries, as Delta's protocol asks; its logical
/// type is in the log.
pub(crate) fn arrow_schema(schema: &StructType) -> Result<Schema, DeltaError> {
    Ok(Schema::new(arrow_fields(schema, "")?))
}

fn arrow_fields(schema: &StructType, parent: &str) -> Result<Fields, DeltaError> {
    schema
        .fields()
        .map(|field| arrow_field(field, parent))
        .collect()
}

fn arrow_field(field: &StructField, parent: &str) -> Result<Field, DeltaError> {
    let path = if parent.is_empty() {
        field.name().clone()
    } else {
        format!("{parent}.{}", field.name())
    };
    named(field.name(), field.data_type(), field.is_nullable(), &path)
}

fn named(
    name: &str,
    data_type: &DataType,
    nullable: bool,
    path: &str,
) -> Result<Field, DeltaError> {
    Ok(Field::new(name, arrow_type(data_type, path)?, nullable))
}

/// `path` names the column in an error.
pub(super) fn arrow_type(data_type: &DataType, path: &str) -> Result<Arrow, DeltaError> {
    match data_type {
        DataType::Primitive(primitive) => arrow_primitive(primitive, path),
        DataType::Struct(fields) => Ok(Arrow::Struct(arrow_fields(fields, path)?)),
        DataType::Array(array) => list_type(array, path),
        DataType::Map(map) => map_type(map, path),
        DataType::Variant(_) => Ok(Arrow::Struct(Fields::from(vec![
            Field::new("metadata", Arrow::Binary, false),
            Field::new("value", Arrow::Binary, false),
        ]))),
    }
}

fn list_type(array: &ArrayType, path: &str) -> Result<Arrow, DeltaError> {
    let path = format!("{path}.element");
    let element = named(
        "element",
        array.element_type(),
        array.contains_null(),
        &path,
    )?;
    Ok(Arrow::List(Arc::new(element)))
}

fn map_type(map: &MapType, path: &str) -> Result<Arrow, DeltaError> {
    let key = named("key", map.key_type(), false, &format!("{path}.key"))?;
    let value_path = format!("{path}.value");
    let value = named(
        "value",
        map.value_type(),
        map.value_contains_null(),
        &value_path,
    )?;
    let entries = Arrow::Struct(Fields::from(vec![key, value]));
    Ok(Arrow::Map(
        Arc::new(Field::new("key_value", entries, false)),
        false,
    ))
}

fn arrow_primitive(primitive: &PrimitiveType, path: &str) -> Result<Arrow, DeltaError> {
    Ok(match primitive {
        PrimitiveType::String => Arrow::Utf8,
        PrimitiveType::Long => Arrow::Int64,
        PrimitiveType::Integer => Arrow::Int32,
        PrimitiveType::Short => Arrow::Int16,
        PrimitiveType::Byte => Arrow::Int8,
        PrimitiveType::Float => Arrow::Float32,
        PrimitiveType::Double => Arrow::Float64,
        PrimitiveType::Boolean => Arrow::Boolean,
        PrimitiveType::Binary => Arrow::Binary,
        PrimitiveType::Date => Arrow::Date32,
        PrimitiveType::Timestamp => Arrow::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        PrimitiveType::TimestampNtz => Arrow::Timestamp(TimeUnit::Microsecond, None),
        PrimitiveType::Decimal(decimal) => {
            // A scale is at most the precision, which is at most 38.
            Arrow::Decimal128(decimal.precision(), decimal.scale().cast_signed())
        }
        other => {
            return Err(DeltaError::Unsupported {
                reason: format!(
                    "column {path}: type {other:?} cannot be stored; leave the column out of the table"
                ),
            });
        }
    })
}

/// The other way round, for the footer of a Parquet file. A type that this crate never writes is
/// given as STRING: the kernel asks only for columns that it knows.
pub(super) fn delta_schema(schema: &Schema) -> KernelResult<StructType> {
    delta_fields(schema.fields())
}

fn delta_fields(fields: &Fields) -> KernelResult<StructType> {
    let fields = fields.iter().map(|field| {
        let data_type = delta_type(field.data_type())?;
        Ok(StructField::new(
            field.name(),
            data_type,
            field.is_nullable(),
        ))
    });
    StructType::try_new(fields.collect::<KernelResult<Vec<_>>>()?)
}

fn delta_type(data_type: &Arrow) -> KernelResult<DataType> {
    Ok(match data_type {
        Arrow::Int64 => DataType::LONG,
        Arrow::Int32 => DataType::INTEGER,
        Arrow::Int16 => DataType::SHORT,
        Arrow::Int8 => DataType::BYTE,
        Arrow::Float32 => DataType::FLOAT,
        Arrow::Float64 => DataType::DOUBLE,
        Arrow::Boolean => DataType::BOOLEAN,
        Arrow::Binary => DataType::BINARY,
        Arrow::Date32 => DataType::DATE,
        Arrow::Timestamp(_, Some(_)) => DataType::TIMESTAMP,
        Arrow::Timestamp(_, None) => DataType::TIMESTAMP_NTZ,
        Arrow::Decimal128(precision, scale) => {
            DataType::decimal(*precision, scale.cast_unsigned())?
        }
        Arrow::Struct(fields) => delta_fields(fields)?.into(),
        Arrow::List(element) => {
            ArrayType::new(delta_type(element.data_type())?, element.is_nullable()).into()
        }
        Arrow::Map(entries, _) => match entries.data_type() {
            Arrow::Struct(entries) => match &**entries {
                [key, value] => MapType::new(
                    delta_type(key.data_type())?,
                    delta_type(value.data_type())?,
                    value.is_nullable(),
                )
                .into(),
                _ => DataType::STRING,
            },
            _ => DataType::STRING,
        },
        _ => DataType::STRING,
    })
}
