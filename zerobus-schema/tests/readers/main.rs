//! What the readers make of the sources of a schema, and what is written of it.

#![allow(clippy::unwrap_used, clippy::panic)]

mod catalog;
mod ddl;
mod delta;
mod hostile;
mod round_trip;
