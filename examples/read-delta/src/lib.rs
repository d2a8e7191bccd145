//! Reads a Delta table from disk with nothing but its log and the parquet crate.
//!
//! It shares no code with the writer of `zerobus-local`, so that what the examples print and the tests compare is
//! what any other reader of Delta would find. It reads tables whose log begins at version 0 in JSON, which is how
//! `zerobus-local` leaves them; it knows no deletion vectors and no column mapping, and says so when it meets them.

mod log;
mod render;
mod rows;
mod value;

use std::fmt;
use std::path::{Path, PathBuf};

pub use log::{DataFile, DeltaLog};
pub use render::render;
pub use rows::{Rows, rows};

/// What could not be read, and where.
#[derive(Debug)]
pub struct ReadError {
    path: PathBuf,
    problem: String,
}

impl ReadError {
    fn new(path: &Path, problem: impl fmt::Display) -> Self {
        Self {
            path: path.to_owned(),
            problem: problem.to_string(),
        }
    }
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path.display(), self.problem)
    }
}

impl std::error::Error for ReadError {}
