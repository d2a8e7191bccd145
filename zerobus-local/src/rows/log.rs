//! The data files in force, from the log's entries.

use std::collections::{BTreeMap, HashMap};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde_json::Value;
use url::Url;

use super::RowsError;

/// A data file in force.
#[derive(Debug, Clone)]
pub(crate) struct DataFile {
    pub(crate) path: PathBuf,
    /// As the log has it.
    pub(crate) log_path: String,
    /// Those that are not NULL.
    pub(crate) partition_values: BTreeMap<String, String>,
    pub(crate) rows: u64,
    pub(crate) bytes: u64,
}

/// The data files of a table as far as its log was read, which is read on from there.
#[derive(Debug, Default)]
pub(crate) struct LiveFiles {
    /// The version that is read next.
    next: u64,
    files: BTreeMap<Place, DataFile>,
    places: HashMap<PathBuf, Place>,
    rows: u64,
    bytes: u64,
    /// What this server has put others in the place of, and when, in milliseconds since 1970.
    retired: Vec<(i64, PathBuf)>,
}

/// Where a file stands among the others: by the version that brought its rows, and its place in that entry. A file
/// that was only rewritten stands where its rows were.
type Place = (u64, usize);

impl LiveFiles {
    /// Reads the entries that were added since. The server keeps all entries of its logs.
    pub(crate) fn follow(&mut self, table: &Path) -> Result<(), RowsError> {
        let log = table.join("_delta_log");
        loop {
            let path = log.join(format!("{:020}.json", self.next));
            let text = match fs::read_to_string(&path) {
                Ok(text) => text,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error) => return Err(RowsError::file(&path, &error)),
            };
            let actions: Result<Vec<Value>, _> = text.lines().map(serde_json::from_str).collect();
            let actions = actions.map_err(|error| RowsError::file(&path, &error))?;
            self.apply(table, &actions)
                .map_err(|problem| RowsError::file(&path, &problem))?;
            self.next += 1;
        }
        if self.next == 0 {
            return Err(RowsError::file(
                &log,
                &"its first entry is not there; another writer may have removed it",
            ));
        }
        Ok(())
    }

    /// In the order of their commits.
    pub(crate) fn files(&self) -> impl DoubleEndedIterator<Item = &DataFile> {
        self.files.values()
    }

    pub(crate) fn count(&self) -> usize {
        self.files.len()
    }

    /// By the statistics of the log.
    pub(crate) fn rows(&self) -> u64 {
        self.rows
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    pub(crate) fn contains(&self, path: &Path) -> bool {
        self.places.contains_key(path)
    }

    /// Takes out what this server retired before a time, and is in force no more.
    pub(crate) fn take_retired(&mut self, before: i64) -> Vec<PathBuf> {
        let (taken, kept) = std::mem::take(&mut self.retired)
            .into_iter()
            .partition(|(when, _)| *when < before);
        self.retired = kept;
        let taken: Vec<(i64, PathBuf)> = taken;
        let taken = taken.into_iter().map(|(_, path)| path);
        taken.filter(|path| !self.contains(path)).collect()
    }

    fn apply(&mut self, table: &Path, actions: &[Value]) -> Result<(), &'static str> {
        // Nothing is taken from an entry of which anything cannot be read.
        let mut removed = Vec::new();
        let mut added = Vec::new();
        let mut is_rewritten = true;
        for action in actions {
            for (key, into) in [("remove", &mut removed), ("add", &mut added)] {
                if let Some(action) = action.get(key).filter(|action| !action.is_null()) {
                    is_rewritten &= action.get("dataChange") == Some(&Value::Bool(false));
                    into.push((path_of(table, action)?, action));
                }
            }
        }
        if added.iter().any(|(_, action)| has_deletion_vector(action)) {
            return Err(
                "another writer has deleted rows by deletion vectors, which are not read here",
            );
        }
        if is_rewritten && is_ours(actions) {
            self.retired
                .extend(removed.iter().filter_map(|(path, action)| {
                    let when = action.get("deletionTimestamp")?.as_i64()?;
                    Some((when, path.clone()))
                }));
        }
        // Where the rows of a partition were that are in other files now.
        let mut before: HashMap<BTreeMap<String, String>, Place> = HashMap::new();
        for (path, _) in &removed {
            let Some(place) = self.places.remove(path) else {
                continue;
            };
            if let Some(file) = self.files.remove(&place) {
                self.rows = self.rows.saturating_sub(file.rows);
                self.bytes = self.bytes.saturating_sub(file.bytes);
                let first = before.entry(file.partition_values).or_insert(place);
                *first = place.min(*first);
            }
        }
        for (at, (path, action)) in added.into_iter().enumerate() {
            let file = data_file(path, action);
            let rewritten = before
                .get(&file.partition_values)
                .filter(|_| is_rewritten && !self.places.contains_key(&file.path));
            let mut place = rewritten.copied().unwrap_or((self.next, at));
            while self.files.contains_key(&place) {
                place.1 += 1;
            }
            self.rows = self.rows.saturating_add(file.rows);
            self.bytes = self.bytes.saturating_add(file.bytes);
            if let Some(place) = self.places.insert(file.path.clone(), place) {
                // Added once more, with other statistics perhaps.
                if let Some(old) = self.files.remove(&place) {
                    self.rows = self.rows.saturating_sub(old.rows);
                    self.bytes = self.bytes.saturating_sub(old.bytes);
                }
            }
            self.files.insert(place, file);
        }
        Ok(())
    }
}

/// Whether this server wrote an entry.
fn is_ours(actions: &[Value]) -> bool {
    let engines = actions
        .iter()
        .filter_map(|action| action.pointer("/commitInfo/engineInfo"));
    let mut engines = engines.filter_map(Value::as_str);
    engines.any(|engine| engine.starts_with(concat!(env!("CARGO_PKG_NAME"), "/")))
}

fn has_deletion_vector(add: &Value) -> bool {
    add.get("deletionVector")
        .is_some_and(|vector| !vector.is_null())
}

fn data_file(path: PathBuf, add: &Value) -> DataFile {
    let values = add.get("partitionValues").and_then(Value::as_object);
    let values = values.into_iter().flatten();
    let stats = add.get("stats").and_then(Value::as_str).unwrap_or_default();
    let stats: Value = serde_json::from_str(stats).unwrap_or_default();
    let number = |value: Option<&Value>| value.and_then(Value::as_u64).unwrap_or_default();
    let log_path = add.get("path").and_then(Value::as_str).unwrap_or_default();
    DataFile {
        path,
        log_path: log_path.to_owned(),
        partition_values: values
            .filter_map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned())))
            .collect(),
        rows: number(stats.get("numRecords")),
        bytes: number(add.get("size")),
    }
}

/// A path is that of a URL, relative to the table's.
fn path_of(table: &Path, action: &Value) -> Result<PathBuf, &'static str> {
    let path = action.get("path").and_then(Value::as_str);
    let table = Url::from_directory_path(table).ok();
    let joined = table
        .zip(path)
        .and_then(|(table, path)| table.join(path).ok());
    let local = joined.and_then(|url| url.to_file_path().ok());
    local.ok_or("the path of a file cannot be read")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::fs;

    use serde_json::json;

    use super::*;

    struct Table {
        folder: tempfile::TempDir,
        live: LiveFiles,
    }

    impl Table {
        fn new() -> Self {
            let folder = tempfile::tempdir().unwrap();
            fs::create_dir(folder.path().join("_delta_log")).unwrap();
            Self {
                folder,
                live: LiveFiles::default(),
            }
        }

        /// Another entry, and the names and rows of the files in force after it.
        fn commit(&mut self, version: u64, actions: &[Value]) -> Vec<(String, u64)> {
            let text: String = actions.iter().map(|action| format!("{action}\n")).collect();
            let entry = format!("_delta_log/{version:020}.json");
            fs::write(self.folder.path().join(entry), text).unwrap();
            self.live.follow(self.folder.path()).unwrap();
            let files = self.live.files().map(|file| {
                let name = file.path.file_name().unwrap().to_str().unwrap();
                (name.to_owned(), file.rows)
            });
            files.collect()
        }
    }

    fn add(path: &str, rows: u64, data_change: bool) -> Value {
        let stats = json!({"numRecords": rows}).to_string();
        json!({"add": {"path": path, "partitionValues": {}, "size": 10, "dataChange": data_change, "stats": stats}})
    }

    fn remove(path: &str, data_change: bool) -> Value {
        json!({"remove": {"path": path, "dataChange": data_change}})
    }

    fn files(files: &[(&str, u64)]) -> Vec<(String, u64)> {
        let named = files.iter().map(|(name, rows)| ((*name).to_owned(), *rows));
        named.collect()
    }

    #[test]
    fn rewritten_rows_stay_where_they_were_and_others_come_last() {
        let mut table = Table::new();
        table.commit(0, &[add("a", 1, true), add("b", 2, true)]);
        table.commit(1, &[add("c", 3, true)]);
        let rewritten = [remove("a", false), remove("b", false), add("ab", 3, false)];
        let found = table.commit(2, &rewritten);
        assert_eq!(found, files(&[("ab", 3), ("c", 3)]));
        let found = table.commit(3, &[remove("ab", true), add("d", 1, true)]);
        assert_eq!(found, files(&[("c", 3), ("d", 1)]));
        let live = &table.live;
        assert_eq!((live.count(), live.rows(), live.bytes()), (2, 4, 20));
    }

    #[test]
    fn a_file_that_is_added_twice_counts_once() {
        let mut table = Table::new();
        table.commit(0, &[add("a", 1, true)]);
        assert_eq!(table.commit(1, &[add("a", 2, true)]), files(&[("a", 2)]));
        assert_eq!((table.live.count(), table.live.rows()), (1, 2));
    }

    #[test]
    fn an_entry_that_cannot_be_read_is_named_and_nothing_of_it_counts() {
        let mut table = Table::new();
        table.commit(0, &[add("a", 1, true)]);
        let entry = table
            .folder
            .path()
            .join("_delta_log/00000000000000000001.json");
        for broken in [
            format!("{}\n{{\"add\":", add("b", 1, true)),
            format!("{}\n{}", add("b", 1, true), json!({"add": {"size": 1}})),
        ] {
            fs::write(&entry, broken).unwrap();
            let error = table.live.follow(table.folder.path()).unwrap_err();
            assert!(error.to_string().contains("1.json"), "{error}");
            assert_eq!(table.live.count(), 1);
        }
        let found = table.commit(1, &[add("b", 1, true)]);
        assert_eq!(found, files(&[("a", 1), ("b", 1)]));
    }
}
