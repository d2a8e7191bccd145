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

/// Writes a file whole or not at all, with the folders it lies in.
pub(crate) fn file(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let write = || {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        fs::write(&temporary, bytes)?;
        fs::rename(&temporary, path)
    };
    write().map_err(|error: io::Error| Failure::failed(format!("{}: {error}", path.display())))
}
