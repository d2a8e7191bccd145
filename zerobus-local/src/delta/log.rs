//! The `_delta_log` folder: made for a new table, put in order after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::DeltaError;
use super::durable::{self, Durability};

const LOG_FOLDER: &str = "_delta_log";

/// Makes a table's folders and returns its absolute path.
pub(super) fn make_folders(folder: &Path, durability: Durability) -> Result<PathBuf, DeltaError> {
    let missing: Vec<_> = folder
        .ancestors()
        .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
        .collect();
    let log = folder.join(LOG_FOLDER);
    fs::create_dir_all(&log).map_err(|source| DeltaError::io(&log, "create", source))?;
    let folder = absolute(folder)?;
    durability.sync_folder(&folder)?;
    for made in missing {
        durability.sync_folder(durable::folder_of(&absolute(made)?))?;
    }
    durable::remove_leftovers(&folder.join(LOG_FOLDER))?;
    Ok(folder)
}

/// Puts the log of an existing table in order and returns the table's absolute path.
pub(super) fn recover(folder: &Path) -> Result<PathBuf, DeltaError> {
    let not_a_table = || DeltaError::NotATable {
        path: folder.to_owned(),
    };
    let folder = match fs::canonicalize(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(not_a_table()),
        other => other.map_err(|source| DeltaError::io(folder, "open", source))?,
    };
    if !folder.join(LOG_FOLDER).is_dir() {
        return Err(not_a_table());
    }
    Ok(folder)
}

fn absolute(path: &Path) -> Result<PathBuf, DeltaError> {
    fs::canonicalize(path).map_err(|source| DeltaError::io(path, "open", source))
}
