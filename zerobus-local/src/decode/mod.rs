//! Records as they travel, protobuf or JSON, straight into Arrow columns.
//!
//! A stream's [`Plan`] is made once, from the table and (for protobuf) the client's descriptor. Each record is then
//! read in one pass into the columns of a [`Chunk`], without any value in between; a chunk becomes a record batch
//! when the writer asks for it.

mod chunk;
mod collection;
mod column;
mod descriptor;
mod fault;
mod json;
mod offsets;
mod partition;
mod plan;
mod planner;
mod position;
mod proto;
mod runs;
mod text;
mod validity;
mod variant;
pub(crate) mod wire;

pub(crate) use chunk::Chunk;
pub(crate) use descriptor::{Descriptor, DescriptorError};
pub(crate) use fault::Fault;
pub(crate) use plan::Plan;
pub(crate) use planner::Mismatch;

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests;
