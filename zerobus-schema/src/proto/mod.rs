//! The proto2 side: messages, the `.proto` text, the descriptor.

mod descriptor;
mod model;
mod print;

pub use model::{Field, FieldKind, Label, MapValue, Message, ScalarType};
