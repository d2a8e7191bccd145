//! Rows for any schema: different in every row, with nulls wherever a column allows them.

use std::fmt::Debug;
use std::sync::Arc;

use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, ListArray, MapArray, PrimitiveArray,
    RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Fields, SchemaRef};
use parquet_variant::VariantBuilder;
use parquet_variant_json::JsonToVariant;

pub(super) fn batch(schema: &SchemaRef, rows: usize) -> RecordBatch {
    let columns = schema.fields().iter().map(|field| column(field, rows));
    RecordBatch::try_new(schema.clone(), columns.collect()).unwrap()
}

fn column(field: &Field, rows: usize) -> ArrayRef {
    // Every third row is null, counted from the second.
    let nulls: Option<NullBuffer> = field
        .is_nullable()
        .then(|| (0..rows).map(|row| row % 3 != 1).collect());
    match field.data_type() {
        DataType::Boolean => {
            let values = (0..rows).map(|row| row % 2 == 0).collect();
            Arc::new(BooleanArray::new(values, nulls))
        }
        DataType::Int8 => numbers::<Int8Type, i8>(rows, nulls, |row| i8::MIN + row),
        DataType::Int16 => numbers::<Int16Type, i16>(rows, nulls, |row| i16::MAX - row),
        DataType::Int32 => numbers::<Int32Type, i32>(rows, nulls, |row| i32::MIN + row),
        DataType::Int64 => numbers::<Int64Type, i64>(rows, nulls, |row| i64::MAX - row),
        DataType::Float32 => numbers::<Float32Type, u8>(rows, nulls, |row| f32::from(row) / 3.0),
        DataType::Float64 => numbers::<Float64Type, u8>(rows, nulls, |row| f64::from(row) / -7.0),
        DataType::Date32 => numbers::<Date32Type, i32>(rows, nulls, |row| 19_000 + row),
        DataType::Timestamp(_, zone) => {
            let days = (0..rows).map(|row| i64::try_from(row).unwrap());
            let micros = days.map(|day| 1_600_000_000_000_001 + 86_400_000_000 * day);
            let array = TimestampMicrosecondArray::new(micros.collect(), nulls);
            Arc::new(array.with_timezone_opt(zone.clone()))
        }
        DataType::Decimal128(precision, scale) => {
            let largest = 10_i128.pow((*precision).into()) - 1;
            let values = (0..rows).map(|row| if row % 2 == 0 { largest } else { -largest });
            let array = PrimitiveArray::<Decimal128Type>::new(values.collect(), nulls);
            Arc::new(array.with_precision_and_scale(*precision, *scale).unwrap())
        }
        DataType::Utf8 => {
            Arc::new(StringArray::from_iter((0..rows).map(|row| {
                valid(&nulls, row).then(|| format!("straße {row} 🦀"))
            })))
        }
        DataType::Binary => {
            Arc::new(BinaryArray::from_iter((0..rows).map(|row| {
                valid(&nulls, row).then(|| vec![0, 255, u8::try_from(row).unwrap()])
            })))
        }
        DataType::Struct(fields) if is_variant(fields) => Arc::new(variants(fields, rows, nulls)),
        DataType::Struct(fields) => {
            let children = fields.iter().map(|field| column(field, rows)).collect();
            Arc::new(StructArray::new(fields.clone(), children, nulls))
        }
        DataType::List(element) => {
            let lengths: Vec<_> = lengths(rows, &nulls).collect();
            let elements = column(element, lengths.iter().sum());
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(ListArray::new(element.clone(), offsets, elements, nulls))
        }
        DataType::Map(entries, _) => {
            let lengths: Vec<_> = lengths(rows, &nulls).collect();
            let pairs = column(entries, lengths.iter().sum());
            let pairs = pairs
                .as_any()
                .downcast_ref::<StructArray>()
                .unwrap()
                .clone();
            let offsets = OffsetBuffer::from_lengths(lengths);
            Arc::new(MapArray::new(entries.clone(), offsets, pairs, nulls, false))
        }
        other => panic!("{other} is no type of a table"),
    }
}

fn numbers<T: ArrowPrimitiveType, N: TryFrom<usize, Error: Debug>>(
    rows: usize,
    nulls: Option<NullBuffer>,
    value: impl Fn(N) -> T::Native,
) -> ArrayRef {
    let values = (0..rows)
        .map(|row| value(N::try_from(row).unwrap()))
        .collect();
    Arc::new(PrimitiveArray::<T>::new(values, nulls))
}

fn valid(nulls: &Option<NullBuffer>, row: usize) -> bool {
    nulls.as_ref().is_none_or(|nulls| nulls.is_valid(row))
}

fn lengths(rows: usize, nulls: &Option<NullBuffer>) -> impl Iterator<Item = usize> {
    (0..rows).map(move |row| if valid(nulls, row) { row % 4 } else { 0 })
}

fn is_variant(fields: &Fields) -> bool {
    fields
        .iter()
        .map(|field| field.name())
        .eq(["metadata", "value"])
}

fn variants(fields: &Fields, rows: usize, nulls: Option<NullBuffer>) -> StructArray {
    let (metadata, values): (Vec<_>, Vec<_>) = (0..rows)
        .map(|row| {
            let mut builder = VariantBuilder::new();
            let text = format!(r#"{{"row":{row},"half":0.5,"list":[true,null,"ü"]}}"#);
            builder.append_json(&text).unwrap();
            builder.finish()
        })
        .unzip();
    let children: Vec<ArrayRef> = vec![
        Arc::new(BinaryArray::from_iter_values(metadata)),
        Arc::new(BinaryArray::from_iter_values(values)),
    ];
    StructArray::new(fields.clone(), children, nulls)
}
