//! Files that are whole or absent, and stay so when the machine stops.

use std::collections::BTreeSet;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use uuid::Uuid;

use super::DeltaError;
use super::data_file::DataFile;

/// A file in the making starts with this. Delta readers pass over names that start with a dot.
const TEMPORARY_PREFIX: &str = ".tmp-";

/// How much a successful write promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durability {
    /// File and folder are on the disk when a write returns.
    Fsync,
    /// They are with the operating system: they outlive the process, not the machine.
    PageCache,
}

/// What to do when the file is there already.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Leave it and fail with [`DeltaError::AlreadyExists`].
    Keep,
    /// Put the new one in its place.
    Replace,
}

/// Files and their folder on their way to the disk, on a thread of their own: the disk takes
/// several flushes at once in little more than the time of one.
#[derive(Debug)]
pub(super) struct Flush(Option<JoinHandle<Result<(), DeltaError>>>);

impl Flush {
    /// Returns once they are there.
    pub(super) fn wait(self) -> Result<(), DeltaError> {
        match self.0.map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(flushed)) => flushed,
            Some(Err(_)) => Err(DeltaError::Kernel("a flush to disk broke off".to_owned())),
        }
    }
}

impl Durability {
    /// Starts to flush files that were just written below `table`, and the folders they are in.
    pub(super) fn flush(self, table: &Path, files: &[DataFile]) -> Result<Flush, DeltaError> {
        if self == Self::PageCache {
            return Ok(Flush(None));
        }
        let mut folders = BTreeSet::new();
        for file in files {
            let below = file.place.path.ancestors().skip(1);
            folders.extend(
                below
                    .take_while(|folder| *folder != table)
                    .map(Path::to_owned),
            );
        }
        folders.insert(table.to_owned());
        let files: Vec<_> = files
            .iter()
            .map(|file| (Arc::clone(&file.file), file.place.path.clone()))
            .collect();
        let thread = thread::Builder::new()
            .name("zerobus-flush".to_owned())
            .spawn(move || {
                for (file, path) in &files {
                    self.sync_file(file, path)?;
                }
                folders
                    .iter()
                    .try_for_each(|folder| self.sync_folder(folder))
            })
            .map_err(|source| DeltaError::io(table, "flush to disk", source))?;
        Ok(Flush(Some(thread)))
    }

    pub(super) fn sync_file(self, file: &File, path: &Path) -> Result<(), DeltaError> {
        match self {
            Self::Fsync => file
                .sync_data()
                .map_err(|source| DeltaError::io(path, "flush to disk", source)),
            Self::PageCache => Ok(()),
        }
    }

    /// A new name in a folder is durable once the folder is.
    pub(super) fn sync_folder(self, folder: &Path) -> Result<(), DeltaError> {
        match self {
            // Only Unix can open a folder as a file; elsewhere the name is durable with the file.
            Self::Fsync if cfg!(unix) => File::open(folder)
                .and_then(|folder| folder.sync_all())
                .map_err(|source| DeltaError::io(folder, "flush to disk", source)),
            _ => Ok(()),
        }
    }

    /// Writes a whole file under a temporary name, then gives it its own in one step: after
    /// `before`, which is what the file must not be seen without.
    pub(super) fn write(
        self,
        path: &Path,
        bytes: &[u8],
        existing: Existing,
        before: impl FnOnce() -> Result<(), DeltaError>,
    ) -> Result<(), DeltaError> {
        let folder = folder_of(path);
        let temporary = temporary_name(folder);
        let written = self
            .write_temporary(&temporary, bytes)
            .and_then(|()| before())
            .and_then(|()| publish(&temporary, path, existing));
        if written.is_err() || existing == Existing::Keep {
            // Left over by a failure or by the hard link; nobody reads it either way.
            let _ = fs::remove_file(&temporary);
        }
        written?;
        self.sync_folder(folder)
    }

    fn write_temporary(self, path: &Path, bytes: &[u8]) -> Result<(), DeltaError> {
        let mut file = create_new(path)?;
        file.write_all(bytes)
            .map_err(|source| DeltaError::io(path, "write", source))?;
        self.sync_file(&file, path)
    }
}

/// Opens a file that must not exist yet.
pub(super) fn create_new(path: &Path) -> Result<File, DeltaError> {
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(|source| DeltaError::io(path, "create", source))
}

/// Removes what an earlier process left half-written in `folder`.
pub(super) fn remove_leftovers(folder: &Path) -> Result<(), DeltaError> {
    let entries = fs::read_dir(folder).map_err(|source| DeltaError::io(folder, "list", source))?;
    for entry in entries {
        let entry = entry.map_err(|source| DeltaError::io(folder, "list", source))?;
        if entry
            .file_name()
            .to_string_lossy()
            .starts_with(TEMPORARY_PREFIX)
        {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// A hard link fails when the name is taken, and a rename does not: so the first publishes what
/// must not overwrite.
fn publish(temporary: &Path, path: &Path, existing: Existing) -> Result<(), DeltaError> {
    let done = match existing {
        Existing::Replace => fs::rename(temporary, path),
        Existing::Keep => match fs::hard_link(temporary, path) {
            // File systems without hard links (FAT, some network and container mounts).
            Err(error) if no_hard_links(&error) && !path.exists() => fs::rename(temporary, path),
            other => other,
        },
    };
    done.map_err(|source| match source.kind() {
        io::ErrorKind::AlreadyExists => DeltaError::AlreadyExists {
            path: path.to_owned(),
        },
        _ => DeltaError::io(path, "create", source),
    })
}

fn no_hard_links(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::Unsupported | io::ErrorKind::PermissionDenied
    )
}

pub(super) fn temporary_name(folder: &Path) -> PathBuf {
    folder.join(format!("{TEMPORARY_PREFIX}{}", Uuid::new_v4()))
}

pub(super) fn folder_of(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}
