//! Rows by their partition, and where the files of a partition lie.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type,
    Int64Type, TimestampMicrosecondType,
};
use arrow_array::{Array, ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType as Arrow, Schema, SchemaRef};
use arrow_select::take::take_record_batch;
use delta_kernel::expressions::{DecimalData, Scalar};
use delta_kernel::partition::serialization::serialize_partition_value;
use delta_kernel::schema::{DataType, DecimalType, StructType};
use delta_kernel::transaction::{Transaction, WriteState};
use delta_kernel::{KernelError, KernelResult};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::DeltaError;

/// The longest name of a folder, in bytes, that every usual file system takes.
const FOLDER_NAME_MAX: usize = 255;

/// What the folders of a partition may take of the length of a path, which systems bound as a whole.
const FOLDERS_MAX: usize = 1_024;

/// The columns by whose values the rows of a table are put into files of their own.
#[derive(Debug)]
pub(super) struct Partitioning {
    columns: Vec<PartitionColumn>,
    /// Where the other columns are in a batch.
    data: Vec<usize>,
    layout: Arc<WriteState>,
}

#[derive(Debug)]
struct PartitionColumn {
    name: String,
    index: usize,
    data_type: DataType,
}

/// The rows of one partition, in their order, without the partition columns.
#[derive(Debug)]
pub(super) struct Partition {
    values: Vec<Scalar>,
    pub(super) batches: Vec<RecordBatch>,
}

/// Where a new file of a partition goes.
#[derive(Debug)]
pub(super) struct Place {
    /// On this disk.
    pub(super) path: PathBuf,
    /// In the log.
    pub(super) log_path: String,
    /// In the log: the values that all rows of the file share.
    pub(super) partition_values: Map<String, Value>,
}

impl Partitioning {
    /// `arrow` is `schema` as Arrow has it.
    pub(super) fn new(
        transaction: &Transaction,
        schema: &StructType,
        arrow: &Schema,
    ) -> Result<Self, DeltaError> {
        let names = transaction.logical_partition_columns();
        let columns = names.iter().filter_map(|name| {
            Some(PartitionColumn {
                name: name.clone(),
                index: arrow.index_of(name).ok()?,
                data_type: schema.field(name)?.data_type().clone(),
            })
        });
        let in_files = |index: &usize| !names.contains(arrow.field(*index).name());
        Ok(Self {
            columns: columns.collect(),
            data: (0..arrow.fields().len()).filter(in_files).collect(),
            layout: transaction.write_state()?,
        })
    }

    /// The columns that are not in a data file, in order.
    pub(super) fn columns(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns that are in a data file.
    pub(super) fn data_schema(&self, schema: &Schema) -> Result<SchemaRef, DeltaError> {
        Ok(schema.project(&self.data).map_err(unsplit)?.into())
    }

    /// Puts each row with those of its partition.
    pub(super) fn split(&self, batches: &[RecordBatch]) -> Result<Vec<Partition>, DeltaError> {
        // By the values as the log writes them: to Delta, no text is no value.
        let mut partitions = BTreeMap::new();
        for batch in batches.iter().filter(|batch| batch.num_rows() > 0) {
            let data = batch.project(&self.data).map_err(unsplit)?;
            if self.columns.is_empty() {
                partition(&mut partitions, Vec::new(), Vec::new).push(data);
                continue;
            }
            for (key, rows) in self.rows(batch)? {
                let first = rows.first().and_then(|row| usize::try_from(*row).ok());
                let values = self.values(batch, first.unwrap_or_default())?;
                let rows = take_record_batch(&data, &UInt32Array::from(rows)).map_err(unsplit)?;
                partition(&mut partitions, key, || values).push(rows);
            }
        }
        Ok(partitions.into_values().collect())
    }

    /// A new name in the folder of a partition, which is made when it is missing. A folder that would need too long a
    /// name is done without: the values that count are those in the log, folders only help people (Delta's PROTOCOL.md).
    pub(super) fn place(&self, partition: &Partition) -> Result<Place, DeltaError> {
        let names = self.columns.iter().map(|column| column.name.clone());
        let values: HashMap<_, _> = names.clone().zip(partition.values.clone()).collect();
        let mut context = self.layout.write_context_builder();
        if !values.is_empty() {
            context = context.with_partition_values(values);
        }
        let context = context.build()?;
        let file = format!("part-00000-{}-c000.snappy.parquet", Uuid::new_v4());
        let not_local = |_| DeltaError::Kernel(format!("no local path for {file}"));
        let table = context.table_root_dir().to_file_path().map_err(not_local)?;
        let mut folder = context.write_dir();
        if !can_be_named(&table, &folder.to_file_path().map_err(not_local)?) {
            folder = context.table_root_dir().clone();
        }
        let url = folder
            .join(&file)
            .map_err(|error| DeltaError::Kernel(format!("the partition has no path: {error}")))?;
        let path = url.to_file_path().map_err(not_local)?;
        make_folders(&table, &path)?;
        let mut partition_values = Map::new();
        for name in names {
            let value = context
                .physical_partition_values()
                .get(&name)
                .cloned()
                .flatten();
            partition_values.insert(name, value.into());
        }
        Ok(Place {
            path,
            log_path: context.resolve_file_path(&url)?,
            partition_values,
        })
    }

    fn rows(&self, batch: &RecordBatch) -> Result<BTreeMap<Key, Vec<u32>>, DeltaError> {
        let mut rows: BTreeMap<Key, Vec<u32>> = BTreeMap::new();
        for row in 0..batch.num_rows() {
            let key = self.values(batch, row)?;
            let key = key.iter().map(serialize_partition_value);
            let row = u32::try_from(row).map_err(|_| DeltaError::Unsupported {
                reason: "a batch holds at most 4,294,967,295 rows; send fewer at once".to_owned(),
            })?;
            rows.entry(key.collect::<KernelResult<_>>()?)
                .or_default()
                .push(row);
        }
        Ok(rows)
    }

    fn values(&self, batch: &RecordBatch, row: usize) -> Result<Vec<Scalar>, DeltaError> {
        let values = self.columns.iter().map(|column| {
            let array = batch.column(column.index);
            if array.is_null(row) {
                Ok(Scalar::Null(column.data_type.clone()))
            } else {
                scalar(array, row)
            }
        });
        Ok(values.collect::<KernelResult<_>>()?)
    }
}

type Key = Vec<Option<String>>;

fn partition(
    partitions: &mut BTreeMap<Key, Partition>,
    key: Key,
    values: impl FnOnce() -> Vec<Scalar>,
) -> &mut Vec<RecordBatch> {
    let partition = partitions.entry(key).or_insert_with(|| Partition {
        values: values(),
        batches: Vec::new(),
    });
    &mut partition.batches
}

fn can_be_named(table: &Path, folder: &Path) -> bool {
    let below = folder.strip_prefix(table).unwrap_or(folder);
    below.as_os_str().len() <= FOLDERS_MAX && below.iter().all(|name| name.len() <= FOLDER_NAME_MAX)
}

/// Makes what is missing between a table's folder and a file; never the table's folder itself.
fn make_folders(table: &Path, file: &Path) -> Result<(), DeltaError> {
    let folders: Vec<_> = file
        .ancestors()
        .skip(1)
        .take_while(|folder| *folder != table)
        .collect();
    for folder in folders.into_iter().rev() {
        match fs::create_dir(folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            made => made.map_err(|source| DeltaError::io(folder, "create", source))?,
        }
    }
    Ok(())
}

fn unsplit(error: ArrowError) -> DeltaError {
    DeltaError::Kernel(format!("the rows could not be split by partition: {error}"))
}

/// Creating a table has refused partition columns of any other type.
fn scalar(column: &ArrayRef, row: usize) -> KernelResult<Scalar> {
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
            return Err(KernelError::unsupported(format!(
                "a partition column of type {other}"
            )));
        }
    })
}
