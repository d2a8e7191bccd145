use std::fs;
use std::path::Path;

use zerobus_catalog::Workspace;
use zerobus_schema::TableName;

use crate::build_script::{BuildError, Builder, LIVE_VARIABLE};
use crate::snapshot_file::save_snapshot;

/// Whether, from where and for which tables the snapshots are brought up to date first.
#[derive(Debug, Clone, Default)]
pub(crate) struct Live {
    wanted: bool,
    tables: Vec<String>,
    workspace: Option<Workspace>,
}

impl Builder {
    /// Fetches the tables and updates their snapshots before anything is generated, on every run of the build script. The
    /// variable `ZEROBUS_LIVE=1` does the same for one build.
    ///
    /// The tables are those that have a snapshot, and those named with [`Builder::table`]. When one of them cannot be
    /// fetched the build fails: nothing is generated from what may be out of date.
    #[must_use]
    pub fn live(mut self, wanted: bool) -> Self {
        self.live.wanted = wanted;
        self
    }

    /// A table, `catalog.schema.table`, that may have no snapshot yet.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.live.tables.push(name.into());
        self
    }

    /// The workspace to fetch from; [`Workspace::from_env`] unless set.
    #[must_use]
    pub fn workspace(mut self, workspace: Workspace) -> Self {
        self.live.workspace = Some(workspace);
        self
    }
}

impl Live {
    /// Brings the snapshots in `folder` up to date, where that is asked for.
    pub(crate) fn update(&self, folder: &Path) -> Result<(), BuildError> {
        let variable = std::env::var(LIVE_VARIABLE).unwrap_or_default();
        if !self.wanted && matches!(variable.as_str(), "" | "0" | "false") {
            return Ok(());
        }
        let error = |error: &dyn std::fmt::Display| BuildError::new(error.to_string());
        let mut tables = present(folder)?;
        for name in &self.tables {
            tables.push(TableName::parse(name).map_err(|problem| error(&problem))?);
        }
        tables.sort_unstable();
        tables.dedup();
        let workspace = match &self.workspace {
            Some(workspace) => workspace.clone(),
            None => Workspace::from_env().map_err(|problem| error(&problem))?,
        };
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|problem| error(&problem))?;
        // All are fetched before the first is written: a build that fails changes nothing.
        let mut fetched = Vec::new();
        for table in &tables {
            let schema = runtime.block_on(workspace.table(table));
            fetched.push(schema.map_err(|problem| error(&problem))?);
        }
        for schema in fetched {
            save_snapshot(folder, schema)?;
        }
        Ok(())
    }
}

/// The tables that have a snapshot in `folder`, by the names of the files.
fn present(folder: &Path) -> Result<Vec<TableName>, BuildError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => {
            return Err(BuildError::new(format!("{}: {error}", folder.display())));
        }
    };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let tables = names.filter_map(|name| TableName::parse(name.strip_suffix(".json")?).ok());
    Ok(tables.collect())
}
