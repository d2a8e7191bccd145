//! The kernel's batches as JSON objects.

use std::ops::Range;

use delta_kernel::engine_data::{ListItem, MapItem, StringArrayAccessor};
use delta_kernel::expressions::{ArrayData, ColumnName, Scalar};
use delta_kernel::schema::SchemaRef;
use delta_kernel::{EngineData, GetData, KernelError, KernelResult, RowVisitor};
use serde_json::{Map, Value};

/// Rows of the log. A null is an absent key, except in a map, where the key counts.
#[derive(Debug)]
pub(in crate::delta) struct Rows {
    schema: SchemaRef,
    values: Vec<Value>,
}

impl Rows {
    pub(in crate::delta) fn new(schema: SchemaRef, values: Vec<Value>) -> Self {
        Self { schema, values }
    }

    /// The kernel hands back what this engine gave it.
    pub(super) fn of(data: &dyn EngineData) -> KernelResult<&Self> {
        data.any_ref()
            .downcast_ref()
            .ok_or_else(|| KernelError::EngineDataType("Rows".to_owned()))
    }

    pub(super) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    pub(super) fn values(&self) -> &[Value] {
        &self.values
    }
}

impl EngineData for Rows {
    fn visit_rows(
        &self,
        column_names: &[ColumnName],
        visitor: &mut dyn RowVisitor,
    ) -> KernelResult<()> {
        let columns: Vec<_> = column_names
            .iter()
            .map(|name| Column::new(&self.values, name))
            .collect();
        let getters: Vec<_> = columns
            .iter()
            .map(|column| column as &dyn GetData<'_>)
            .collect();
        visitor.visit(self.values.len(), &getters)
    }

    fn len(&self) -> usize {
        self.values.len()
    }

    fn append_columns(
        &self,
        schema: SchemaRef,
        columns: Vec<ArrayData>,
    ) -> KernelResult<Box<dyn EngineData>> {
        let mut values = self.values.clone();
        for (field, column) in schema.fields().zip(&columns) {
            let rows = values.iter_mut().filter_map(Value::as_object_mut);
            for (row, scalar) in rows.zip(column.array_elements()) {
                insert(row, field.name(), from_scalar(scalar)?);
            }
        }
        let fields = self.schema.fields().chain(schema.fields()).cloned();
        let schema = delta_kernel::schema::StructType::try_new(fields)?;
        Ok(Box::new(Self::new(schema.into(), values)))
    }

    fn apply_selection_vector(
        self: Box<Self>,
        selection_vector: Vec<bool>,
    ) -> KernelResult<Box<dyn EngineData>> {
        let mut selection = selection_vector.into_iter();
        let mut values = self.values;
        // A vector that is too short selects the rest.
        values.retain(|_| selection.next().unwrap_or(true));
        Ok(Box::new(Self::new(self.schema, values)))
    }

    fn has_field(&self, name: &ColumnName) -> bool {
        self.schema.field_at(name).is_ok()
    }
}

/// The value at a path of one row; null where any part of the path is.
pub(super) fn lookup<'a>(row: &'a Value, path: &ColumnName) -> Option<&'a Value> {
    let found = path
        .iter()
        .try_fold(row, |value, name| value.get(name.as_str()))?;
    (!found.is_null()).then_some(found)
}

/// Puts a value that may be null.
pub(super) fn insert(row: &mut Map<String, Value>, name: &str, value: Value) {
    if value.is_null() {
        row.remove(name);
    } else {
        row.insert(name.to_owned(), value);
    }
}

pub(super) fn from_scalar(scalar: &Scalar) -> KernelResult<Value> {
    Ok(match scalar {
        Scalar::Null(_) => Value::Null,
        Scalar::String(value) => value.as_str().into(),
        Scalar::Boolean(value) => (*value).into(),
        Scalar::Long(value) => (*value).into(),
        Scalar::Integer(value) => (*value).into(),
        Scalar::Short(value) => (*value).into(),
        Scalar::Byte(value) => (*value).into(),
        Scalar::Struct(data) => {
            let mut object = Map::new();
            for (field, value) in data.fields().iter().zip(data.values()) {
                insert(&mut object, field.name(), from_scalar(value)?);
            }
            object.into()
        }
        Scalar::Array(data) => data
            .array_elements()
            .iter()
            .map(from_scalar)
            .collect::<KernelResult<Vec<_>>>()?
            .into(),
        Scalar::Map(data) => {
            let mut object = Map::new();
            for (key, value) in data.pairs() {
                let Scalar::String(key) = key else {
                    return Err(KernelError::unsupported("a map of the log has string keys"));
                };
                object.insert(key.clone(), from_scalar(value)?);
            }
            object.into()
        }
        other => {
            return Err(KernelError::unsupported(format!(
                "a log entry holds no {}",
                other.data_type()
            )));
        }
    })
}

/// One column of [`Rows`]: its cells, and for maps and lists all their strings in a row, because
/// the kernel looks at those as slices of string arrays.
struct Column<'r> {
    cells: Vec<Option<&'r Value>>,
    ranges: Vec<Range<usize>>,
    keys: Strings<'r>,
    items: Strings<'r>,
}

#[derive(Default)]
struct Strings<'r>(Vec<Option<&'r str>>);

impl<'r> Column<'r> {
    fn new(rows: &'r [Value], path: &ColumnName) -> Self {
        let cells: Vec<_> = rows.iter().map(|row| lookup(row, path)).collect();
        let mut ranges = Vec::with_capacity(cells.len());
        let (mut keys, mut items) = (Strings::default(), Strings::default());
        for cell in &cells {
            let start = items.0.len();
            match cell {
                Some(Value::Object(object)) => {
                    keys.0.extend(object.keys().map(|key| Some(key.as_str())));
                    items.0.extend(object.values().map(Value::as_str));
                }
                Some(Value::Array(array)) => items.0.extend(array.iter().map(Value::as_str)),
                _ => {}
            }
            ranges.push(start..items.0.len());
        }
        Self {
            cells,
            ranges,
            keys,
            items,
        }
    }

    fn get<T>(
        &self,
        row: usize,
        name: &str,
        kind: &str,
        read: impl Fn(&'r Value) -> Option<T>,
    ) -> KernelResult<Option<T>> {
        match self.cells.get(row).copied().flatten() {
            None => Ok(None),
            Some(value) => read(value).map(Some).ok_or_else(|| {
                KernelError::UnexpectedColumnType(format!("{name} is not {kind}: {value}"))
            }),
        }
    }

    fn range(&self, row: usize) -> Range<usize> {
        self.ranges.get(row).cloned().unwrap_or_default()
    }
}

impl<'a, 'r: 'a> GetData<'a> for Column<'r> {
    fn get_bool(&'a self, row: usize, name: &str) -> KernelResult<Option<bool>> {
        self.get(row, name, "a boolean", Value::as_bool)
    }

    fn get_byte(&'a self, row: usize, name: &str) -> KernelResult<Option<i8>> {
        self.get(row, name, "a byte", |v| v.as_i64()?.try_into().ok())
    }

    fn get_short(&'a self, row: usize, name: &str) -> KernelResult<Option<i16>> {
        self.get(row, name, "a short", |v| v.as_i64()?.try_into().ok())
    }

    fn get_int(&'a self, row: usize, name: &str) -> KernelResult<Option<i32>> {
        self.get(row, name, "an integer", |v| v.as_i64()?.try_into().ok())
    }

    fn get_long(&'a self, row: usize, name: &str) -> KernelResult<Option<i64>> {
        self.get(row, name, "a long", Value::as_i64)
    }

    fn get_str(&'a self, row: usize, name: &str) -> KernelResult<Option<&'a str>> {
        self.get(row, name, "a string", Value::as_str)
    }

    fn get_list(&'a self, row: usize, name: &str) -> KernelResult<Option<ListItem<'a>>> {
        let list = self.get(row, name, "a list", Value::as_array)?;
        Ok(list.map(|_| ListItem::new(&self.items, self.range(row))))
    }

    fn get_map(&'a self, row: usize, name: &str) -> KernelResult<Option<MapItem<'a>>> {
        let map = self.get(row, name, "a map", Value::as_object)?;
        Ok(map.map(|_| MapItem::new(&self.keys, &self.items, self.range(row))))
    }
}

impl StringArrayAccessor for Strings<'_> {
    fn len(&self) -> usize {
        self.0.len()
    }

    fn value(&self, index: usize) -> &str {
        self.0.get(index).copied().flatten().unwrap_or_default()
    }

    fn is_valid(&self, index: usize) -> bool {
        self.0.get(index).is_some_and(Option::is_some)
    }
}
