//! What values are held to, for records whose columns are known at run time only. Not for other use.

pub use crate::value::{check_json, check_length, shown};
