//! Rows by their partition, as data files hold them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType as Arrow, Schema, SchemaRef};
use arrow_select::take::take_record_batch;
use delta_kernel::KernelResult;
use delta_kernel::expressions::{DecimalData, Scalar};
use delta_kernel::partition::serialization::serialize_partition_value;
use delta_kernel::schema::{DecimalType, StructType};

use super::DeltaError;

/// The columns by whose values the rows of a table are put into files of their own.
#[derive(Debug)]
pub(super) struct Partitioning {
    names: Vec<String>,
    /// Where they are in a batch.
    partition: Vec<usize>,
    /// Where all others are.
    data: Vec<usize>,
}

/// The values of the partition columns as the log writes them, in the columns' order.
pub(super) type PartitionValues = Vec<Option<String>>;

impl Partitioning {
    pub(super) fn new(schema: &Schema, names: &[String]) -> Self {
        let is_partition = |index: &usize| names.contains(schema.field(*index).name());
        let all = 0..schema.fields().len();
        Self {
            names: names.to_vec(),
            partition: names
                .iter()
                .filter_map(|name| schema.index_of(name).ok())
                .collect(),
            data: all.filter(|index| !is_partition(index)).collect(),
        }
    }

    pub(super) fn names(&self) -> &[String] {
        &self.names
    }

    /// The columns that are in a data file.
    pub(super) fn data_schema(&self, schema: &SchemaRef) -> Result<SchemaRef, DeltaError> {
        Ok(schema.project(&self.data).map_err(unsplit)?.into())
    }

    /// The same in Delta's types.
    pub(super) fn data_columns(&self, schema: &StructType) -> Result<StructType, DeltaError> {
        let fields = schema
            .fields()
            .filter(|field| !self.names.contains(field.name()));
        Ok(StructType::try_new(fields.cloned())?)
    }

    /// The rows of each partition, in their order, without the partition columns.
    pub(super) fn split(
        &self,
        batches: &[RecordBatch],
    ) -> Result<BTreeMap<PartitionValues, Vec<RecordBatch>>, DeltaError> {
        let mut partitions = BTreeMap::new();
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            if self.partition.is_empty() {
                let all = partitions.entry(Vec::new()).or_insert_with(Vec::new);
                all.push(batch.clone());
                continue;
            }
            let data = batch.project(&self.data).map_err(unsplit)?;
            for (values, rows) in self.rows(batch)? {
                let rows = take_record_batch(&data, &UInt32Array::from(rows)).map_err(unsplit)?;
                partitions.entry(values).or_insert_with(Vec::new).push(rows);
            }
        }
        Ok(partitions)
    }

    fn rows(&self, batch: &RecordBatch) -> Result<BTreeMap<PartitionValues, Vec<u32>>, DeltaError> {
        let mut rows: BTreeMap<PartitionValues, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let values = self
                .partition
                .iter()
                .map(|column| serialize_partition_value(&scalar(batch.column(*column), row)?))
                .collect::<KernelResult<PartitionValues>>()?;
            let row = u32::try_from(row).map_err(|_| DeltaError::Unsupported {
                reason: "a batch holds at most 4,294,967,295 rows; send fewer at once".to_owned(),
            })?;
            rows.entry(values).or_default().push(row);
        }
        Ok(rows)
    }
}

fn unsplit(error: ArrowError) -> DeltaError {
    DeltaError::Kernel(format!("the rows could not be split by partition: {error}"))
}

/// Creating a table has refused partition columns of any other type.
fn scalar(column: &ArrayRef, row: usize) -> KernelResult<Scalar> {
    if column.is_null(row) {
        return Ok(Scalar::Null(delta_kernel::schema::DataType::STRING));
    }
    Ok(match column.data_type() {
        Arrow::Boolean => column.as_boolean().value(row).into(),
        Arrow::Int8 => column.as_primitive::<Int8Type>().value(row).into(),
        Arrow::Int16 => column.as_primitive::<Int16Type>().value(row).into(),
        Arrow::Int32 => column.as_primitive::<Int32Type>().value(row).into(),
        Arrow::Int64 => column.as_primitive::<Int64Type>().value(row).into(),
        Arrow::Float32 => column.as_primitive::<Float32Type>().value(row).into(),
        Arrow::Float64 => column.as_primitive::<Float64Type>().value(row).into(),
        Arrow::Utf8 => column.as_string::<i32>().value(row).into(),
        Arrow::Binary => column.as_binary::<i32>().value(row).into(),
        Arrow::Date32 => Scalar::Date(column.as_primitive::<Date32Type>().value(row)),
        Arrow::Timestamp(_, zone) => {
            let micros = column.as_primitive::<TimestampMicrosecondType>().value(row);
            match zone {
                Some(_) => Scalar::Timestamp(micros),
                None => Scalar::TimestampNtz(micros),
            }
        }
        Arrow::Decimal128(precision, scale) => {
            let decimal = DecimalType::try_new(*precision, scale.cast_unsigned())?;
            let unscaled = column.as_primitive::<Decimal128Type>().value(row);
            DecimalData::try_new(unscaled, decimal)?.into()
        }
        other => {
            return Err(delta_kernel::KernelError::unsupported(format!(
                "a partition column of type {other}"
            )));
        }
    })
}
