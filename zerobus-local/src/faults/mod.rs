//! What the server can be told to do wrong.

mod active;
mod fault;
mod list;
mod rule;

pub(crate) use active::Faults;
pub use fault::Fault;
pub use list::FaultError;
pub use rule::FaultRule;
