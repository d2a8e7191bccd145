use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use zerobus_schema::{Snapshot, TableName, TableSchema};

use crate::rust::{
    self, Construct, DateTimeTypes, DecimalTypes, MapTypes, RustOptions, StringTypes, Style,
    VariantTypes,
};
use crate::snapshot_file::{snapshot_files, write_file};
use crate::source::SourceError;

/// Asks a build script with the feature `live` to fetch its tables.
pub(crate) const LIVE_VARIABLE: &str = "ZEROBUS_LIVE";

/// Generates record types in a build script, from the checked-in snapshots of a package.
///
/// ```no_run
/// // build.rs
/// fn main() -> Result<(), zerobus_codegen::BuildError> {
///     zerobus_codegen::Config::new().table("main.default.air_quality").compile()
/// }
/// ```
///
/// and in the crate:
///
/// ```text
/// include!(concat!(env!("OUT_DIR"), "/zerobus.rs"));
/// ```
///
/// Cargo is told to run the build script again when one of the snapshots changes, and not otherwise.
#[derive(Debug, Clone)]
#[must_use]
pub struct Config {
    schemas: PathBuf,
    tables: Vec<String>,
    out_dir: Option<PathBuf>,
    file_name: String,
    file: Option<PathBuf>,
    rust: RustOptions,
    pub(crate) live: Live,
}

/// Whether, from where and for how long the tables are fetched first.
#[derive(Debug, Clone)]
pub(crate) struct Live {
    pub(crate) wanted: bool,
    #[cfg(feature = "live")]
    pub(crate) deadline: std::time::Duration,
    #[cfg(feature = "live")]
    pub(crate) workspace: Option<zerobus_catalog::Workspace>,
}

impl Default for Config {
    fn default() -> Self {
        Self::new()
    }
}

impl Config {
    /// All snapshots in `schemas/`, written to `OUT_DIR/zerobus.rs`.
    pub fn new() -> Self {
        Self {
            schemas: PathBuf::from("schemas"),
            tables: Vec::new(),
            out_dir: None,
            file_name: "zerobus.rs".to_owned(),
            file: None,
            rust: RustOptions::default(),
            live: Live {
                wanted: false,
                #[cfg(feature = "live")]
                deadline: std::time::Duration::from_secs(20),
                #[cfg(feature = "live")]
                workspace: None,
            },
        }
    }

    /// A table, `catalog.schema.table`; may be called again. Without any, every snapshot of the folder is used.
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.tables.push(name.into());
        self
    }

    /// The folder of snapshots, from the package's root; `schemas` unless set.
    pub fn schemas(mut self, folder: impl Into<PathBuf>) -> Self {
        self.schemas = folder.into();
        self
    }

    /// Where the code is written; cargo's `OUT_DIR` unless set.
    pub fn out_dir(mut self, folder: impl Into<PathBuf>) -> Self {
        self.out_dir = Some(folder.into());
        self
    }

    /// The name of the file; `zerobus.rs` unless set.
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = name.into();
        self
    }

    /// A file to check in, from the package's root, such as `src/tables.rs`: written in the place of one in `OUT_DIR`, and
    /// only when it is not current.
    pub fn file(mut self, path: impl Into<PathBuf>) -> Self {
        self.file = Some(path.into());
        self
    }

    /// All settings of the generated code at once.
    pub fn rust(mut self, options: RustOptions) -> Self {
        self.rust = options;
        self
    }

    /// The crate that the records come from; `zerobus_client` unless set.
    pub fn record_crate(mut self, name: impl Into<String>) -> Self {
        self.rust.record_crate = name.into();
        self
    }

    /// Structs that derive `ZerobusRecord` (unless set), or messages of prost.
    pub fn style(mut self, style: Style) -> Self {
        self.rust.style = style;
        self
    }

    /// What DATE, TIMESTAMP and TIMESTAMP_NTZ are.
    pub fn date_time(mut self, types: DateTimeTypes) -> Self {
        self.rust.date_time = types;
        self
    }

    /// What DECIMAL is.
    pub fn decimal(mut self, types: DecimalTypes) -> Self {
        self.rust.decimal = types;
        self
    }

    /// What MAP is.
    pub fn map(mut self, types: MapTypes) -> Self {
        self.rust.map = types;
        self
    }

    /// What STRING, CHAR and VARCHAR are.
    pub fn string(mut self, types: StringTypes) -> Self {
        self.rust.string = types;
        self
    }

    /// What VARIANT is.
    pub fn variant(mut self, types: VariantTypes) -> Self {
        self.rust.variant = types;
        self
    }

    /// A constructor or a builder for every record.
    pub fn construct(mut self, construct: Construct) -> Self {
        self.rust.construct = construct;
        self
    }

    /// Derives more on the structs at a path; see [`RustOptions::type_attributes`] for what a path is.
    pub fn derive(self, path: impl Into<String>, derives: &str) -> Self {
        self.type_attribute(path, format!("#[derive({derives})]"))
    }

    /// Puts an attribute before the structs at a path; see [`RustOptions::type_attributes`].
    pub fn type_attribute(mut self, path: impl Into<String>, attribute: impl Into<String>) -> Self {
        let attribute = (path.into(), attribute.into());
        self.rust.type_attributes.push(attribute);
        self
    }

    /// Puts an attribute before the fields at a path; see [`RustOptions::type_attributes`].
    pub fn field_attribute(
        mut self,
        path: impl Into<String>,
        attribute: impl Into<String>,
    ) -> Self {
        let attribute = (path.into(), attribute.into());
        self.rust.field_attributes.push(attribute);
        self
    }

    /// Leaves a nullable column out of the records; see [`RustOptions::skip`].
    pub fn skip(mut self, column: impl Into<String>) -> Self {
        self.rust.skip.push(column.into());
        self
    }

    /// Leaves out columns that no stream can carry, where they may be NULL.
    pub fn skip_unsupported(mut self, omit: bool) -> Self {
        self.rust.mapping.skip_unsupported = omit;
        self
    }

    /// Reads the snapshots and writes the code.
    ///
    /// # Errors
    /// [`BuildError`] when there is no snapshot, one of them cannot be used, or the file cannot be written.
    pub fn compile(self) -> Result<(), BuildError> {
        let root = std::env::var_os("CARGO_MANIFEST_DIR").map_or_else(PathBuf::new, PathBuf::from);
        let folder = root.join(&self.schemas);
        let mut tables = Vec::new();
        for name in &self.tables {
            let name =
                TableName::parse(name).map_err(|problem| BuildError::new(problem.to_string()))?;
            if !tables.contains(&name) {
                tables.push(name);
            }
        }
        println!("cargo::rerun-if-env-changed={LIVE_VARIABLE}");
        #[cfg(feature = "live")]
        {
            println!("cargo::rerun-if-env-changed=DOCS_RS");
            self.live.update(&folder, &tables)?;
        }
        #[cfg(not(feature = "live"))]
        if self.live.wanted || std::env::var_os(LIVE_VARIABLE).is_some() {
            println!(
                "cargo::warning=zerobus-codegen is built without its feature `live`: nothing is fetched"
            );
        }
        // What has been fetched is newer than the build's start; said after it, so that it does not count as changed.
        if tables.is_empty() {
            println!("cargo::rerun-if-changed={}", folder.display());
        }
        for table in &tables {
            let file = folder.join(format!("{table}.json"));
            println!("cargo::rerun-if-changed={}", file.display());
        }
        let snapshots = read_snapshots(&folder, &tables)?;
        let path = match (self.file, self.out_dir) {
            (Some(file), _) => root.join(file),
            (None, Some(folder)) => folder.join(&self.file_name),
            (None, None) => std::env::var_os("OUT_DIR")
                .map(|folder| PathBuf::from(folder).join(&self.file_name))
                .ok_or_else(|| {
                    BuildError::new("OUT_DIR is not set; call this from a build script, or set the folder with `out_dir`")
                })?,
        };
        let code = code(&self.schemas, &snapshots, &self.rust)?;
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

/// The snapshots of these tables; without any, all `*.json` of the folder, by name.
fn read_snapshots(folder: &Path, tables: &[TableName]) -> Result<Vec<SnapshotFile>, BuildError> {
    let shown = folder.display().to_string();
    let mut names: Vec<String> = tables.iter().map(|table| format!("{table}.json")).collect();
    if tables.is_empty() {
        names = list(folder)?;
    }
    let mut snapshots = Vec::new();
    for name in names {
        let path = folder.join(&name);
        let origin = path.display().to_string();
        let text = fs::read_to_string(&path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => {
                let table = name.trim_end_matches(".json");
                BuildError::new(format!(
                    "no snapshot of {table} in {shown}; write it with `zerobus pull {table} --schemas {shown}` and check it in"
                ))
            }
            _ => SourceError::io(&origin, error).into(),
        })?;
        let snapshot =
            Snapshot::parse(&text).map_err(|error| SourceError::new(&origin, error.to_string()))?;
        snapshots.push(SnapshotFile {
            name,
            table: snapshot.schema().clone(),
        });
    }
    Ok(snapshots)
}

fn list(folder: &Path) -> Result<Vec<String>, BuildError> {
    let shown = folder.display().to_string();
    let names = snapshot_files(folder).map_err(|error| SourceError::io(&shown, error))?;
    if names.is_empty() {
        return Err(BuildError::new(format!(
            "no snapshot in {shown}; write one with `zerobus pull TABLE --schemas {shown}` and check it in"
        )));
    }
    Ok(names)
}

fn code(
    schemas: &Path,
    snapshots: &[SnapshotFile],
    options: &RustOptions,
) -> Result<String, BuildError> {
    // The derive looks into `schemas/` by itself.
    let elsewhere = schemas != Path::new("schemas");
    let tables: Vec<_> = snapshots
        .iter()
        .map(|snapshot| {
            let file = schemas.join(&snapshot.name);
            let file = elsewhere.then(|| file.to_string_lossy().replace('\\', "/"));
            (&snapshot.table, file)
        })
        .collect();
    // Which table is at fault is only known one by one.
    for (snapshot, table) in snapshots.iter().zip(&tables) {
        let mut alone = options.clone();
        (alone.skip, alone.type_attributes, alone.field_attributes) = Default::default();
        rust::records(std::slice::from_ref(table), &alone).map_err(|error| {
            BuildError::new(format!(
                "{}: {error}",
                schemas.join(&snapshot.name).display()
            ))
        })?;
    }
    let records =
        rust::records(&tables, options).map_err(|error| BuildError::new(error.to_string()))?;
    Ok(format!(
        "// Generated by zerobus-codegen. Do not edit.\n{records}"
    ))
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
