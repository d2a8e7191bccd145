//! The last rows of a table, for people to look at.

use arrow_array::cast::AsArray;
use arrow_array::types::{Date32Type, Float32Type, Float64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType as Arrow;
use chrono::{DateTime, NaiveDate};
use serde_json::Value;
use zerobus_schema::{StructField, TableSchema};

use super::log::DataFile;
use super::{RowsError, cell, reader_of};

/// The longest text of a value that is shown, in characters.
const TEXT_MAX: usize = 200;

/// What the rows of one preview may weigh in memory.
const BYTES_MAX: u64 = 64 * 1024 * 1024;

/// Values as text, row by row; `None` is NULL. Numbers that a reader of JSON would round are exact, times are dates, and
/// what is too long is cut and says so.
pub(crate) type Preview = Vec<Vec<Option<String>>>;

/// The last `most` rows of these files, which are the last of their table, in the order of their commits.
pub(crate) fn last_rows(
    files: &[DataFile],
    most: usize,
    schema: &TableSchema,
) -> Result<Preview, RowsError> {
    let (mut rows, mut left, mut bytes) = (Vec::new(), most, BYTES_MAX);
    for file in files.iter().rev() {
        if left == 0 {
            break;
        }
        let reader = reader_of(file)?;
        let metadata = reader.metadata();
        let total = metadata.file_metadata().num_rows();
        let total = usize::try_from(total).unwrap_or_default();
        let weight: i64 = metadata
            .row_groups()
            .iter()
            .map(|g| g.total_byte_size())
            .sum();
        let weight = u64::try_from(weight).unwrap_or(u64::MAX);
        let of_row = weight / u64::try_from(total).unwrap_or(u64::MAX).max(1);
        let fitting = usize::try_from(bytes / of_row.max(1)).unwrap_or(usize::MAX);
        // One is shown whatever it weighs.
        let wanted = left
            .min(total)
            .min(fitting.max(usize::from(rows.is_empty())));
        let mut of_file = Vec::with_capacity(wanted);
        for batch in super::batches(file, reader, total - wanted)? {
            for row in 0..batch.num_rows() {
                of_file.push(texts(&batch, row, file, schema)?);
            }
        }
        of_file.append(&mut rows);
        rows = of_file;
        left -= wanted;
        bytes =
            bytes.saturating_sub(of_row.saturating_mul(u64::try_from(wanted).unwrap_or(u64::MAX)));
        if fitting < left {
            break;
        }
    }
    Ok(rows)
}

fn texts(
    batch: &RecordBatch,
    row: usize,
    file: &DataFile,
    schema: &TableSchema,
) -> Result<Vec<Option<String>>, RowsError> {
    let fields = schema.columns.fields.iter();
    fields
        .map(|field| match batch.column_by_name(&field.name) {
            Some(column) => text(column, row, field).map_err(|problem| {
                RowsError::file(&file.path, &format!("column {}: {problem}", field.name))
            }),
            // The values of partition columns are in the log alone, as text.
            None => Ok(file.partition_values.get(&field.name).map(|text| cut(text))),
        })
        .collect()
}

fn text(array: &ArrayRef, row: usize, field: &StructField) -> Result<Option<String>, String> {
    if array.is_null(row) {
        return Ok(None);
    }
    Ok(Some(match array.data_type() {
        // JSON has no NaN and no infinity.
        Arrow::Float32 => array.as_primitive::<Float32Type>().value(row).to_string(),
        Arrow::Float64 => array.as_primitive::<Float64Type>().value(row).to_string(),
        Arrow::Date32 => date(array.as_primitive::<Date32Type>().value(row)),
        Arrow::Timestamp(_, zone) => {
            let micros = array.as_primitive::<TimestampMicrosecondType>().value(row);
            timestamp(micros, zone.is_some())
        }
        Arrow::Binary => binary(array.as_binary::<i32>().value(row)),
        Arrow::Utf8 => cut(array.as_string::<i32>().value(row)),
        _ => match cell::value(array, row, &field.data_type)? {
            Value::String(text) => cut(&text),
            other => cut(&other.to_string()),
        },
    }))
}

/// What no calendar has is shown as the number that it is.
fn date(days: i32) -> String {
    let date = NaiveDate::from_num_days_from_ce_opt(days.saturating_add(719_163));
    date.map_or_else(|| days.to_string(), |date| date.to_string())
}

fn timestamp(micros: i64, in_utc: bool) -> String {
    let Some(time) = DateTime::from_timestamp_micros(micros) else {
        return micros.to_string();
    };
    let zone = if in_utc { "Z" } else { "" };
    format!("{}{zone}", time.format("%Y-%m-%dT%H:%M:%S%.f"))
}

fn binary(bytes: &[u8]) -> String {
    const SHOWN: usize = 32;
    let mut text = String::from("0x");
    for byte in bytes.iter().take(SHOWN) {
        text.push_str(&format!("{byte:02x}"));
    }
    if bytes.len() > SHOWN {
        text.push_str(&format!("… ({} bytes)", bytes.len()));
    }
    text
}

fn cut(text: &str) -> String {
    match text.char_indices().nth(TEXT_MAX) {
        None => text.to_owned(),
        Some((end, _)) => {
            let start = text.get(..end).unwrap_or_default();
            format!("{start}… ({} characters)", text.chars().count())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_dates_where_there_is_a_calendar_for_them() {
        assert_eq!(date(0), "1970-01-01");
        assert_eq!(date(-719_529), "-0001-12-31");
        assert_eq!(date(i32::MAX), "2147483647");
        assert_eq!(timestamp(1_500_000, true), "1970-01-01T00:00:01.500Z");
        assert_eq!(timestamp(-1, false), "1969-12-31T23:59:59.999999");
        assert_eq!(timestamp(i64::MAX, true), i64::MAX.to_string());
    }

    #[test]
    fn what_is_too_long_is_cut_between_characters() {
        assert_eq!(cut(&"ü".repeat(200)), "ü".repeat(200));
        assert_eq!(
            cut(&"ü".repeat(201)),
            format!("{}… (201 characters)", "ü".repeat(200))
        );
        assert_eq!(binary(&[0, 255]), "0x00ff");
        assert_eq!(
            binary(&[1; 33]),
            format!("0x{}… (33 bytes)", "01".repeat(32))
        );
    }
}
