//! The log's rows as Arrow arrays and back, for the types that a log is made of.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, ListArray, MapArray, PrimitiveArray,
    RecordBatch, RecordBatchOptions, StringArray, StructArray, new_null_array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType as Arrow, Field, Schema};
use delta_kernel::schema::{ArrayType, DataType, MapType, PrimitiveType, StructType};
use delta_kernel::{KernelError, KernelResult};
use serde_json::{Map, Value};

use super::rows::Rows;
use crate::delta::schema::{arrow_schema, arrow_type};

type Cells<'a> = [Option<&'a Value>];

pub(super) fn batch(rows: &Rows) -> KernelResult<RecordBatch> {
    let schema = arrow_schema(rows.schema())?;
    let cells: Vec<_> = rows.values().iter().map(Some).collect();
    let columns = children(&cells, rows.schema())?;
    let options = RecordBatchOptions::new().with_row_count(Some(cells.len()));
    RecordBatch::try_new_with_options(Arc::new(schema), columns, &options)
        .map_err(KernelError::generic_err)
}

fn children(cells: &Cells<'_>, fields: &StructType) -> KernelResult<Vec<ArrayRef>> {
    fields
        .fields()
        .map(|field| {
            let cells: Vec<_> = cells
                .iter()
                .map(|cell| {
                    cell.and_then(|value| value.get(field.name()))
                        .filter(not_null)
                })
                .collect();
            column(&cells, field.data_type())
        })
        .collect()
}

fn not_null(value: &&Value) -> bool {
    !value.is_null()
}

fn column(cells: &Cells<'_>, data_type: &DataType) -> KernelResult<ArrayRef> {
    let arrow = arrow_type(data_type, "log")?;
    if cells.iter().all(Option::is_none) {
        return Ok(new_null_array(&arrow, cells.len()));
    }
    match (data_type, arrow) {
        (DataType::Primitive(PrimitiveType::String), _) => {
            let texts = read(cells, data_type, Value::as_str)?;
            Ok(Arc::new(StringArray::from(texts)))
        }
        (DataType::Primitive(PrimitiveType::Boolean), _) => {
            let flags = read(cells, data_type, Value::as_bool)?;
            Ok(Arc::new(BooleanArray::from(flags)))
        }
        (DataType::Primitive(PrimitiveType::Long), _) => integers::<Int64Type>(cells, data_type),
        (DataType::Primitive(PrimitiveType::Integer), _) => integers::<Int32Type>(cells, data_type),
        (DataType::Struct(fields), Arrow::Struct(arrow)) => {
            let children = children(cells, fields)?;
            built(StructArray::try_new(arrow, children, nulls(cells)))
        }
        (DataType::Array(array), Arrow::List(element)) => list(cells, array, element),
        (DataType::Map(map), Arrow::Map(entries, _)) => self::map(cells, map, entries),
        (other, _) => Err(KernelError::unsupported(format!("{other} in the log"))),
    }
}

fn integers<T>(cells: &Cells<'_>, data_type: &DataType) -> KernelResult<ArrayRef>
where
    T: ArrowPrimitiveType<Native: TryFrom<i64>>,
{
    let numbers = read(cells, data_type, |value| value.as_i64()?.try_into().ok())?;
    Ok(Arc::new(PrimitiveArray::<T>::from_iter(numbers)))
}

fn list(cells: &Cells<'_>, array: &ArrayType, element: Arc<Field>) -> KernelResult<ArrayRef> {
    let lists = read(cells, &array.clone().into(), Value::as_array)?;
    let lengths = lists.iter().map(|list| list.map_or(0, Vec::len));
    let offsets = OffsetBuffer::from_lengths(lengths);
    let items: Vec<_> = lists
        .iter()
        .flatten()
        .flat_map(|list| list.iter().map(|item| Some(item).filter(not_null)))
        .collect();
    let items = column(&items, array.element_type())?;
    built(ListArray::try_new(element, offsets, items, nulls(cells)))
}

fn map(cells: &Cells<'_>, map: &MapType, entries: Arc<Field>) -> KernelResult<ArrayRef> {
    let Arrow::Struct(fields) = entries.data_type() else {
        return Err(KernelError::internal_error(
            "the entries of a map are a struct",
        ));
    };
    let maps = read(cells, &map.clone().into(), Value::as_object)?;
    let offsets = OffsetBuffer::from_lengths(maps.iter().map(|map| map.map_or(0, Map::len)));
    let pairs = || maps.iter().flatten().flat_map(|map| map.iter());
    let keys = StringArray::from_iter_values(pairs().map(|(key, _)| key));
    let values: Vec<_> = pairs()
        .map(|(_, value)| Some(value).filter(not_null))
        .collect();
    let values = column(&values, map.value_type())?;
    let pairs = StructArray::try_new(fields.clone(), vec![Arc::new(keys), values], None)
        .map_err(KernelError::generic_err)?;
    built(MapArray::try_new(
        entries,
        offsets,
        pairs,
        nulls(cells),
        false,
    ))
}

fn read<'a, T>(
    cells: &Cells<'a>,
    data_type: &DataType,
    read: impl Fn(&'a Value) -> Option<T>,
) -> KernelResult<Vec<Option<T>>> {
    cells
        .iter()
        .map(|cell| match cell {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| {
                KernelError::UnexpectedColumnType(format!("{value} is not {data_type}"))
            }),
        })
        .collect()
}

fn nulls(cells: &Cells<'_>) -> Option<NullBuffer> {
    Some(cells.iter().map(Option::is_some).collect())
}

fn built<A: Array + 'static>(array: Result<A, arrow_schema::ArrowError>) -> KernelResult<ArrayRef> {
    array
        .map(|array| Arc::new(array) as ArrayRef)
        .map_err(KernelError::generic_err)
}

/// The rows of a checkpoint. Types that no log entry has are left out: they are bounds as columns
/// of their own, which another writer may have put there and which may be absent.
pub(super) fn rows(batch: &RecordBatch) -> Vec<Value> {
    objects(batch.schema_ref(), batch.columns(), batch.num_rows())
}

fn objects(schema: &Schema, columns: &[ArrayRef], rows: usize) -> Vec<Value> {
    let mut objects = vec![Map::new(); rows];
    for (field, column) in schema.fields().iter().zip(columns) {
        for (object, value) in objects.iter_mut().zip(values(column)) {
            if !value.is_null() {
                object.insert(field.name().clone(), value);
            }
        }
    }
    objects.into_iter().map(Value::Object).collect()
}

fn values(array: &ArrayRef) -> Vec<Value> {
    match array.data_type() {
        Arrow::Utf8 => of(array.as_string::<i32>().iter()),
        Arrow::Boolean => of(array.as_boolean().iter()),
        Arrow::Int64 => of(array.as_primitive::<Int64Type>().iter()),
        Arrow::Int32 => of(array.as_primitive::<Int32Type>().iter()),
        Arrow::Struct(fields) => {
            let schema = Schema::new(fields.clone());
            let objects = objects(&schema, array.as_struct().columns(), array.len());
            mask(array, objects)
        }
        Arrow::List(_) => {
            let lists = array.as_list::<i32>();
            let lists = lists.iter().map(|list| list.map(|list| values(&list)));
            of(lists)
        }
        Arrow::Map(..) => array.as_map().iter().map(entry_object).collect(),
        _ => vec![Value::Null; array.len()],
    }
}

fn of<T: Into<Value>>(values: impl Iterator<Item = Option<T>>) -> Vec<Value> {
    values
        .map(|value| value.map_or(Value::Null, Into::into))
        .collect()
}

fn mask(array: &ArrayRef, mut values: Vec<Value>) -> Vec<Value> {
    for (row, value) in values.iter_mut().enumerate() {
        if array.is_null(row) {
            *value = Value::Null;
        }
    }
    values
}

fn entry_object(entries: Option<StructArray>) -> Value {
    let Some(entries) = entries else {
        return Value::Null;
    };
    let [keys, items] = entries.columns() else {
        return Value::Null;
    };
    let keys = values(keys).into_iter().map(|key| match key {
        Value::String(key) => key,
        other => other.to_string(),
    });
    keys.zip(values(items)).collect::<Map<_, _>>().into()
}
