//! Records whose columns are known at run time only.

mod encode;
mod json;
mod record;
mod schema;
mod value;
mod wire;

pub use record::{Dynamic, DynamicRecord};
pub use schema::RecordSchema;
pub use value::Value;
