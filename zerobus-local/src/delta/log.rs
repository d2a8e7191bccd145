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
    /// Where its last entry is now, if that was torn.
    put_aside: Option<PathBuf>,
    /// Held open, so that its number on the disk is given to no other folder.
    #[cfg(unix)]
    handle: fs::File,
}

/// Makes the folders of a new table and has the table created in them, given its absolute path.
/// When that fails, those that are still empty are gone again.
pub(super) fn in_new_folders<T>(
    table: &Path,
    durability: Durability,
    create: impl FnOnce(&Path) -> Result<T, DeltaError>,
) -> Result<T, DeltaError> {
    let log = table.join(FOLDER);
    let missing: Vec<_> = log
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .collect();
    let created = make_folders(&log, &missing, durability)
        .and_then(|()| put_in_order(&log))
        .and_then(|()| absolute(table))
        .and_then(|table| create(&table));
    if created.is_err() {
        for folder in missing {
            let _ = fs::remove_dir(folder);
        }
    }
    created
}

fn make_folders(log: &Path, missing: &[&Path], durability: Durability) -> Result<(), DeltaError> {
    fs::create_dir_all(log).map_err(|source| DeltaError::io(log, "create", source))?;
    for made in missing {
        durability.sync_folder(durable::folder_of(&absolute(made)?))?;
    }
    Ok(())
}

fn absolute(path: &Path) -> Result<PathBuf, DeltaError> {
    fs::canonicalize(path).map_err(|source| DeltaError::io(path, "open", source))
}

/// Clears away what a crash left.
fn put_in_order(log: &Path) -> Result<(), DeltaError> {
    durable::remove_leftovers(log)?;
    put_torn_entry_aside(log).map(drop)
}

impl Log {
    /// The absolute path of the existing table in the folder `table`, and its log, put in order.
    pub(super) fn open(table: &Path) -> Result<(PathBuf, Self), DeltaError> {
        let (table, log) = Self::reopen(table)?;
        durable::remove_leftovers(&log.folder)?;
        // What was on its way to be one file in the place of others.
        durable::remove_leftovers(&table)?;
        Ok((table, log))
    }

    /// The same without clearing anything away but a torn entry.
    pub(super) fn reopen(table: &Path) -> Result<(PathBuf, Self), DeltaError> {
        let not_a_table = || DeltaError::NotATable {
            path: table.to_owned(),
        };
        let table = match absolute(table) {
            Err(DeltaError::Gone { .. }) => return Err(not_a_table()),
            other => other?,
        };
        let folder = table.join(FOLDER);
        if !folder.is_dir() {
            return Err(not_a_table());
        }
        let put_aside = put_torn_entry_aside(&folder)?;
        let is_log_file = |name: &String| name.ends_with(".json") || name.ends_with(".parquet");
        if !names(&folder)?.iter().any(is_log_file) {
            return Err(not_a_table());
        }
        let log = Self {
            #[cfg(unix)]
            handle: fs::File::open(&folder)
                .map_err(|source| DeltaError::io(&folder, "open", source))?,
            folder,
            put_aside,
        };
        Ok((table, log))
    }

    /// Where its last entry is now, if that was torn when it was opened.
    pub(super) fn put_aside(&self) -> Option<&Path> {
        self.put_aside.as_deref()
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

/// A last entry that is not whole was never acknowledged, whoever wrote it. It is kept under a
/// hidden name, and the table goes on from the version before it. Nobody can say that of the entry before it.
fn put_torn_entry_aside(log: &Path) -> Result<Option<PathBuf>, DeltaError> {
    let last = names(log)?.into_iter().filter(|name| is_entry(name)).max();
    let Some(name) = last else {
        return Ok(None);
    };
    let path = log.join(&name);
    let text = fs::read(&path).map_err(|source| DeltaError::io(&path, "read", source))?;
    if is_whole(&text) {
        return Ok(None);
    }
    let aside = log.join(format!(".torn-{name}-{}", Uuid::new_v4()));
    fs::rename(&path, &aside).map_err(|source| DeltaError::io(&path, "put aside", source))?;
    Ok(Some(aside))
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
