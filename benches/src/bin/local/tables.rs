//! What lies in the tables, read from their logs.

use std::fs;
use std::io;
use std::path::Path;

use serde_json::Value;

use crate::case::{TABLES, table};

#[derive(Debug, Clone, Copy, Default)]
pub struct Stored {
    pub versions: u64,
    /// Data files that the newest versions have.
    pub files: u64,
    pub rows: u64,
}

/// All tables together.
pub fn stored(data: &Path) -> io::Result<Stored> {
    let mut all = Stored::default();
    for at in 0..TABLES {
        let folder: std::path::PathBuf = table(at).split('.').collect();
        for entry in fs::read_dir(data.join(folder).join("_delta_log"))? {
            let path = entry?.path();
            if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                all.versions += 1;
                read_version(&fs::read_to_string(path)?, &mut all)?;
            }
        }
    }
    Ok(all)
}

fn read_version(text: &str, all: &mut Stored) -> io::Result<()> {
    for line in text.lines() {
        let action: Value = serde_json::from_str(line)?;
        if let Some(stats) = action["add"]["stats"].as_str() {
            let stats: Value = serde_json::from_str(stats)?;
            all.rows += stats["numRecords"].as_u64().unwrap_or(0);
            all.files += 1;
        }
        // A file that was put into a larger one has rows that were counted with it.
        if let Some(remove) = action.get("remove") {
            let stats: Value = serde_json::from_str(remove["stats"].as_str().unwrap_or("{}"))?;
            all.rows -= stats["numRecords"].as_u64().unwrap_or(0);
            all.files -= 1;
        }
    }
    Ok(())
}
