//! The `_delta_log` folder: made for a new table, put in order after a crash.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use uuid::Uuid;

use super::DeltaError;
use super::durable::{self, Durability};

const FOLDER: &str = "_delta_log";

/// The log of a table, as a folder on this disk.
#[derive(Debug)]
pub(super) struct Log {
    folder: PathBuf,
    /// Held open, so that its number on the disk is given to no other folder.
    #[cfg(unix)]
    handle: fs::File,
}

impl Log {
    /// Makes a table's folders, durably, and returns the table's absolute path.
    ///
    /// A torn first entry is what is left of a table that was never created.
    pub(super) fn make(table: &Path, durability: Durability) -> Result<PathBuf, DeltaError> {
        let missing: Vec<_> = table
            .ancestors()
            .take_while(|folder| !folder.as_os_str().is_empty() && !folder.exists())
            .collect();
        let log = table.join(FOLDER);
        fs::create_dir_all(&log).map_err(|source| DeltaError::io(&log, "create", source))?;
        let table = absolute(table)?;
        durability.sync_folder(&table)?;
        for made in missing {
            durability.sync_folder(durable::folder_of(&absolute(made)?))?;
        }
        let log = table.join(FOLDER);
        durable::remove_leftovers(&log)?;
        put_torn_entries_aside(&log)?;
        Ok(table)
    }

    /// The log of the existing table in the folder `table`, an absolute path, put in order.
    pub(super) fn open(table: &Path) -> Result<Self, DeltaError> {
        let folder = table.join(FOLDER);
        let not_a_table = || DeltaError::NotATable {
            path: table.to_owned(),
        };
        if !folder.is_dir() {
            return Err(not_a_table());
        }
        durable::remove_leftovers(&folder)?;
        put_torn_entries_aside(&folder)?;
        let is_log_file = |name: &String| name.ends_with(".json") || name.ends_with(".parquet");
        if !names(&folder)?.iter().any(is_log_file) {
            return Err(not_a_table());
        }
        Ok(Self {
            #[cfg(unix)]
            handle: fs::File::open(&folder)
                .map_err(|source| DeltaError::io(&folder, "open", source))?,
            folder,
        })
    }

    /// Fails when the folder was deleted, or another one stands in its place: an entry written
    /// there would leave a gap in somebody else's table.
    pub(super) fn check(&self) -> Result<(), DeltaError> {
        let found = fs::metadata(&self.folder).and_then(|found| self.is(&found));
        match found {
            Ok(true) => Ok(()),
            Ok(false) => Err(DeltaError::Gone {
                path: self.folder.clone(),
            }),
            Err(source) => Err(DeltaError::io(&self.folder, "open", source)),
        }
    }

    #[cfg(unix)]
    fn is(&self, found: &fs::Metadata) -> io::Result<bool> {
        use std::os::unix::fs::MetadataExt;
        let ours = self.handle.metadata()?;
        Ok((found.dev(), found.ino()) == (ours.dev(), ours.ino()))
    }

    #[cfg(not(unix))]
    fn is(&self, found: &fs::Metadata) -> io::Result<bool> {
        Ok(found.is_dir())
    }

    /// Whether a version has its entry, by whomever.
    pub(super) fn has(&self, version: u64) -> bool {
        self.folder.join(format!("{version:020}.json")).is_file()
    }
}

pub(super) fn absolute(path: &Path) -> Result<PathBuf, DeltaError> {
    fs::canonicalize(path).map_err(|source| DeltaError::io(path, "open", source))
}

/// A last entry that is not whole was never acknowledged, whoever wrote it. It is kept under a
/// hidden name, and the table goes on from the version before it.
fn put_torn_entries_aside(log: &Path) -> Result<(), DeltaError> {
    let mut entries: Vec<_> = names(log)?
        .into_iter()
        .filter(|name| is_entry(name))
        .collect();
    entries.sort_unstable();
    for name in entries.iter().rev() {
        let path = log.join(name);
        let text = fs::read(&path).map_err(|source| DeltaError::io(&path, "read", source))?;
        if is_whole(&text) {
            break;
        }
        let aside = log.join(format!(".torn-{name}-{}", Uuid::new_v4()));
        fs::rename(&path, &aside).map_err(|source| DeltaError::io(&path, "put aside", source))?;
    }
    Ok(())
}

/// Log entries are named by their version in twenty digits.
fn is_entry(name: &str) -> bool {
    name.strip_suffix(".json").is_some_and(|version| {
        version.len() == 20 && version.bytes().all(|digit| digit.is_ascii_digit())
    })
}

fn is_whole(text: &[u8]) -> bool {
    let mut actions = serde_json::Deserializer::from_slice(text)
        .into_iter::<Value>()
        .peekable();
    actions.peek().is_some() && actions.all(|action| action.is_ok_and(|value| value.is_object()))
}

fn names(folder: &Path) -> Result<Vec<String>, DeltaError> {
    let failed = |source: io::Error| DeltaError::io(folder, "list", source);
    fs::read_dir(folder)
        .map_err(failed)?
        .map(|entry| {
            Ok(entry
                .map_err(failed)?
                .file_name()
                .to_string_lossy()
                .into_owned())
        })
        .collect()
}
