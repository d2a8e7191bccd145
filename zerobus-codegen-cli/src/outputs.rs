//! Generated files: what they should hold, and what lies on disk.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use zerobus_codegen::{
    RustOptions, ddl, descriptor, file_descriptor_set, proto_in, rust_tables, snapshot_files,
};
use zerobus_schema::TableSchema;
use zerobus_schema::mapping::MappingOptions;

use crate::project::{Kind, Output};
use crate::proto_file::ProtoFile;

/// A file as it should be.
#[derive(Debug)]
pub(crate) struct Rendered {
    pub(crate) path: PathBuf,
    pub(crate) bytes: Vec<u8>,
}

/// How a file on disk compares.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum State {
    Current,
    Missing,
    /// The first line that differs, from 1; the first one of a binary file.
    Stale(usize),
}

impl Rendered {
    pub(crate) fn state(&self) -> Result<State, String> {
        let present = match fs::read(&self.path) {
            Ok(present) => present,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                return Ok(State::Missing);
            }
            Err(error) => return Err(format!("{}: {error}", self.path.display())),
        };
        if present == self.bytes {
            return Ok(State::Current);
        }
        let lines = |bytes: &[u8]| bytes.iter().filter(|byte| **byte == b'\n').count() + 1;
        let same = present
            .iter()
            .zip(&self.bytes)
            .take_while(|(one, other)| one == other)
            .count();
        let line = match std::str::from_utf8(&self.bytes) {
            Ok(_) => lines(present.get(..same).unwrap_or_default()),
            Err(_) => 1,
        };
        Ok(State::Stale(line))
    }
}

/// One text or descriptor of one table.
pub(crate) fn render(
    kind: Kind,
    table: &TableSchema,
    mapping: &MappingOptions,
    options: &RustOptions,
    file: &ProtoFile,
) -> Result<Vec<u8>, String> {
    let package = file.package.as_deref();
    let text = match kind {
        Kind::Proto => proto_in(table, mapping, package)
            .map(String::into_bytes)
            .map_err(|error| error.to_string()),
        Kind::Descriptor if file.is_set => {
            file_descriptor_set(table, mapping, package).map_err(|error| error.to_string())
        }
        Kind::Descriptor => descriptor(table, mapping).map_err(|error| error.to_string()),
        Kind::Rust => return render_rust(std::slice::from_ref(table), mapping, options),
        Kind::Ddl => Ok(ddl(table).into_bytes()),
    };
    text.map_err(|error| match &table.table {
        Some(table) => format!("{table}: cannot be generated\n{error}"),
        None => error,
    })
}

/// The records of tables, in one file.
pub(crate) fn render_rust(
    tables: &[TableSchema],
    mapping: &MappingOptions,
    options: &RustOptions,
) -> Result<Vec<u8>, String> {
    let mut options = options.clone();
    options.mapping = mapping.clone();
    rust_tables(tables, &options)
        .map(String::into_bytes)
        .map_err(|error| match tables {
            [
                TableSchema {
                    table: Some(name), ..
                },
            ] => format!("{name}: cannot be generated\n{error}"),
            _ => error.to_string(),
        })
}

/// The files of one output of the project.
pub(crate) fn files(
    output: &Output,
    tables: &BTreeMap<String, TableSchema>,
) -> Result<Vec<Rendered>, String> {
    let chosen: Vec<&TableSchema> = if output.tables.is_empty() {
        tables.values().collect()
    } else {
        let named = output.tables.iter().map(|name| {
            tables.get(&name.to_string()).ok_or_else(|| {
                format!(
                    "{}: the output {} has no snapshot of it; write it with `zerobus pull {name}`",
                    name, output.path
                )
            })
        });
        named.collect::<Result<_, _>>()?
    };
    let one_each = ["{catalog}", "{schema}", "{table}"]
        .iter()
        .any(|part| output.path.contains(part));
    if !one_each && output.kind == Kind::Rust && !chosen.is_empty() {
        let tables: Vec<TableSchema> = chosen.into_iter().cloned().collect();
        return Ok(vec![Rendered {
            path: output.root.join(&output.path),
            bytes: render_rust(&tables, &output.mapping, &output.rust)?,
        }]);
    }
    if !one_each && chosen.len() > 1 {
        return Err(format!(
            "the output {} is one file, and there are {} tables; put {{table}} into its path, or name one table",
            output.path,
            chosen.len()
        ));
    }
    let mut files: Vec<Rendered> = Vec::new();
    for table in chosen {
        let name = table.table.as_ref().and_then(|name| name.to_full().ok());
        let mut path = output.path.clone();
        if let Some(name) = &name {
            path = path
                .replace("{catalog}", name.catalog())
                .replace("{schema}", name.schema())
                .replace("{table}", name.table());
        }
        let path = output.root.join(path);
        if files.iter().any(|file| file.path == path) {
            return Err(format!(
                "{}: two tables would be written to it; put {{schema}} or {{catalog}} into the output's path too",
                path.display()
            ));
        }
        files.push(Rendered {
            path,
            bytes: render(
                output.kind,
                table,
                &output.mapping,
                &output.rust,
                &output.file,
            )?,
        });
    }
    Ok(files)
}

/// The snapshots of a folder by table, each with its file and the text in it; what cannot be read is told beside them.
#[derive(Debug, Default)]
pub(crate) struct Snapshots {
    pub(crate) tables: BTreeMap<String, TableSchema>,
    pub(crate) files: BTreeMap<String, PathBuf>,
    /// The snapshots that are not as `pull` writes them.
    pub(crate) not_canonical: Vec<(String, &'static str)>,
    pub(crate) errors: Vec<(String, String)>,
}

impl Snapshots {
    /// Those in `folder`; a folder that is not there has none.
    pub(crate) fn open(folder: &Path) -> Result<Self, String> {
        let names =
            snapshot_files(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let mut snapshots = Self::default();
        for name in names {
            let file = folder.join(&name);
            match fs::read_to_string(&file) {
                Ok(text) => snapshots.add(file, &text),
                Err(error) => snapshots.error(&file, &error.to_string()),
            }
        }
        Ok(snapshots)
    }

    /// Takes in the text of a file.
    pub(crate) fn add(&mut self, file: PathBuf, text: &str) {
        let snapshot = match zerobus_schema::Snapshot::parse(text) {
            Ok(snapshot) => snapshot,
            Err(error) => return self.error(&file, &error.to_string()),
        };
        let Some(name) = snapshot.schema().table.as_ref().map(ToString::to_string) else {
            return self.error(
                &file,
                "the snapshot does not name its table; write it with `zerobus pull`",
            );
        };
        let stem = file
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        if let Some(other) = self.files.get(&name) {
            let problem = format!(
                "it is the snapshot of {name}, and so is {}",
                other.display()
            );
            return self.error(&file, &problem);
        }
        if stem.as_deref() != Some(&name) {
            self.not_canonical
                .push((name.clone(), "the file does not have the table's name"));
        } else if snapshot.to_json() != text {
            self.not_canonical
                .push((name.clone(), "the file is not as `zerobus pull` writes it"));
        }
        self.tables.insert(name.clone(), snapshot.schema().clone());
        self.files.insert(name, file);
    }

    fn error(&mut self, file: &Path, problem: &str) {
        let stem = file
            .file_stem()
            .map(|stem| stem.to_string_lossy().into_owned());
        self.errors.push((
            stem.unwrap_or_default(),
            format!("{}: {problem}", file.display()),
        ));
    }
}
