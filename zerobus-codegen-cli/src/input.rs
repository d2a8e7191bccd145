use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use indicatif::ProgressBar;
use tokio::sync::Semaphore;
use zerobus_catalog::{CatalogError, Config, Workspace};
use zerobus_codegen::{Source, SourceKind};
use zerobus_schema::{TableName, TableSchema};

use crate::args::Connection;
use crate::exit::Failure;

/// How many tables are fetched side by side: enough to hide the round trips, few enough for a catalog's rate limits.
const AT_ONCE: usize = 16;

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
        let mut inputs = self.read_all(std::slice::from_ref(&source.to_owned()));
        inputs
            .pop()
            .unwrap_or_else(|| Err(Failure::usage("no SOURCE given")))
    }

    /// Reads SOURCEs; tables are fetched side by side. One that cannot be read says nothing about the others.
    pub(crate) fn read_all(&mut self, sources: &[String]) -> Vec<Result<Input, Failure>> {
        let is_file = |source: &str| source == "-" || Path::new(source).exists();
        let tables: Vec<TableName> = sources
            .iter()
            .filter(|source| !is_file(source))
            .filter_map(|source| TableName::parse(source).ok())
            .collect();
        let taken_for = |source: &str, error: &dyn std::fmt::Display| {
            Failure::failed(format!(
                "{source} is no file here, so it is taken for a table: {error}"
            ))
        };
        let mut fetched = match self.fetch_all(&tables) {
            Ok(fetched) => fetched.into_iter(),
            Err(_) => Vec::new().into_iter(),
        };
        let read = |source: &String| {
            if is_file(source) {
                let source = Source::open(Path::new(source)).map_err(Failure::failed)?;
                return Ok(Input::from(source));
            }
            TableName::parse(source).map_err(|error| {
                Failure::failed(format!(
                    "{source} is no file or folder here, and no table either: {error}"
                ))
            })?;
            match fetched.next() {
                Some(Ok(table)) => Ok(Input::of_catalog(table)),
                Some(Err(error)) => Err(taken_for(source, &error)),
                None => Err(match Live::new(self.connection) {
                    Err(error) => taken_for(source, &error),
                    Ok(_) => taken_for(source, &"it could not be fetched"),
                }),
            }
        };
        sources.iter().map(read).collect()
    }

    /// Fetches a table by its name alone.
    pub(crate) fn fetch(&mut self, name: &TableName) -> Result<Input, CatalogError> {
        let live = self.live()?;
        let table = live.runtime.block_on(live.workspace.table(name))?;
        Ok(Input::of_catalog(table))
    }

    /// Fetches tables, some at a time, in the order given. Fails as a whole only where no workspace can be asked.
    pub(crate) fn fetch_all(
        &mut self,
        names: &[TableName],
    ) -> Result<Vec<Result<TableSchema, CatalogError>>, Failure> {
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let live = self.live().map_err(Failure::failed)?;
        let bar = progress(names.len());
        let slots = Arc::new(Semaphore::new(AT_ONCE));
        let fetched = live.runtime.block_on(async {
            let mut tasks = Vec::new();
            for name in names {
                let (workspace, name) = (live.workspace.clone(), name.clone());
                let (slots, bar) = (Arc::clone(&slots), bar.clone());
                tasks.push(tokio::spawn(async move {
                    let _slot = slots.acquire().await;
                    let table = workspace.table(&name).await;
                    bar.inc(1);
                    table
                }));
            }
            let mut fetched = Vec::new();
            for task in tasks {
                fetched.push(task.await.map_err(Failure::failed)?);
            }
            Ok(fetched)
        });
        bar.finish_and_clear();
        fetched
    }

    fn live(&mut self) -> Result<&mut Live, CatalogError> {
        match &mut self.live {
            Some(live) => Ok(live),
            none => Ok(none.insert(Live::new(self.connection)?)),
        }
    }
}

/// Drawn on a terminal, and only for more tables than one glance takes.
fn progress(count: usize) -> ProgressBar {
    if count < 10 || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    ProgressBar::new(u64::try_from(count).unwrap_or(u64::MAX))
}

impl Input {
    fn of_catalog(table: TableSchema) -> Self {
        Self {
            kind: "Unity Catalog",
            tables: vec![table],
            stem: None,
            file: None,
            knows_tables: true,
            is_snapshot: false,
        }
    }
}

impl Connection {
    /// What the arguments say.
    pub(crate) fn given(&self) -> Config {
        let mut given = Config::default();
        given.workspace_url = self.workspace_url.clone();
        given.client_id = self.client_id.clone();
        given.client_secret = self.client_secret.clone();
        given.profile = self.profile.clone();
        given.token_file = self.token_file.clone();
        given.token_command = self.token_command.clone();
        given.no_auth = self.no_auth;
        given
    }

    /// The workspace that the arguments name, with what the environment and a profile add.
    pub(crate) fn workspace(&self, given: Config) -> Result<Workspace, CatalogError> {
        Workspace::builder()
            .or(given.resolve()?)
            .allow_plaintext(self.allow_plaintext)
            .time_limit(Duration::from_secs(self.time_limit))
            .build()
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
    fn new(connection: &Connection) -> Result<Self, CatalogError> {
        let workspace = connection.workspace(connection.given())?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| CatalogError::Configuration {
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
