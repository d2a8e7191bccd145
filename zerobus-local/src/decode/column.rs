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
    Array as _, ArrayRef, ArrowPrimitiveType, BinaryArray, BooleanArray, Decimal128Array,
    ListArray, MapArray, PrimitiveArray, StringArray, StructArray, new_null_array,
};
use arrow_buffer::{Buffer, NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{ArrowError, DataType, Fields, TimeUnit};

use super::fault::Fault;
use super::plan::{FieldPlan, Kind, MessagePlan};
use super::validity::Validity;

/// The most values of one collection column, present or not, between two commits.
const CELLS_MAX: usize = 1 << 28;

/// Up to this many keys are compared each with each.
const FEW_ENTRIES: usize = 8;

const TOO_MUCH: &str = "too many values for one column between two commits; send smaller batches";

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

/// Byte strings one behind the other.
#[derive(Debug)]
pub(super) struct Runs {
    offsets: Vec<i32>,
    bytes: Vec<u8>,
    /// How many of the strings are known to be UTF-8.
    checked: usize,
}

#[derive(Debug)]
pub(super) struct ArrayColumn {
    pub(super) offsets: Vec<i32>,
    pub(super) element: Column,
    pub(super) element_wire_type: u32,
    element_cells: usize,
}

#[derive(Debug)]
pub(super) struct MapColumn {
    pub(super) offsets: Vec<i32>,
    pub(super) entries: Columns,
    /// How many entries there are, those of `dropped` too.
    pub(super) count: usize,
    /// Entries whose key came again later in the same map, ascending.
    pub(super) dropped: Vec<usize>,
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
    fn new(field: &FieldPlan, like: Option<&Self>) -> Self {
        let capacity = like.map_or(0, Self::len);
        let runs = |which: fn(&Values) -> Option<&Runs>| {
            let bytes = like
                .and_then(|like| which(&like.values))
                .map_or(0, |runs| runs.bytes.len());
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
            Kind::Array(element, cells) => Values::Array(Box::new(ArrayColumn {
                offsets: first_offset(capacity),
                element: Self::new(
                    element,
                    like.and_then(|like| match &like.values {
                        Values::Array(array) => Some(&array.element),
                        _ => None,
                    }),
                ),
                element_wire_type: element.kind.wire_type(),
                element_cells: *cells,
            })),
            Kind::Map(plan) => Values::Map(Box::new(MapColumn {
                offsets: first_offset(capacity),
                entries: nested(
                    plan,
                    like.and_then(|like| match &like.values {
                        Values::Map(map) => Some(&map.entries),
                        _ => None,
                    }),
                ),
                count: 0,
                dropped: Vec::new(),
            })),
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
            Values::Array(array) => repeat_last(&mut array.offsets, 1),
            Values::Map(map) => repeat_last(&mut map.offsets, 1),
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
                repeat_last(&mut values.offsets, n);
            }
            Values::Variant { metadata, value } => {
                repeat_last(&mut metadata.offsets, n);
                repeat_last(&mut value.offsets, n);
            }
            // Its columns fill themselves when they need to.
            Values::Struct(_) => {}
            Values::Array(array) => repeat_last(&mut array.offsets, n),
            Values::Map(map) => repeat_last(&mut map.offsets, n),
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
            Values::Array(array) => {
                array.offsets.truncate(rows + 1);
                array.element.truncate(last_offset(&array.offsets));
            }
            Values::Map(map) => {
                map.offsets.truncate(rows + 1);
                map.count = last_offset(&map.offsets);
                map.entries.truncate(map.count);
                while map.dropped.last().is_some_and(|&entry| entry >= map.count) {
                    map.dropped.pop();
                }
            }
        }
        self.validity.truncate(rows);
    }

    fn finish(mut self, rows: usize, data_type: &DataType) -> Result<ArrayRef, ArrowError> {
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
            (Values::Array(array), DataType::List(field)) => {
                let offsets = offset_buffer(array.offsets);
                let rows = length_of(&offsets);
                let element = array.element.finish(rows, field.data_type())?;
                Arc::new(ListArray::try_new(
                    Arc::clone(field),
                    offsets,
                    element,
                    nulls,
                )?)
            }
            (Values::Map(map), DataType::Map(field, sorted)) => {
                let (offsets, entries) = map.finish(field.data_type())?;
                let map = MapArray::try_new(Arc::clone(field), offsets, entries, nulls, *sorted)?;
                Arc::new(map)
            }
            (_, other) => {
                return Err(ArrowError::SchemaError(format!(
                    "no column of the plan can be stored as {other}"
                )));
            }
        })
    }
}

impl Runs {
    fn new(capacity: usize, bytes: usize) -> Self {
        Self {
            offsets: first_offset(capacity),
            bytes: Vec::with_capacity(bytes),
            checked: 0,
        }
    }

    #[inline]
    pub(super) fn push(&mut self, value: &[u8]) -> Result<(), Fault> {
        self.bytes.extend_from_slice(value);
        self.offsets.push(offset(self.bytes.len())?);
        Ok(())
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }

    /// Where the string at this place begins, and the one before it ends.
    fn bound(&self, at: usize) -> usize {
        let offset = self.offsets.get(at).copied().unwrap_or_default();
        usize::try_from(offset).unwrap_or_default()
    }

    fn get(&self, at: usize) -> &[u8] {
        let bounds = self.bound(at)..self.bound(at + 1);
        self.bytes.get(bounds).unwrap_or_default()
    }

    /// Looks at all strings since the last time at once, which costs a fraction of looking at each.
    fn check_utf8(&mut self) -> Result<(), Fault> {
        if self.checked == self.len() {
            return Ok(());
        }
        let start = self.bound(self.checked);
        let text = str::from_utf8(self.bytes.get(start..).unwrap_or_default());
        let offsets = self.offsets.get(self.checked..).unwrap_or_default();
        // Strings that are no UTF-8 may be when they stand side by side.
        let good = text.is_ok_and(|text| {
            offsets.iter().all(|&offset| {
                usize::try_from(offset).is_ok_and(|offset| text.is_char_boundary(offset - start))
            })
        });
        if !good {
            return Err(Fault::new("expected UTF-8 text, found other bytes"));
        }
        self.checked = self.len();
        Ok(())
    }

    fn truncate(&mut self, rows: usize) {
        self.offsets.truncate(rows + 1);
        self.bytes.truncate(last_offset(&self.offsets));
        self.checked = self.checked.min(rows);
    }

    fn finish(self) -> (OffsetBuffer<i32>, Buffer) {
        (offset_buffer(self.offsets), Buffer::from_vec(self.bytes))
    }
}

impl ArrayColumn {
    /// Where the next element goes.
    #[inline]
    pub(super) fn next(&self) -> usize {
        last_offset(&self.offsets)
    }

    /// Counts the element just read in.
    #[inline]
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        check_cells(self.element.len(), self.element_cells)?;
        let end = offset(self.element.len())?;
        if let Some(last) = self.offsets.last_mut() {
            *last = end;
        }
        Ok(())
    }
}

impl MapColumn {
    /// Counts the entry just read in.
    #[inline]
    pub(super) fn close(&mut self) -> Result<(), Fault> {
        check_cells(self.count + 1, self.entries.plan.cells)?;
        let end = offset(self.count + 1)?;
        self.count += 1;
        if let Some(last) = self.offsets.last_mut() {
            *last = end;
        }
        Ok(())
    }

    /// Of entries with one key the last counts, as everywhere in protobuf.
    fn drop_repeated_keys(&mut self, row: usize) {
        let start = self.offsets.get(row).copied().unwrap_or_default();
        let start = usize::try_from(start).unwrap_or_default();
        let Some(keys) = self.entries.columns.first() else {
            return;
        };
        if self.count - start < 2 || self.dropped.last().is_some_and(|&entry| entry >= start) {
            return;
        }
        if self.count - start <= FEW_ENTRIES {
            let repeated = (start..self.count)
                .any(|a| (a + 1..self.count).any(|b| keys.values.compare(a, b).is_eq()));
            if !repeated {
                return;
            }
        }
        let mut entries: Vec<usize> = (start..self.count).collect();
        // Stable, so that the last of equal keys stays the last.
        entries.sort_by(|&a, &b| keys.values.compare(a, b));
        let pairs = entries.iter().zip(entries.iter().skip(1));
        let repeated = pairs.filter(|&(&a, &b)| keys.values.compare(a, b).is_eq());
        let mut repeated: Vec<usize> = repeated.map(|(&earlier, _)| earlier).collect();
        repeated.sort_unstable();
        self.dropped.extend(repeated);
    }

    fn finish(self, entries: &DataType) -> Result<(OffsetBuffer<i32>, StructArray), ArrowError> {
        let DataType::Struct(fields) = entries else {
            return Err(ArrowError::SchemaError(
                "a map's entries are a struct".to_owned(),
            ));
        };
        let array = self.entries.into_struct(self.count, fields, None)?;
        if self.dropped.is_empty() {
            return Ok((offset_buffer(self.offsets), array));
        }
        let mut keep = vec![true; self.count];
        for &entry in &self.dropped {
            if let Some(keep) = keep.get_mut(entry) {
                *keep = false;
            }
        }
        let offsets = self.offsets.iter().map(|&end| {
            let dropped = self
                .dropped
                .partition_point(|&entry| i32::try_from(entry).is_ok_and(|entry| entry < end));
            end - i32::try_from(dropped).unwrap_or_default()
        });
        let offsets = offset_buffer(offsets.collect());
        let kept = arrow_select::filter::filter(&array, &BooleanArray::from(keep))?;
        let (fields, arrays, _) = StructArray::from(kept.to_data()).into_parts();
        Ok((offsets, StructArray::try_new(fields, arrays, None)?))
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
    fn compare(&self, a: usize, b: usize) -> std::cmp::Ordering {
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

fn first_offset(capacity: usize) -> Vec<i32> {
    let mut offsets = Vec::with_capacity(capacity + 1);
    offsets.push(0);
    offsets
}

fn last_offset(offsets: &[i32]) -> usize {
    let last = offsets.last().copied().unwrap_or_default();
    usize::try_from(last).unwrap_or_default()
}

fn repeat_last(offsets: &mut Vec<i32>, n: usize) {
    let last = offsets.last().copied().unwrap_or_default();
    offsets.resize(offsets.len() + n, last);
}

/// Elements that hold nothing take two bytes on the wire and, in a wide struct, thousands in memory.
#[inline]
fn check_cells(elements: usize, cells: usize) -> Result<(), Fault> {
    if elements.saturating_mul(cells) > CELLS_MAX {
        return Err(Fault::new(TOO_MUCH));
    }
    Ok(())
}

#[inline]
fn offset(end: usize) -> Result<i32, Fault> {
    i32::try_from(end).map_err(|_| Fault::new(TOO_MUCH))
}

/// Offsets only ever grow here, which is what the conversion insists on.
fn offset_buffer(offsets: Vec<i32>) -> OffsetBuffer<i32> {
    OffsetBuffer::new(ScalarBuffer::from(offsets))
}

fn length_of(offsets: &OffsetBuffer<i32>) -> usize {
    last_offset(offsets)
}
