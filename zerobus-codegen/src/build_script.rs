use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use zerobus_schema::{Snapshot, TableSchema};

use crate::rust::{self, Names, RustOptions};
use crate::snapshot_file::write_file;
use crate::source::SourceError;

/// Asks a build script with the feature `live` to fetch its tables.
pub(crate) const LIVE_VARIABLE: &str = "ZEROBUS_LIVE";

/// Begins the set-up of generation in a build script.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), zerobus_codegen::BuildError> {
///     zerobus_codegen::configure().generate()
/// }
/// ```
///
/// and in the crate:
///
/// ```text
/// include!(concat!(env!("OUT_DIR"), "/zerobus.rs"));
/// ```
#[must_use]
pub fn configure() -> Builder {
    Builder {
        schemas: PathBuf::from("schemas"),
        out_dir: None,
        file_name: "zerobus.rs".to_owned(),
        rust: RustOptions::default(),
        #[cfg(feature = "live")]
        live: crate::live::Live::default(),
    }
}

/// Generates the record types of all snapshots of a package.
///
/// It tells cargo to run the build script again when a snapshot changes.
#[derive(Debug, Clone)]
pub struct Builder {
    schemas: PathBuf,
    out_dir: Option<PathBuf>,
    file_name: String,
    rust: RustOptions,
    #[cfg(feature = "live")]
    pub(crate) live: crate::live::Live,
}

impl Builder {
    /// The folder of snapshots, from the package's root; `schemas` unless set.
    #[must_use]
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.schemas = folder.into();
        self
    }

    /// Where the code is written; cargo's `OUT_DIR` unless set.
    #[must_use]
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// The name of the file; `zerobus.rs` unless set.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = name.into();
        self
    }

    /// How the records are generated.
    #[must_use]
    pub fn rust(mut self, options: RustOptions) -> Self {
        self.rust = options;
        self
    }

    /// Reads the snapshots and writes the code.
    ///
    /// # Errors
    /// [`BuildError`] when there is no snapshot, one of them cannot be used, or the file cannot be written.
    pub fn generate(self) -> Result<(), BuildError> {
        let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
        let folder = root.join(&self.schemas);
        println!("cargo::rerun-if-changed={}", folder.display());
        println!("cargo::rerun-if-env-changed={LIVE_VARIABLE}");
        #[cfg(feature = "live")]
        self.live.update(&folder)?;
        #[cfg(not(feature = "live"))]
        if std::env::var_os(LIVE_VARIABLE).is_some() {
            println!(
                "cargo::warning={LIVE_VARIABLE} is set, but zerobus-codegen is built without its feature `live`: nothing is fetched"
            );
        }
        let snapshots = read_snapshots(&folder)?;
        let out_dir = match self.out_dir {
            Some(folder) => folder,
            None => std::env::var_os("OUT_DIR")
                .map(PathBuf::from)
                .ok_or_else(|| {
                    BuildError::new("OUT_DIR is not set; call this from a build script, or set the folder with `out_dir`")
                })?,
        };
        let path = out_dir.join(&self.file_name);
        let code = modules(&self.schemas, &snapshots, &self.rust)?;
        // An unchanged file keeps its time, so that nothing is compiled again.
        if fs::read(&path).is_ok_and(|present| present == code.as_bytes()) {
            return Ok(());
        }
        write_file(&path, code.as_bytes())
            .map_err(|error| SourceError::io(&path.display().to_string(), error).into())
    }
}

/// A snapshot and its file's name.
struct SnapshotFile {
    name: String,
    table: TableSchema,
}

/// All `*.json` of the folder, by name.
fn read_snapshots(folder: &Path) -> Result<Vec<SnapshotFile>, BuildError> {
    let shown = folder.display().to_string();
    let none = || {
        BuildError::new(format!(
            "no snapshot in {shown}; write one with `zerobus pull TABLE --schemas {shown}` and check it in"
        ))
    };
    let mut names = Vec::new();
    match fs::read_dir(folder) {
        Ok(entries) => {
            for entry in entries {
                let entry = entry.map_err(|error| SourceError::io(&shown, error))?;
                let name = entry.file_name().into_string().unwrap_or_default();
                if name.ends_with(".json") && !name.starts_with('.') {
                    names.push(name);
                }
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Err(none()),
        Err(error) => return Err(SourceError::io(&shown, error).into()),
    }
    // What a folder's listing gives has no order.
    names.sort_unstable();
    let mut snapshots = Vec::new();
    for name in names {
        let path = folder.join(&name);
        let origin = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| SourceError::io(&origin, error))?;
        let snapshot =
            Snapshot::parse(&text).map_err(|error| SourceError::new(&origin, error.to_string()))?;
        snapshots.push(SnapshotFile {
            name,
            table: snapshot.schema().clone(),
        });
    }
    if snapshots.is_empty() {
        return Err(none());
    }
    Ok(snapshots)
}

/// One module a table, and the records' own names beside them.
fn modules(
    schemas: &Path,
    snapshots: &[SnapshotFile],
    options: &RustOptions,
) -> Result<String, BuildError> {
    let mut out = String::from("// Generated by zerobus-codegen. Do not edit.\n");
    let mut modules = Names::of_values();
    let mut records = Names::of_types();
    for snapshot in snapshots {
        let table = &snapshot.table;
        let name = distinct_name(table, snapshots);
        let module = rust::raw(modules.give(&rust::field_name(&name)));
        let record = records.give(&rust::type_name(&name));
        let mut options = options.clone();
        if schemas != Path::new("schemas") {
            let file = schemas.join(&snapshot.name);
            options.schema_file = Some(file.to_string_lossy().replace('\\', "/"));
        }
        let body = rust::body(table, &record, &options).map_err(|error| BuildError {
            message: format!("{}: {error}", schemas.join(&snapshot.name).display()),
        })?;
        out.push_str(&format!(
            "\npub use {module}::{record};\n\n/// The records of one table.\npub mod {module} {{\n{}}}\n",
            indent(&body)
        ));
    }
    Ok(out)
}

/// As many of the last parts of the table's name as tell it from the others.
fn distinct_name(table: &TableSchema, snapshots: &[SnapshotFile]) -> String {
    fn end(table: &TableSchema, parts: usize) -> Option<&[String]> {
        let all = table.table.as_ref()?.parts();
        all.get(all.len().checked_sub(parts)?..)
    }
    let alone = |parts: &usize| {
        let mine = end(table, *parts);
        let same = |other: &&SnapshotFile| end(&other.table, *parts) == mine;
        mine.is_some() && snapshots.iter().filter(same).count() == 1
    };
    let parts = (1..=3).find(alone).unwrap_or(3);
    end(table, parts).map_or_else(|| "record".to_owned(), |parts| parts.join("_"))
}

fn indent(code: &str) -> String {
    code.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("    {line}\n")
            }
        })
        .collect()
}

/// Why a build script could not generate code.
#[derive(Clone, PartialEq, Eq)]
pub struct BuildError {
    message: String,
}

impl BuildError {
    pub(crate) fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
        }
    }
}

impl From<SourceError> for BuildError {
    fn from(error: SourceError) -> Self {
        Self::new(error.to_string())
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// What a build script's `main` prints when it returns the error.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for BuildError {}
