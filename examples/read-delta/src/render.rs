use std::sync::Arc;

use arrow_array::{
    Array, ArrayRef, BinaryArray, RecordBatch, StringArray, StructArray, TimestampMicrosecondArray,
};
use arrow_schema::{ArrowError, Field, Schema};
use parquet_variant::Variant;
use parquet_variant_json::VariantToJson;

/// The first `limit` rows as a table of text; a VARIANT is shown as the JSON it stands for, a TIMESTAMP in UTC.
///
/// # Errors
/// [`ArrowError`] when a value cannot be shown.
pub fn render(batches: &[RecordBatch], limit: usize) -> Result<String, ArrowError> {
    let mut left = limit;
    let mut shown = Vec::new();
    for batch in batches {
        let batch = batch.slice(0, left.min(batch.num_rows()));
        left -= batch.num_rows();
        shown.push(showable(&batch)?);
    }
    Ok(arrow_cast::pretty::pretty_format_batches(&shown)?.to_string())
}

fn showable(batch: &RecordBatch) -> Result<RecordBatch, ArrowError> {
    let mut fields = Vec::new();
    let mut columns = Vec::new();
    for (field, column) in batch.schema().fields().iter().zip(batch.columns()) {
        let shown = match variant_as_json(column)? {
            Some(json) => json,
            None => in_utc(column),
        };
        fields.push(Arc::new(Field::new(
            field.name(),
            shown.data_type().clone(),
            true,
        )));
        columns.push(shown);
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), columns)
}

/// The JSON of a VARIANT column, told by its two parts; `None` for any other column.
fn variant_as_json(column: &ArrayRef) -> Result<Option<ArrayRef>, ArrowError> {
    let Some(parts) = column.as_any().downcast_ref::<StructArray>() else {
        return Ok(None);
    };
    let binary = |name| {
        parts
            .column_by_name(name)
            .and_then(|part| part.as_any().downcast_ref::<BinaryArray>())
    };
    let (2, Some(metadata), Some(value)) =
        (parts.num_columns(), binary("metadata"), binary("value"))
    else {
        return Ok(None);
    };
    let json = (0..parts.len())
        .map(|row| {
            if parts.is_null(row) {
                return Ok(None);
            }
            Variant::try_new(metadata.value(row), value.value(row))?
                .to_json_string()
                .map(Some)
        })
        .collect::<Result<StringArray, ArrowError>>()?;
    Ok(Some(Arc::new(json)))
}

/// A TIMESTAMP with its zone as an offset: the names of zones would need their database.
fn in_utc(column: &ArrayRef) -> ArrayRef {
    match column.as_any().downcast_ref::<TimestampMicrosecondArray>() {
        Some(micros) if micros.timezone() == Some("UTC") => {
            Arc::new(micros.clone().with_timezone("+00:00"))
        }
        _ => Arc::clone(column),
    }
}
