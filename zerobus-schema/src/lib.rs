//! Delta table schemas as the contract of a Zerobus stream.
//!
//! Databricks Zerobus Ingest takes records as protobuf (proto2) messages shaped like the table they
//! go to. This crate is the pure core of the toolkit around it: it reads table schemas wherever they
//! are found, keeps them as checked-in [`Snapshot`]s, and holds the only [`mapping`] from Delta types
//! to proto2. It does no IO and has no derive macro in its tree, because it is compiled into every
//! build of every user.
//!
//! ```
//! use zerobus_schema::{ddl, mapping};
//!
//! let table = ddl::parse_create_table(
//!     "CREATE TABLE main.default.air_quality (device_name STRING NOT NULL, temp INT)",
//! )?;
//! let message = mapping::message(&table, &mapping::MappingOptions::default())?;
//! assert_eq!(
//!     message.to_proto(),
//!     "syntax = \"proto2\";\n\n\
//!      message air_quality {\n  required string device_name = 1;\n  optional int32 temp = 2;\n}\n",
//! );
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod catalog;
pub mod ddl;
pub mod delta;
pub mod diff;
mod error;
mod fingerprint;
mod json;
pub mod mapping;
mod name;
mod number;
mod path;
pub mod proto;
pub mod rust;
mod schema;
mod snapshot;
mod types;

pub use error::{Location, SchemaError};
pub use fingerprint::Fingerprint;
pub use name::{NameError, TableName, TableRef};
pub use number::{FIELD_NUMBER_MAX, is_usable_field_number};
pub use path::ColumnPath;
pub use schema::{Metadata, Reserved, StructField, StructType, TableSchema};
pub use snapshot::{SNAPSHOT_VERSION, Snapshot, SnapshotError};
pub use types::{ArrayType, DataType, DecimalType, MapType};
