//! The columns a chunk gathers its records in.
//!
//! A column is at rest in row `n` when it holds `n` values or fewer: rows that have no value of it are filled in when
//! the next value comes, or at the end. So a field that a record leaves out costs nothing, a field that comes twice is
//! seen by the column being one too long, and going back to an earlier row is cutting every column to that length.

use std::sync::Arc;

use arrow_array::builder::BooleanBufferBuilder;
use arrow_array::types::{
    Date32Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use arrow_array::{
    ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Decimal128Array, PrimitiveArray,
    StringArray, StructArray, new_null_array,
};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Fields, TimeUnit};

use super::collection::{ArrayColumn, MapColumn};
use super::fault::Fault;
use super::plan::{FieldPlan, Kind, MessagePlan};
use super::runs::Runs;
use super::validity::Validity;

/// The columns of a message: a table's, a STRUCT's, a MAP's entries.
#[derive(Debug)]
pub(super) struct Columns {
    pub(super) plan: Arc<MessagePlan>,
    pub(super) columns: Vec<Column>,
}

/// The values of one field, row after row.
#[derive(Debug)]
pub(super) struct Column {
    /// Its length is the number of rows the column has so far.
    pub(super) validity: Validity,
    /// Only for collections: a row without elements is NULL where it may be, else empty.
    nullable: bool,
    pub(super) values: Values,
}

#[derive(Debug)]
pub(super) enum Values {
    Boolean(BooleanBufferBuilder),
    Byte(Vec<i8>),
    Short(Vec<i16>),
    Integer(Vec<i32>),
    Long(Vec<i64>),
    Float(Vec<f32>),
    Double(Vec<f64>),
    Decimal {
        values: Vec<i128>,
        precision: u8,
        scale: u8,
    },
    Text {
        values: Runs,
        limit: Option<(&'static str, u32)>,
    },
    Binary(Runs),
    Variant {
        metadata: Runs,
        value: Runs,
    },
    Struct(Box<Columns>),
    Array(Box<ArrayColumn>),
    Map(Box<MapColumn>),
}

impl Columns {
    /// Empty columns, with room for as much as `like` has grown to.
    pub(super) fn new(plan: Arc<MessagePlan>, like: Option<&Self>) -> Self {
        let like = |at: usize| like.and_then(|like| like.columns.get(at));
        let columns = plan.fields.iter().enumerate();
        let columns = columns.map(|(at, field)| Column::new(field, like(at)));
        let columns = columns.collect();
        Self { plan, columns }
    }

    /// Cuts off everything from this row on.
    pub(super) fn truncate(&mut self, rows: usize) {
        for column in &mut self.columns {
            column.truncate(rows);
        }
    }

    /// What a record must have when it is whole.
    pub(super) fn check(&mut self, row: usize) -> Result<(), Fault> {
        let Self { plan, columns } = self;
        for &at in &plan.checks {
            let (Some(field), Some(column)) = (plan.fields.get(at), columns.get_mut(at)) else {
                continue;
            };
            if column.len() <= row {
                if field.nullable || matches!(field.kind, Kind::Map(_)) {
                    continue;
                }
                return Err(missing(field));
            }
            match &mut column.values {
                Values::Struct(nested) => {
                    nested
                        .check(row)
                        .map_err(|fault| fault.within(&field.name))?;
                }
                Values::Map(map) => map.drop_repeated_keys(row),
                _ => {}
            }
        }
        Ok(())
    }

    /// Whether all text read in since the last time is UTF-8.
    pub(super) fn check_utf8(&mut self) -> Result<(), Fault> {
        for (field, column) in self.plan.fields.iter().zip(&mut self.columns) {
            column
                .check_utf8()
                .map_err(|fault| fault.within(&field.name))?;
        }
        Ok(())
    }

    /// One array for each field of `fields`, the table's.
    fn finish(self, rows: usize, fields: &Fields) -> Result<Vec<ArrayRef>, ArrowError> {
        let mut columns: Vec<Option<Column>> = self.columns.into_iter().map(Some).collect();
        let mut arrays = Vec::with_capacity(fields.len());
        for (at, field) in fields.iter().enumerate() {
            let planned = self.plan.columns.get(at).copied().flatten();
            let column = planned.and_then(|planned| columns.get_mut(planned)?.take());
            arrays.push(match column {
                Some(column) => column.finish(rows, field.data_type())?,
                None => new_null_array(field.data_type(), rows),
            });
        }
        Ok(arrays)
    }

    /// The columns as the table's, `rows` long.
    pub(super) fn into_struct(
        self,
        rows: usize,
        fields: &Fields,
        nulls: Option<NullBuffer>,
    ) -> Result<StructArray, ArrowError> {
        let arrays = self.finish(rows, fields)?;
        StructArray::try_new(fields.clone(), arrays, nulls)
    }
}

#[cold]
pub(super) fn missing(field: &FieldPlan) -> Fault {
    Fault::new(format!("expected {} NOT NULL, found no value", field.sql)).within(&field.name)
}

impl Column {
    pub(super) fn new(field: &FieldPlan, like: Option<&Self>) -> Self {
        let capacity = like.map_or(0, Self::len);
        let runs = |which: fn(&Values) -> Option<&Runs>| {
            let bytes = like
                .and_then(|like| which(&like.values))
                .map_or(0, Runs::bytes);
            Runs::new(capacity, bytes)
        };
        let nested = |plan: &Arc<MessagePlan>, like| Columns::new(Arc::clone(plan), like);
        let values = match &field.kind {
            Kind::Boolean => Values::Boolean(BooleanBufferBuilder::new(capacity)),
            Kind::Byte => Values::Byte(Vec::with_capacity(capacity)),
            Kind::Short => Values::Short(Vec::with_capacity(capacity)),
            Kind::Integer => Values::Integer(Vec::with_capacity(capacity)),
            Kind::Long => Values::Long(Vec::with_capacity(capacity)),
            Kind::Float => Values::Float(Vec::with_capacity(capacity)),
            Kind::Double => Values::Double(Vec::with_capacity(capacity)),
            Kind::Decimal { precision, scale } => Values::Decimal {
                values: Vec::with_capacity(capacity),
                precision: *precision,
                scale: *scale,
            },
            Kind::Text(limit) => Values::Text {
                values: runs(Values::runs),
                limit: *limit,
            },
            Kind::Binary => Values::Binary(runs(Values::runs)),
            Kind::Variant => Values::Variant {
                metadata: runs(Values::runs),
                value: runs(Values::variant_values),
            },
            Kind::Struct(plan) => {
                let like = like.and_then(|like| match &like.values {
                    Values::Struct(nested) => Some(&**nested),
                    _ => None,
                });
                Values::Struct(Box::new(nested(plan, like)))
            }
            Kind::Array(element, cells) => {
                let like = like.and_then(|like| match &like.values {
                    Values::Array(array) => Some(&**array),
                    _ => None,
                });
                Values::Array(Box::new(ArrayColumn::new(element, *cells, capacity, like)))
            }
            Kind::Map(plan) => {
                let like = like.and_then(|like| match &like.values {
                    Values::Map(map) => Some(&**map),
                    _ => None,
                });
                Values::Map(Box::new(MapColumn::new(plan, capacity, like)))
            }
        };
        Self {
            validity: Validity::default(),
            nullable: field.nullable,
            values,
        }
    }

    #[inline]
    pub(super) fn len(&self) -> usize {
        self.validity.len()
    }

    /// Makes the column end where the value of `row` goes, for a field of which the last one counts.
    #[inline]
    pub(super) fn seek(&mut self, row: usize) {
        if self.len() != row {
            self.truncate(row);
            self.pad(row);
        }
    }

    /// The same for a value that comes in parts, and opens it.
    #[inline]
    pub(super) fn open(&mut self, row: usize) {
        if self.len() > row {
            return;
        }
        self.pad(row);
        self.validity.append_non_null();
        match &mut self.values {
            Values::Array(array) => array.push_empty(1),
            Values::Map(map) => map.push_empty(1),
            _ => {}
        }
    }

    fn check_utf8(&mut self) -> Result<(), Fault> {
        match &mut self.values {
            Values::Text { values, .. } => values.check_utf8(),
            Values::Struct(nested) => nested.check_utf8(),
            Values::Array(array) => array
                .element
                .check_utf8()
                .map_err(|fault| fault.within("element")),
            Values::Map(map) => map.entries.check_utf8(),
            _ => Ok(()),
        }
    }

    /// Fills up to `rows` with what a missing value is.
    fn pad(&mut self, rows: usize) {
        let n = rows.saturating_sub(self.len());
        if n == 0 {
            return;
        }
        match &mut self.values {
            Values::Boolean(values) => values.append_n(n, false),
            Values::Byte(values) => values.resize(rows, 0),
            Values::Short(values) => values.resize(rows, 0),
            Values::Integer(values) => values.resize(rows, 0),
            Values::Long(values) => values.resize(rows, 0),
            Values::Float(values) => values.resize(rows, 0.0),
            Values::Double(values) => values.resize(rows, 0.0),
            Values::Decimal { values, .. } => values.resize(rows, 0),
            Values::Text { values, .. } | Values::Binary(values) => {
                values.push_empty(n);
            }
            Values::Variant { metadata, value } => {
                metadata.push_empty(n);
                value.push_empty(n);
            }
            // Its columns fill themselves when they need to.
            Values::Struct(_) => {}
            Values::Array(array) => array.push_empty(n),
            Values::Map(map) => map.push_empty(n),
        }
        match &self.values {
            Values::Array(_) | Values::Map(_) if !self.nullable => {
                self.validity.append_n_non_nulls(n);
            }
            _ => self.validity.append_n_nulls(n),
        }
    }

    pub(super) fn truncate(&mut self, rows: usize) {
        // A column that failed in the middle of a value may hold more than its length says, so this goes by the
        // values and not by the length.
        match &mut self.values {
            Values::Boolean(values) => {
                if values.len() > rows {
                    values.truncate(rows);
                }
            }
            Values::Byte(values) => values.truncate(rows),
            Values::Short(values) => values.truncate(rows),
            Values::Integer(values) => values.truncate(rows),
            Values::Long(values) => values.truncate(rows),
            Values::Float(values) => values.truncate(rows),
            Values::Double(values) => values.truncate(rows),
            Values::Decimal { values, .. } => values.truncate(rows),
            Values::Text { values, .. } | Values::Binary(values) => values.truncate(rows),
            Values::Variant { metadata, value } => {
                metadata.truncate(rows);
                value.truncate(rows);
            }
            Values::Struct(nested) => nested.truncate(rows),
            Values::Array(array) => array.truncate(rows),
            Values::Map(map) => map.truncate(rows),
        }
        self.validity.truncate(rows);
    }

    pub(super) fn finish(
        mut self,
        rows: usize,
        data_type: &DataType,
    ) -> Result<ArrayRef, ArrowError> {
        self.pad(rows);
        let nulls = self.validity.finish();
        Ok(match (self.values, data_type) {
            (Values::Boolean(mut values), _) => Arc::new(BooleanArray::new(values.finish(), nulls)),
            (Values::Byte(values), _) => primitive::<Int8Type>(values, nulls)?,
            (Values::Short(values), _) => primitive::<Int16Type>(values, nulls)?,
            (Values::Integer(values), DataType::Date32) => primitive::<Date32Type>(values, nulls)?,
            (Values::Integer(values), _) => primitive::<Int32Type>(values, nulls)?,
            (Values::Long(values), DataType::Timestamp(TimeUnit::Microsecond, zone)) => {
                let array = PrimitiveArray::<TimestampMicrosecondType>::try_new(
                    ScalarBuffer::from(values),
                    nulls,
                )?;
                Arc::new(array.with_timezone_opt(zone.clone()))
            }
            (Values::Long(values), _) => primitive::<Int64Type>(values, nulls)?,
            (Values::Float(values), _) => primitive::<Float32Type>(values, nulls)?,
            (Values::Double(values), _) => primitive::<Float64Type>(values, nulls)?,
            (
                Values::Decimal {
                    values,
                    precision,
                    scale,
                },
                _,
            ) => Arc::new(
                Decimal128Array::try_new(ScalarBuffer::from(values), nulls)?
                    .with_precision_and_scale(precision, scale.cast_signed())?,
            ),
            (Values::Text { values, .. }, _) => {
                let (offsets, bytes) = values.finish();
                Arc::new(StringArray::try_new(offsets, bytes, nulls)?)
            }
            (Values::Binary(values), _) => {
                let (offsets, bytes) = values.finish();
                Arc::new(BinaryArray::try_new(offsets, bytes, nulls)?)
            }
            (Values::Variant { metadata, value }, DataType::Struct(fields)) => {
                let (offsets, bytes) = metadata.finish();
                let metadata = BinaryArray::try_new(offsets, bytes, None)?;
                let (offsets, bytes) = value.finish();
                let value = BinaryArray::try_new(offsets, bytes, None)?;
                let arrays: Vec<ArrayRef> = vec![Arc::new(metadata), Arc::new(value)];
                Arc::new(StructArray::try_new(fields.clone(), arrays, nulls)?)
            }
            (Values::Struct(nested), DataType::Struct(fields)) => {
                Arc::new(nested.into_struct(rows, fields, nulls)?)
            }
            (Values::Array(array), DataType::List(field)) => Arc::new(array.finish(field, nulls)?),
            (Values::Map(map), DataType::Map(field, sorted)) => {
                Arc::new(map.finish(field, *sorted, nulls)?)
            }
            (_, other) => {
                return Err(ArrowError::SchemaError(format!(
                    "no column of the plan can be stored as {other}"
                )));
            }
        })
    }
}

impl Values {
    fn runs(&self) -> Option<&Runs> {
        match self {
            Self::Text { values, .. } | Self::Binary(values) => Some(values),
            Self::Variant { metadata, .. } => Some(metadata),
            _ => None,
        }
    }

    fn variant_values(&self) -> Option<&Runs> {
        match self {
            Self::Variant { value, .. } => Some(value),
            _ => None,
        }
    }

    /// Orders two values of a type that can be a map's key.
    pub(super) fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
        match self {
            Self::Boolean(values) => values.get_bit(a).cmp(&values.get_bit(b)),
            Self::Byte(values) => values.get(a).cmp(&values.get(b)),
            Self::Short(values) => values.get(a).cmp(&values.get(b)),
            Self::Integer(values) => values.get(a).cmp(&values.get(b)),
            Self::Long(values) => values.get(a).cmp(&values.get(b)),
            Self::Text { values, .. } => values.get(a).cmp(values.get(b)),
            // No other type is a key; two places never count as one.
            _ => a.cmp(&b),
        }
    }

    /// Whether a value of this column may be packed with others into one run of bytes.
    pub(super) fn packable(&self) -> bool {
        matches!(
            self,
            Self::Boolean(_)
                | Self::Byte(_)
                | Self::Short(_)
                | Self::Integer(_)
                | Self::Long(_)
                | Self::Float(_)
                | Self::Double(_)
        )
    }
}

#[inline]
pub(super) fn utf8(bytes: &[u8]) -> Result<&str, Fault> {
    str::from_utf8(bytes).map_err(|_| Fault::new("expected UTF-8 text, found other bytes"))
}

#[inline]
pub(super) fn narrow<T: TryFrom<i64>>(value: i64, type_name: &str) -> Result<T, Fault> {
    T::try_from(value).map_err(|_| {
        Fault::new(format!(
            "expected a number in the range of {type_name}, found {value}"
        ))
    })
}

fn primitive<T: ArrowPrimitiveType>(
    values: Vec<T::Native>,
    nulls: Option<NullBuffer>,
) -> Result<ArrayRef, ArrowError> {
    let array = PrimitiveArray::<T>::try_new(ScalarBuffer::from(values), nulls)?;
    Ok(Arc::new(array))
}
