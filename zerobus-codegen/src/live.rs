use std::path::Path;
use std::time::Duration;

use zerobus_catalog::{CatalogError, Workspace};
use zerobus_schema::{TableName, TableSchema};

use crate::build_script::{BuildError, Config, LIVE_VARIABLE, Live};
use crate::snapshot_file::{save_snapshot, snapshot_files};

impl Config {
    /// Fetches the tables and updates their snapshots before anything is generated, on every run of the build script. The
    /// variable `ZEROBUS_LIVE=1` does the same for one build.
    ///
    /// The tables are those named with [`Config::table`], else those that have a snapshot. When the catalog is away, or
    /// does not answer within the [`deadline`](Self::deadline), the build goes on with the snapshots that are there, and
    /// warns; a refusal, or a table that is gone, fails it. Where documentation is built for docs.rs (`DOCS_RS`) nothing is
    /// ever fetched.
    pub fn live(mut self, wanted: bool) -> Self {
        self.live.wanted = wanted;
        self
    }

    /// How long fetching may take in all; 20 seconds unless set.
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.live.deadline = deadline;
        self
    }

    /// The workspace to fetch from; [`Workspace::from_env`] unless set.
    pub fn workspace(mut self, workspace: Workspace) -> Self {
        self.live.workspace = Some(workspace);
        self
    }
}

impl Live {
    /// Brings the snapshots in `folder` up to date, where that is asked for.
    pub(crate) fn update(&self, folder: &Path, named: &[TableName]) -> Result<(), BuildError> {
        let set = |name: &str| std::env::var(name).unwrap_or_default();
        let asked = !matches!(set(LIVE_VARIABLE).as_str(), "" | "0" | "false");
        if !(self.wanted || asked) || !set("DOCS_RS").is_empty() {
            return Ok(());
        }
        let tables = match named {
            [] => present(folder)?,
            named => named.to_vec(),
        };
        let error = |error: &dyn std::fmt::Display| BuildError::new(error.to_string());
        let workspace = match &self.workspace {
            Some(workspace) => workspace.clone(),
            None => Workspace::from_env().map_err(|problem| error(&problem))?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|problem| error(&problem))?;
        let fetched = runtime.block_on(async {
            let all = fetch(&workspace, &tables);
            tokio::time::timeout(self.deadline, all).await
        });
        // All are fetched before the first is written: a build that fails changes nothing.
        let fetched = match fetched {
            Ok(Ok(fetched)) => fetched,
            Ok(Err(problem)) if problem.is_retryable() => {
                return away(folder, &tables, &problem.to_string());
            }
            Ok(Err(problem)) => return Err(error(&problem)),
            Err(_) => {
                let seconds = self.deadline.as_secs_f32();
                return away(folder, &tables, &format!("no answer within {seconds} s"));
            }
        };
        for schema in fetched {
            save_snapshot(folder, schema)?;
        }
        Ok(())
    }
}

/// Goes on with the snapshots that are there.
fn away(folder: &Path, tables: &[TableName], why: &str) -> Result<(), BuildError> {
    let missing = tables
        .iter()
        .find(|table| !folder.join(format!("{table}.json")).is_file());
    if let Some(table) = missing {
        return Err(BuildError::new(format!(
            "{table} has no snapshot yet, and cannot be fetched: {why}"
        )));
    }
    let line: String = why
        .chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    println!(
        "cargo::warning=zerobus-codegen: the tables could not be fetched, the checked-in snapshots are used: {line}"
    );
    Ok(())
}

/// Fetches tables side by side.
async fn fetch(
    workspace: &Workspace,
    tables: &[TableName],
) -> Result<Vec<TableSchema>, CatalogError> {
    let mut tasks = Vec::new();
    for table in tables {
        let (workspace, table) = (workspace.clone(), table.clone());
        tasks.push(tokio::spawn(async move { workspace.table(&table).await }));
    }
    let mut fetched = Vec::new();
    for task in tasks {
        let table = task.await.map_err(|error| CatalogError::Configuration {
            problem: format!("fetching was given up: {error}"),
        })?;
        fetched.push(table?);
    }
    Ok(fetched)
}

/// The tables that have a snapshot in `folder`, by the names of the files.
fn present(folder: &Path) -> Result<Vec<TableName>, BuildError> {
    let names = snapshot_files(folder)
        .map_err(|error| BuildError::new(format!("{}: {error}", folder.display())))?;
    let tables = names
        .iter()
        .filter_map(|name| TableName::parse(name.strip_suffix(".json")?).ok());
    Ok(tables.collect())
}
