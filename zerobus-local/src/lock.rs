use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

use fs4::{FileExt, TryLockError};
use uuid::Uuid;

use crate::error::LocalError;

/// A folder that goes away with its owner.
#[derive(Debug)]
pub(crate) struct TemporaryFolder(PathBuf);

impl TemporaryFolder {
    /// A new name; the folder is made by whoever takes it.
    pub(crate) fn new() -> Self {
        let name = format!("zerobus-local-{}", Uuid::new_v4());
        Self(std::env::temp_dir().join(name))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for TemporaryFolder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

const LOCK_FILE: &str = ".zerobus-local.lock";

/// Holds a data folder for one server; the system lets go of it when the process ends, however it ends.
#[derive(Debug)]
pub(crate) struct FolderLock {
    _file: File,
}

impl FolderLock {
    /// Makes the folder when it is missing, and takes it.
    pub(crate) fn take(folder: &Path) -> Result<Self, LocalError> {
        let error = |source: io::Error| LocalError::DataFolder {
            path: folder.to_owned(),
            source,
        };
        fs::create_dir_all(folder).map_err(error)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(folder.join(LOCK_FILE))
            .map_err(error)?;
        match FileExt::try_lock(&file) {
            Ok(()) => Ok(Self { _file: file }),
            Err(TryLockError::WouldBlock) => Err(LocalError::Locked {
                path: folder.to_owned(),
            }),
            Err(TryLockError::Error(source)) => Err(error(source)),
        }
    }
}
