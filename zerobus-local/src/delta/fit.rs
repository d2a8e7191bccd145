//! Rows that were made for the columns a table had before somebody changed them.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions, StructArray, new_null_array};
use arrow_schema::{DataType, Field, FieldRef, Fields, SchemaRef};

/// Why rows do not fit the columns that a table has now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unfit {
    /// From the outermost column to the one at fault.
    pub(crate) path: Vec<String>,
    pub(crate) change: Change,
}

/// What was done to a column.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// It is not there any more, and there are values for it.
    Dropped,
    /// Its type was another one.
    Retyped,
    /// It must have a value, and there is none.
    Required,
}

/// The rows with the columns of `to`: those that came to it are NULL. All that stands in the way, where something does.
pub(crate) fn fit(batch: &RecordBatch, to: &SchemaRef) -> Result<RecordBatch, Vec<Unfit>> {
    if batch.schema_ref() == to {
        return Ok(batch.clone());
    }
    let mut fitter = Fitter {
        path: Vec::new(),
        unfit: Vec::new(),
    };
    let from = batch.schema_ref().fields();
    let columns = fitter.columns(from, batch.columns(), to.fields(), batch.num_rows());
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    let fitted = RecordBatch::try_new_with_options(Arc::clone(to), columns, &options);
    match fitted {
        Ok(batch) if fitter.unfit.is_empty() => Ok(batch),
        _ => Err(fitter.unfit),
    }
}

struct Fitter {
    path: Vec<String>,
    unfit: Vec<Unfit>,
}

impl Fitter {
    fn columns(
        &mut self,
        from: &Fields,
        columns: &[ArrayRef],
        to: &Fields,
        rows: usize,
    ) -> Vec<ArrayRef> {
        for (field, column) in from.iter().zip(columns) {
            if to.find(field.name()).is_none() && column.null_count() < column.len() {
                self.within(field, |fitter| fitter.refuse(Change::Dropped));
            }
        }
        let fitted = to.iter().map(|field| {
            let found = from.find(field.name()).and_then(|(at, _)| columns.get(at));
            self.within(field, |fitter| match found {
                Some(column) => fitter.column(column, field),
                None => fitter.nothing(field, rows),
            })
        });
        fitted.collect()
    }

    fn nothing(&mut self, field: &Field, rows: usize) -> ArrayRef {
        if !field.is_nullable() && rows > 0 {
            self.refuse(Change::Required);
        }
        new_null_array(field.data_type(), rows)
    }

    fn column(&mut self, column: &ArrayRef, to: &FieldRef) -> ArrayRef {
        if !to.is_nullable() && column.null_count() > 0 {
            self.refuse(Change::Required);
        }
        if column.data_type() == to.data_type() {
            return Arc::clone(column);
        }
        let retyped = match (column.data_type(), to.data_type()) {
            (DataType::Struct(from), DataType::Struct(to)) => {
                let group = column.as_struct();
                let columns = self.columns(from, group.columns(), to, group.len());
                StructArray::try_new(to.clone(), columns, group.nulls().cloned()).ok()
            }
            _ => None,
        };
        match retyped {
            Some(group) => Arc::new(group),
            None => {
                self.refuse(Change::Retyped);
                new_null_array(to.data_type(), column.len())
            }
        }
    }

    fn within<T>(&mut self, field: &Field, fit: impl FnOnce(&mut Self) -> T) -> T {
        self.path.push(field.name().clone());
        let fitted = fit(self);
        self.path.pop();
        fitted
    }

    fn refuse(&mut self, change: Change) {
        let path = self.path.clone();
        self.unfit.push(Unfit { path, change });
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use arrow_array::{Int32Array, Int64Array, StringArray};
    use arrow_schema::Schema;

    use super::*;

    fn schema(fields: Vec<Field>) -> SchemaRef {
        Arc::new(Schema::new(fields))
    }

    fn group(fields: Vec<Field>) -> DataType {
        DataType::Struct(fields.into())
    }

    fn batch(fields: Vec<Field>, columns: Vec<ArrayRef>) -> RecordBatch {
        RecordBatch::try_new(schema(fields), columns).unwrap()
    }

    fn a() -> Field {
        Field::new("a", DataType::Int32, true)
    }

    fn b(nullable: bool) -> Field {
        Field::new("b", DataType::Utf8, nullable)
    }

    #[test]
    fn columns_that_came_to_a_table_are_null_wherever_they_came() {
        let inner = Field::new("s", group(vec![a()]), true);
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let nested = StructArray::try_new(vec![a()].into(), vec![numbers.clone()], None).unwrap();
        let rows = batch(vec![a(), inner], vec![numbers.clone(), Arc::new(nested)]);
        let to = schema(vec![
            b(true),
            Field::new("s", group(vec![b(true), a()]), true),
            a(),
        ]);
        let fitted = fit(&rows, &to).unwrap();
        assert_eq!(fitted.schema(), to);
        assert_eq!(fitted.column(0).null_count(), 2);
        assert_eq!(fitted.column(2), &numbers);
        assert_eq!(fitted.column(1).as_struct().column(0).null_count(), 2);
        assert_eq!(fitted.column(1).as_struct().column(1), &numbers);
    }

    #[test]
    fn all_that_does_not_fit_is_told() {
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![Some(1), None]));
        let texts: ArrayRef = Arc::new(StringArray::from(vec!["x", "y"]));
        let rows = batch(vec![a(), b(true)], vec![numbers, texts]);
        let refused = |fields| fit(&rows, &schema(fields)).unwrap_err();
        let unfit = |name: &str, change| Unfit {
            path: vec![name.to_owned()],
            change,
        };
        let required = Field::new("c", DataType::Int64, false);
        assert_eq!(
            refused(vec![Field::new("a", DataType::Int64, true), required]),
            [
                unfit("b", Change::Dropped),
                unfit("a", Change::Retyped),
                unfit("c", Change::Required),
            ]
        );
        let not_null = Field::new("a", DataType::Int32, false);
        assert_eq!(
            refused(vec![not_null, b(false)]),
            [unfit("a", Change::Required)]
        );
    }

    #[test]
    fn a_column_without_values_may_go_and_one_without_rows_may_stay_away() {
        let nothing: ArrayRef = Arc::new(Int64Array::from(vec![None, None]));
        let field = Field::new("n", DataType::Int64, true);
        let numbers: ArrayRef = Arc::new(Int32Array::from(vec![1, 2]));
        let rows = batch(vec![a(), field], vec![numbers, nothing]);
        assert_eq!(fit(&rows, &schema(vec![a()])).unwrap().num_columns(), 1);
        let none = rows.slice(0, 0);
        assert!(fit(&none, &schema(vec![b(false)])).is_ok());
    }
}
