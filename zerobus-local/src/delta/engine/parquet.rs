//! Checkpoints: the log's rows as one Parquet file.

use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    EngineData, FileDataReadResultIterator, FileMeta, FileSize, KernelError, KernelResult,
    KernelResultIteratorStatic, ParquetFooter, ParquetHandler, PredicateRef,
};
use url::Url;

use crate::delta::durable::Durability;

#[derive(Debug)]
pub(super) struct Parquet {
    pub(super) durability: Durability,
}

impl ParquetHandler for Parquet {
    fn read_parquet_files(
        &self,
        _files: &[FileMeta],
        _physical_schema: SchemaRef,
        _predicate: Option<PredicateRef>,
    ) -> KernelResult<FileDataReadResultIterator> {
        Err(KernelError::unsupported("todo"))
    }

    fn write_parquet_file(
        &self,
        _location: Url,
        _data: KernelResultIteratorStatic<Box<dyn EngineData>>,
    ) -> KernelResult<FileSize> {
        Err(KernelError::unsupported("todo"))
    }

    fn read_parquet_footer(&self, _file: &FileMeta) -> KernelResult<ParquetFooter> {
        Err(KernelError::unsupported("todo"))
    }
}
