use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::value::shown;

/// The first `limit` rows as a table of text; a VARIANT is shown as the JSON it stands for, a TIMESTAMP in UTC.
///
/// # Errors
/// [`ArrowError`] when a value cannot be shown.
pub fn render(batches: &[RecordBatch], limit: usize) -> Result<String, ArrowError> {
    let mut rows = Vec::new();
    for batch in batches {
        if rows.is_empty() {
            let schema = batch.schema();
            rows.push(
                schema
                    .fields()
                    .iter()
                    .map(|field| field.name().clone())
                    .collect(),
            );
        }
        for row in 0..batch.num_rows().min(limit + 1 - rows.len()) {
            let cells = batch.columns().iter().map(|column| shown(column, row));
            rows.push(cells.collect::<Result<Vec<_>, _>>()?);
        }
    }
    Ok(draw(&rows))
}

/// A frame around the rows, the first of which is the header.
fn draw(rows: &[Vec<String>]) -> String {
    let Some(header) = rows.first() else {
        return String::new();
    };
    let widths: Vec<usize> = (0..header.len())
        .map(|column| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        })
        .collect();
    let rule: String = widths
        .iter()
        .map(|width| format!("+{:-<1$}", "", width + 2))
        .collect();
    let mut lines = vec![format!("{rule}+")];
    for (number, row) in rows.iter().enumerate() {
        let cells = row.iter().zip(&widths);
        let line: String = cells
            .map(|(cell, width)| format!("| {cell:<width$} "))
            .collect();
        lines.push(format!("{line}|"));
        if number == 0 {
            lines.push(format!("{rule}+"));
        }
    }
    lines.push(format!("{rule}+"));
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::builder::{Int32Builder, ListBuilder};
    use arrow_array::types::TimestampMicrosecondType;
    use arrow_array::{
        ArrayRef, BinaryArray, Date32Array, Decimal128Array, PrimitiveArray, StringArray,
        StructArray,
    };
    use arrow_schema::{DataType, Field};

    use super::*;

    #[test]
    fn values_are_shown_as_people_write_them_and_null_is_not_the_empty_text() {
        let micros = PrimitiveArray::<TimestampMicrosecondType>::from(vec![1_500_000, -1]);
        let mut list = ListBuilder::new(Int32Builder::new());
        list.append_value([Some(1), None]);
        list.append_null();
        let inner = Arc::new(micros.clone().with_timezone("UTC")) as ArrayRef;
        let nested = StructArray::from(vec![(
            Arc::new(Field::new("at", inner.data_type().clone(), true)),
            inner,
        )]);
        let batch = RecordBatch::try_from_iter([
            (
                "name",
                Arc::new(StringArray::from(vec![Some("Größe"), None])) as ArrayRef,
            ),
            ("empty", Arc::new(StringArray::from(vec!["", "x"]))),
            ("wall", Arc::new(micros)),
            ("day", Arc::new(Date32Array::from(vec![0, -1]))),
            (
                "price",
                Arc::new(
                    Decimal128Array::from(vec![1999, -5])
                        .with_precision_and_scale(10, 2)
                        .unwrap(),
                ),
            ),
            (
                "raw",
                Arc::new(BinaryArray::from(vec![&b"\x00\xff"[..], b""])),
            ),
            ("list", Arc::new(list.finish())),
            ("nested", Arc::new(nested)),
        ])
        .unwrap();

        let expected = "\
+-------+-------+----------------------------+------------+-------+------+-----------+-----------------------------------+
| name  | empty | wall                       | day        | price | raw  | list      | nested                            |
+-------+-------+----------------------------+------------+-------+------+-----------+-----------------------------------+
| Größe |       | 1970-01-01T00:00:01.500    | 1970-01-01 | 19.99 | 00ff | [1, NULL] | {at: 1970-01-01T00:00:01.500Z}    |
| NULL  | x     | 1969-12-31T23:59:59.999999 | 1969-12-31 | -0.05 |      | NULL      | {at: 1969-12-31T23:59:59.999999Z} |
+-------+-------+----------------------------+------------+-------+------+-----------+-----------------------------------+";
        assert_eq!(render(&[batch], 10).unwrap(), expected);
    }

    #[test]
    fn no_more_rows_are_shown_than_asked_for() {
        let batch = |values: Vec<&str>| {
            RecordBatch::try_from_iter([("s", Arc::new(StringArray::from(values)) as ArrayRef)])
                .unwrap()
        };
        let shown = render(&[batch(vec!["a", "b"]), batch(vec!["c", "d"])], 3).unwrap();

        assert_eq!(shown.lines().count(), 3 + 3 + 1);
        assert!(shown.contains("| c "), "{shown}");
        assert!(!shown.contains("| d "), "{shown}");
    }

    #[test]
    fn a_type_that_no_delta_table_has_is_named() {
        let batch = RecordBatch::try_from_iter([(
            "u",
            Arc::new(arrow_array::UInt64Array::from(vec![1])) as ArrayRef,
        )])
        .unwrap();

        let error = render(&[batch], 1).unwrap_err().to_string();
        assert!(error.contains(&DataType::UInt64.to_string()), "{error}");
    }
}
