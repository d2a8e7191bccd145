use std::fs;
use std::io::{self, IsTerminal as _, Write as _};
use std::path::Path;

use crate::exit::Failure;

/// Writes data to the standard output.
pub(crate) fn data(bytes: &[u8]) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(bytes).and_then(|()| stdout.flush()) {
        // Whoever reads has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result.map_err(|error| Failure::failed(format!("standard output: {error}"))),
    }
}

/// Writes a line to the standard error; there is nowhere to say that it failed.
pub(crate) fn note(line: &str) {
    let _ = writeln!(io::stderr().lock(), "{line}");
}

/// Whether bytes that are no text would end on somebody's screen.
pub(crate) fn is_terminal() -> bool {
    io::stdout().is_terminal()
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Changed,
    Unchanged,
}

/// Writes a file whole or not at all, with the folders it lies in; one that holds the bytes already is not touched.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<Written, Failure> {
    let failed = |error: io::Error| Failure::failed(format!("{}: {error}", path.display()));
    if fs::read(path).is_ok_and(|present| present == bytes) {
        return Ok(Written::Unchanged);
    }
    zerobus_codegen::write_file(path, bytes).map_err(failed)?;
    Ok(Written::Changed)
}
