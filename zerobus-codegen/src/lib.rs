//! Code and schema text from the schema of a Delta table.
//!
//! [`Source`] reads a schema wherever one is found (snapshot, catalog answer, Delta schema, `_delta_log`, DDL); the
//! generators write it as [`proto`], [`rust`], [`descriptor`] or [`ddl`]. A build script uses [`Config`], which turns
//! the checked-in snapshots of a package into record types.
//!
//! A build script reads files and nothing else. With the feature `live` it can be told to fetch the tables first: it then
//! updates the snapshots, and generates from these, so that both ways give the same bytes.
//!
//! All of it is deterministic: the same schema gives the same bytes, whatever the clock, the environment or the place.
//!
//! ```
//! use zerobus_codegen::{MappingOptions, Source, proto};
//!
//! let source = Source::read("CREATE TABLE main.default.t (id BIGINT NOT NULL)", "t.sql")?;
//! let text = proto(source.table()?, &MappingOptions::default())?;
//! assert!(text.contains("required int64 id = 1;"));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod build_script;
mod generate;
#[cfg(feature = "live")]
mod live;
mod rust;
mod snapshot_file;
mod source;

pub use build_script::{BuildError, Config};
pub use generate::{ddl, descriptor, file_descriptor_set, proto, proto_in};
pub use rust::{
    Construct, DateTimeTypes, DecimalTypes, MapTypes, RustError, RustOptions, StringTypes, Style,
    VariantTypes, rust, rust_tables,
};
pub use snapshot_file::{SavedSnapshot, SnapshotChange, save_snapshot, snapshot_files, write_file};
pub use source::{Source, SourceError, SourceKind};
pub use zerobus_schema::mapping::{MappingOptions, Refusals};
