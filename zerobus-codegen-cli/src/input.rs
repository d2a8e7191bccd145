use std::path::{Path, PathBuf};

use zerobus_catalog::{Config, Workspace};
use zerobus_codegen::{Source, SourceKind};
use zerobus_schema::{TableName, TableSchema};

use crate::args::Connection;
use crate::exit::Failure;

/// What a SOURCE gave.
#[derive(Debug)]
pub(crate) struct Input {
    /// What kind of source it was, in words.
    pub(crate) kind: &'static str,
    pub(crate) tables: Vec<TableSchema>,
    /// The file's name without its extension.
    pub(crate) stem: Option<String>,
    /// The file or folder it was.
    pub(crate) file: Option<PathBuf>,
    /// Whether it tells of a table what does not lie in a column: comment, partitioning, id.
    pub(crate) knows_tables: bool,
    pub(crate) is_snapshot: bool,
}

/// Reads SOURCEs; connects at most once, and only when one of them is a table's name.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    connection: &'a Connection,
    live: Option<Live>,
}

#[derive(Debug)]
struct Live {
    workspace: Workspace,
    runtime: tokio::runtime::Runtime,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(connection: &'a Connection) -> Self {
        Self {
            connection,
            live: None,
        }
    }

    /// Reads a SOURCE: what is there as a file or folder is that, anything else must be the name of a table.
    pub(crate) fn read(&mut self, source: &str) -> Result<Input, Failure> {
        if source == "-" || Path::new(source).exists() {
            let source = Source::open(Path::new(source)).map_err(Failure::failed)?;
            return Ok(Input::from(source));
        }
        let name = TableName::parse(source).map_err(|error| {
            Failure::failed(format!(
                "{source} is no file or folder here, and no table either: {error}"
            ))
        })?;
        self.fetch(&name).map_err(|error| {
            Failure::failed(format!(
                "{source} is no file here, so it is taken for a table: {error}"
            ))
        })
    }

    /// Fetches a table by its name alone.
    pub(crate) fn fetch(
        &mut self,
        name: &TableName,
    ) -> Result<Input, zerobus_catalog::CatalogError> {
        let live = match &mut self.live {
            Some(live) => live,
            none => none.insert(Live::new(self.connection)?),
        };
        let table = live.runtime.block_on(live.workspace.table(name))?;
        Ok(Input {
            kind: "Unity Catalog",
            tables: vec![table],
            stem: None,
            file: None,
            knows_tables: true,
            is_snapshot: false,
        })
    }
}

impl From<Source> for Input {
    fn from(source: Source) -> Self {
        let file = Path::new(&source.origin);
        Self {
            kind: source.kind.as_str(),
            tables: source.tables,
            stem: source.stem,
            file: file.exists().then(|| file.to_owned()),
            knows_tables: matches!(
                source.kind,
                SourceKind::Catalog | SourceKind::DeltaLog | SourceKind::CreateTable
            ),
            is_snapshot: source.kind == SourceKind::Snapshot,
        }
    }
}

impl Live {
    fn new(connection: &Connection) -> Result<Self, zerobus_catalog::CatalogError> {
        let mut given = Config::default();
        given.workspace_url = connection.workspace_url.clone();
        given.client_id = connection.client_id.clone();
        given.client_secret = connection.client_secret.clone();
        given.profile = connection.profile.clone();
        let workspace = Workspace::builder()
            .or(given.resolve()?)
            .allow_plaintext(connection.allow_plaintext)
            .build()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| zerobus_catalog::CatalogError::Configuration {
                problem: format!("no network on this machine: {error}"),
            })?;
        Ok(Self { workspace, runtime })
    }
}

impl Input {
    /// The table, where there is one; several need a name to choose by.
    pub(crate) fn one(
        mut self,
        name: Option<&TableName>,
    ) -> Result<(TableSchema, Option<String>), Failure> {
        // With a single table the name is given to it; among several it chooses.
        if let (Some(name), true) = (name, self.tables.len() > 1) {
            let name = name.to_string();
            self.tables.retain(|table| {
                let own = table.table.as_ref().map(ToString::to_string);
                own.is_some_and(|own| own == name)
            });
        }
        let count = self.tables.len();
        match (self.tables.pop(), count) {
            (Some(mut table), 1) => {
                if let Some(name) = name {
                    table.table = Some(name.clone().into());
                }
                Ok((table, self.stem))
            }
            (_, 0) => Err(Failure::failed("no table of that name in the source")),
            (_, count) => Err(Failure::failed(format!(
                "{count} tables in the source; name one of them with --table"
            ))),
        }
    }
}

/// A full table name given as an argument.
pub(crate) fn table_argument(name: Option<&String>) -> Result<Option<TableName>, Failure> {
    name.map(|name| {
        TableName::parse(name).map_err(|error| Failure::usage(format!("--table: {error}")))
    })
    .transpose()
}
