//! What a partition column can hold.
//!
//! Its values are not in the data files: the log has them as text, and what Delta's PROTOCOL.md ("Partition Value
//! Serialization") has no text for that readers find the same value in must be refused before it is committed.

use std::ops::RangeInclusive;

use zerobus_schema::{DataType, TableSchema};

use super::column::{Columns, Values};
use super::fault::Fault;
use super::plan::{FieldPlan, MessagePlan};
use super::text;

/// 0001-01-01 to 9999-12-31, in days.
const DAYS: RangeInclusive<i32> = -719_162..=2_932_896;

const MICROS_PER_DAY: i64 = 86_400_000_000;

/// The same in microseconds.
const MICROS: RangeInclusive<i64> = -719_162 * MICROS_PER_DAY..=2_932_897 * MICROS_PER_DAY - 1;

/// A partition column among those that records have.
#[derive(Debug)]
pub(super) struct PartitionColumn {
    place: usize,
    /// Whether its integers are days or microseconds.
    is_time: bool,
}

/// The partition columns of a table, as far as its records have them.
pub(super) fn columns(table: &TableSchema, root: &MessagePlan) -> Vec<PartitionColumn> {
    let columns = table.partition_columns.iter().filter_map(|name| {
        let column = table
            .columns
            .fields
            .iter()
            .find(|column| column.name == *name)?;
        Some(PartitionColumn {
            place: root.by_name(name)?,
            is_time: matches!(
                column.data_type,
                DataType::Date | DataType::Timestamp | DataType::TimestampNtz
            ),
        })
    });
    columns.collect()
}

/// Whether the values of `row`, which is whole, can be those of a partition.
pub(super) fn check(
    columns: &Columns,
    partition: &[PartitionColumn],
    row: usize,
) -> Result<(), Fault> {
    for &PartitionColumn { place, is_time } in partition {
        let (Some(field), Some(column)) =
            (columns.plan.fields.get(place), columns.columns.get(place))
        else {
            continue;
        };
        if column.len() > row {
            check_value(field, is_time, &column.values, row)
                .map_err(|fault| fault.within(&field.name))?;
        }
    }
    Ok(())
}

fn check_value(field: &FieldPlan, is_time: bool, values: &Values, row: usize) -> Result<(), Fault> {
    match values {
        Values::Text { values, .. } | Values::Binary(values)
            if !field.nullable && values.get(row).is_empty() =>
        {
            Err(Fault::new(format!(
                "expected {} NOT NULL that is not empty, because in a partition column Delta takes an empty value for \
                 NULL, found an empty one",
                field.sql
            )))
        }
        Values::Binary(values) => match str::from_utf8(values.get(row)) {
            Ok(_) => Ok(()),
            Err(error) => Err(Fault::new(format!(
                "expected {} that is UTF-8 text, because Delta keeps the values of a partition column as text, found \
                 {} (byte {} is none)",
                field.sql,
                text::hex(values.get(row)),
                error.valid_up_to()
            ))),
        },
        Values::Integer(values) if is_time => in_years(field, values.get(row), &DAYS, "days"),
        Values::Long(values) if is_time => {
            in_years(field, values.get(row), &MICROS, "microseconds")
        }
        _ => Ok(()),
    }
}

/// The text of a date is `{year}-{month}-{day}`, and readers take four digits for the year.
fn in_years<T: PartialOrd + std::fmt::Display>(
    field: &FieldPlan,
    value: Option<&T>,
    range: &RangeInclusive<T>,
    unit: &str,
) -> Result<(), Fault> {
    match value {
        Some(value) if !range.contains(value) => Err(Fault::new(format!(
            "expected {} in the years 1 to 9999, because Delta keeps the values of a partition column as text, found \
             {value} {unit} since 1970-01-01",
            field.sql
        ))),
        _ => Ok(()),
    }
}
