//! `zerobus.toml`: the tables of a project, where their snapshots and outputs lie, and what drift is approved.

mod approval;
mod date;
mod read;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use zerobus_codegen::RustOptions;
use zerobus_schema::TableName;
use zerobus_schema::mapping::MappingOptions;

pub(crate) use approval::{Approval, Approvals};

use crate::exit::Failure;
use crate::proto_file::ProtoFile;

/// The file's name.
pub(crate) const FILE: &str = "zerobus.toml";

/// What `zerobus.toml` says, or what holds without one.
#[derive(Debug, Default)]
pub(crate) struct Project {
    /// The file, where there is one.
    pub(crate) file: Option<PathBuf>,
    /// The folder of snapshots.
    pub(crate) schemas: PathBuf,
    pub(crate) tables: Vec<Table>,
    pub(crate) outputs: Vec<Output>,
    pub(crate) approvals: Vec<Approval>,
    /// Files and folders of Rust that hold records.
    pub(crate) code: Vec<PathBuf>,
}

/// A table that the project writes to.
#[derive(Debug)]
pub(crate) struct Table {
    /// What its snapshot and the code call it.
    pub(crate) name: TableName,
    /// What it is called elsewhere, by environment.
    pub(crate) environments: BTreeMap<String, TableName>,
    pub(crate) line: usize,
}

/// A file, or a file a table, that is generated and checked in.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) kind: Kind,
    /// May hold `{catalog}`, `{schema}` and `{table}`: then there is one file for each table.
    pub(crate) path: String,
    /// From the folder of `zerobus.toml`.
    pub(crate) root: PathBuf,
    /// All of the project's unless given.
    pub(crate) tables: Vec<TableName>,
    pub(crate) mapping: MappingOptions,
    pub(crate) rust: RustOptions,
    pub(crate) file: ProtoFile,
    pub(crate) line: usize,
}

/// What is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Proto,
    Rust,
    Descriptor,
    Ddl,
}

impl Kind {
    const ALL: [(&'static str, Self); 4] = [
        ("proto", Self::Proto),
        ("rust", Self::Rust),
        ("descriptor", Self::Descriptor),
        ("ddl", Self::Ddl),
    ];

    /// The ending of such a file.
    pub(crate) const fn extension(self) -> &'static str {
        match self {
            Self::Proto => "proto",
            Self::Rust => "rs",
            Self::Descriptor => "descriptor",
            Self::Ddl => "sql",
        }
    }

    /// The name in `zerobus.toml` and on the command line.
    pub(crate) fn as_str(self) -> &'static str {
        let named = Self::ALL.iter().find(|(_, kind)| *kind == self);
        named.map_or("", |(name, _)| name)
    }
}

impl Project {
    /// Reads the file given, else the one found in the current folder or above it; without one, everything is as its
    /// default.
    pub(crate) fn open(config: Option<&Path>, schemas: Option<&Path>) -> Result<Self, Failure> {
        let file = match config {
            Some(file) => Some(file.to_owned()),
            None => find(),
        };
        let mut project = match file {
            Some(file) => read::project(&file)?,
            None => Self {
                schemas: PathBuf::from("schemas"),
                ..Self::default()
            },
        };
        if let Some(schemas) = schemas {
            project.schemas = schemas.to_owned();
        }
        Ok(project)
    }

    /// What the table is called where it is fetched.
    pub(crate) fn name_in(
        &self,
        table: &TableName,
        environment: Option<&str>,
    ) -> Result<TableName, Failure> {
        let Some(environment) = environment else {
            return Ok(table.clone());
        };
        let listed = self.tables.iter().find(|listed| listed.name == *table);
        let name = listed.and_then(|listed| listed.environments.get(environment));
        name.cloned().ok_or_else(|| {
            let known: Vec<&str> = listed
                .into_iter()
                .flat_map(|listed| listed.environments.keys().map(String::as_str))
                .collect();
            let known = if known.is_empty() {
                "none".to_owned()
            } else {
                known.join(", ")
            };
            Failure::usage(format!(
                "--env {environment}: {FILE} does not say what {table} is called there; it names {known}"
            ))
        })
    }
}

/// The nearest `zerobus.toml`, as a path from the current folder.
fn find() -> Option<PathBuf> {
    let levels = std::env::current_dir().ok()?.components().count();
    let mut folder = PathBuf::new();
    for _ in 0..levels {
        let file = folder.join(FILE);
        if file.is_file() {
            return Some(file);
        }
        folder.push("..");
    }
    None
}
