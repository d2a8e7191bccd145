//! What the log says of a data file, so that readers can pass it over.

use std::cmp::Ordering;

use chrono::{DateTime, Datelike};
use delta_kernel::expressions::ColumnName;
use delta_kernel::schema::{DataType, DecimalType, PrimitiveType, StructType};
use parquet::data_type::ByteArray;
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;
use serde_json::{Map, Value, json};

/// The leaf columns whose statistics are kept.
#[derive(Debug)]
pub(super) struct Stats {
    leaves: Vec<Leaf>,
}

#[derive(Debug)]
struct Leaf {
    path: Vec<String>,
    primitive: PrimitiveType,
}

impl Stats {
    /// Those of `wanted` that are in `columns` and are no list or map.
    pub(super) fn of(columns: &StructType, wanted: &[ColumnName]) -> Self {
        let leaves =
            wanted
                .iter()
                .filter_map(|path| match columns.field_at(path).ok()?.data_type() {
                    DataType::Primitive(primitive) => Some(Leaf {
                        path: path.path().to_vec(),
                        primitive: primitive.clone(),
                    }),
                    _ => None,
                });
        Self {
            leaves: leaves.collect(),
        }
    }

    /// The `stats` of a file that was just written: rows, and of each kept leaf its nulls and,
    /// where its type has an order that all readers share, its bounds.
    pub(super) fn read(&self, metadata: &ParquetMetaData) -> Value {
        let (mut nulls, mut min, mut max) = (Map::new(), Map::new(), Map::new());
        for leaf in &self.leaves {
            let Some(bounds) = Bounds::of(leaf, metadata) else {
                continue;
            };
            put(&mut nulls, &leaf.path, Some(bounds.nulls.into()));
            put(&mut min, &leaf.path, bounds.min.and_then(|v| leaf.json(v)));
            put(&mut max, &leaf.path, bounds.max.and_then(|v| leaf.json(v)));
        }
        json!({
            "numRecords": metadata.file_metadata().num_rows(),
            "minValues": min,
            "maxValues": max,
            "nullCount": nulls,
        })
    }
}

/// Sets a value at a path, with the objects on the way.
fn put(object: &mut Map<String, Value>, path: &[String], value: Option<Value>) {
    let (Some(value), Some((name, rest))) = (value, path.split_first()) else {
        return;
    };
    if rest.is_empty() {
        object.insert(name.clone(), value);
    } else if let Value::Object(inner) = object
        .entry(name.clone())
        .or_insert_with(|| Map::new().into())
    {
        put(inner, rest, Some(value));
    }
}

struct Bounds {
    nulls: u64,
    min: Option<Bound>,
    max: Option<Bound>,
}

#[derive(PartialEq, PartialOrd)]
enum Bound {
    Integer(i64),
    Text(Vec<u8>),
}

impl Bounds {
    /// Over all row groups; `None` where one of them kept nothing.
    fn of(leaf: &Leaf, metadata: &ParquetMetaData) -> Option<Self> {
        let mut all: Option<Self> = None;
        for group in metadata.row_groups() {
            let chunk = group
                .columns()
                .iter()
                .find(|chunk| chunk.column_path().parts() == leaf.path)?;
            let next = Self::of_chunk(chunk)?;
            all = Some(match all {
                None => next,
                Some(so_far) => so_far.and(next),
            });
        }
        all
    }

    fn of_chunk(chunk: &ColumnChunkMetaData) -> Option<Self> {
        let statistics = chunk.statistics()?;
        let (min, max) = match statistics {
            Statistics::Int32(values) => (
                values.min_opt().map(|v| Bound::Integer((*v).into())),
                values.max_opt().map(|v| Bound::Integer((*v).into())),
            ),
            Statistics::Int64(values) => (
                values.min_opt().map(|v| Bound::Integer(*v)),
                values.max_opt().map(|v| Bound::Integer(*v)),
            ),
            Statistics::ByteArray(values) => {
                let text = |v: &ByteArray| Bound::Text(v.data().to_vec());
                (values.min_opt().map(text), values.max_opt().map(text))
            }
            _ => (None, None),
        };
        Some(Self {
            nulls: statistics.null_count_opt()?,
            min,
            max,
        })
    }

    fn and(self, other: Self) -> Self {
        Self {
            nulls: self.nulls.saturating_add(other.nulls),
            min: outer(self.min, other.min, Ordering::Less),
            max: outer(self.max, other.max, Ordering::Greater),
        }
    }
}

/// A row group of nulls alone has no bounds and moves none.
fn outer(a: Option<Bound>, b: Option<Bound>, wanted: Ordering) -> Option<Bound> {
    match (a, b) {
        (Some(a), Some(b)) if b.partial_cmp(&a) == Some(wanted) => Some(b),
        (Some(a), _) => Some(a),
        (None, b) => b,
    }
}

impl Leaf {
    /// A bound in the log's words. Left out: FLOAT and DOUBLE, because Parquet passes over NaN,
    /// which Delta orders last; and what the log's text cannot hold exactly.
    fn json(&self, bound: Bound) -> Option<Value> {
        match (&self.primitive, bound) {
            (
                PrimitiveType::Byte
                | PrimitiveType::Short
                | PrimitiveType::Integer
                | PrimitiveType::Long,
                Bound::Integer(value),
            ) => Some(value.into()),
            (PrimitiveType::Date, Bound::Integer(days)) => {
                let micros = days.checked_mul(86_400_000_000)?;
                Some(
                    four_digit_year(micros)?
                        .format("%Y-%m-%d")
                        .to_string()
                        .into(),
                )
            }
            (PrimitiveType::Timestamp, Bound::Integer(micros)) => Some(
                four_digit_year(micros)?
                    .format("%Y-%m-%dT%H:%M:%S%.6fZ")
                    .to_string()
                    .into(),
            ),
            (PrimitiveType::TimestampNtz, Bound::Integer(micros)) => Some(
                four_digit_year(micros)?
                    .format("%Y-%m-%dT%H:%M:%S%.6f")
                    .to_string()
                    .into(),
            ),
            (PrimitiveType::Decimal(decimal), Bound::Integer(unscaled)) => {
                decimal_json(decimal, unscaled)
            }
            // Parquet shortens long text downwards and upwards, so that it stays a bound.
            (PrimitiveType::String, Bound::Text(bytes)) => {
                Some(String::from_utf8(bytes).ok()?.into())
            }
            _ => None,
        }
    }
}

fn four_digit_year(micros: i64) -> Option<DateTime<chrono::Utc>> {
    DateTime::from_timestamp_micros(micros).filter(|time| (0..=9999).contains(&time.year()))
}

/// A JSON number of at most 15 digits is the same number to every reader.
fn decimal_json(decimal: &DecimalType, unscaled: i64) -> Option<Value> {
    if decimal.precision() > 15 {
        return None;
    }
    let scale = usize::from(decimal.scale());
    let digits = format!("{:0width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at_checked(digits.len() - scale)?;
    let sign = if unscaled < 0 { "-" } else { "" };
    let number: f64 = format!("{sign}{whole}.{fraction}0").parse().ok()?;
    Some(number.into())
}
