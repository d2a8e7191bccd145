//! The tables of the data folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use arrow_schema::SchemaRef;
use tokio::sync::oneshot;
use zerobus_schema::{Fingerprint, StructType, TableName, TableSchema, delta as delta_schema};

use super::budget::Budget;
use super::compaction::Compact;
use super::live::LiveStreams;
use super::metrics::TableMetrics;
use super::writer::{Served, Writer};
use crate::delta::{DeltaError, DeltaTable, Durability, TableOptions};
use crate::error::TableError;
use crate::faults::Faults;
use crate::rows::{LiveFiles, RowsError};
use crate::server::Received;

const LOG_FOLDER: &str = "_delta_log";

/// A table that is being served.
#[derive(Debug)]
pub(crate) struct Table {
    pub(crate) name: TableName,
    columns: Arc<CurrentColumns>,
    pub(crate) folder: PathBuf,
    pub(super) writer: Writer,
    pub(super) metrics: Arc<TableMetrics>,
    pub(super) live: LiveStreams,
    files: Arc<Mutex<LiveFiles>>,
}

/// What a table's rows are made of; another writer may change it.
#[derive(Debug)]
pub(crate) struct Columns {
    pub(crate) schema: TableSchema,
    /// The same for the batches that are appended.
    pub(crate) arrow: SchemaRef,
}

/// The columns that a table has now.
#[derive(Debug)]
pub(crate) struct CurrentColumns(RwLock<Arc<Columns>>);

impl CurrentColumns {
    fn get(&self) -> Arc<Columns> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Those of a table that was opened anew. What the log says nothing of stays as it was.
    pub(super) fn set(&self, table: &DeltaTable) -> Result<(), String> {
        let schema = read_columns(table, self.get().schema.clone())?;
        let arrow = Arc::clone(table.arrow_schema());
        let columns = Arc::new(Columns { schema, arrow });
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = columns;
        Ok(())
    }
}

/// The columns that the log has, in place of those of `schema`.
fn read_columns(table: &DeltaTable, mut schema: TableSchema) -> Result<TableSchema, String> {
    let json = table.schema_json().map_err(|error| error.to_string())?;
    schema.columns = delta_schema::parse_schema(&json).map_err(|error| error.to_string())?;
    schema.partition_columns = table.partition_columns().map(str::to_owned).collect();
    Ok(schema)
}

impl Table {
    /// The columns as far as the writer knows of them; [`refresh`](Self::refresh) has it look.
    pub(crate) fn columns(&self) -> Arc<Columns> {
        self.columns.get()
    }

    /// Has what other writers did to the columns looked at.
    pub(crate) async fn refresh(&self) {
        if let Some(done) = self.looked_at() {
            let _ = done.await;
        }
    }

    /// The same for those who may block.
    pub(crate) fn refresh_blocking(&self) {
        if let Some(done) = self.looked_at() {
            let _ = done.blocking_recv();
        }
    }

    fn looked_at(&self) -> Option<oneshot::Receiver<()>> {
        let next = self.metrics.counts().version + 1;
        let entry = format!("{LOG_FOLDER}/{next:020}.json");
        self.folder
            .join(entry)
            .is_file()
            .then(|| self.writer.refresh())?
    }

    pub(crate) fn received(&self) -> Received {
        self.metrics.received()
    }

    /// Its data files, after a look at what was added to its log.
    pub(crate) fn files(&self) -> Result<MutexGuard<'_, LiveFiles>, RowsError> {
        let mut files = self.files.lock().unwrap_or_else(PoisonError::into_inner);
        files.follow(&self.folder)?;
        Ok(files)
    }

    /// Whether its folder is still where it was.
    fn is_there(&self) -> bool {
        self.folder.join(LOG_FOLDER).is_dir()
    }
}

/// How tables are written.
#[derive(Debug, Clone)]
pub(crate) struct Writing {
    pub(crate) durability: Durability,
    /// A busy table starts commits at most this often, so that versions stay few.
    pub(crate) commit_interval: Duration,
    pub(crate) compact: Compact,
    pub(crate) budget: Arc<Budget>,
    pub(crate) faults: Arc<Faults>,
}

/// All of them. Everything here may block on the disk.
#[derive(Debug)]
pub(crate) struct Tables {
    data: PathBuf,
    writing: Writing,
    tables: Mutex<BTreeMap<TableName, Arc<Table>>>,
    /// What was found when they were opened and is no reason not to serve them.
    warnings: Vec<String>,
}

impl Tables {
    /// Opens every table under `data`, at `<catalog>/<schema>/<table>`.
    pub(crate) fn open(data: &Path, writing: Writing) -> Result<Self, TableError> {
        let mut tables = Self {
            data: data.to_owned(),
            writing,
            tables: Mutex::default(),
            warnings: Vec::new(),
        };
        for catalog in folders(data)? {
            for schema in folders(&data.join(&catalog))? {
                for table in folders(&data.join(&catalog).join(&schema))? {
                    let folder = data.join(&catalog).join(&schema).join(&table);
                    let name = format!("`{catalog}`.`{schema}`.`{table}`");
                    if !folder.join(LOG_FOLDER).is_dir() {
                        continue;
                    }
                    if let Ok(name) = TableName::parse(&name) {
                        let opened = match DeltaTable::open(&folder, tables.writing.durability) {
                            // A crash while it was created: it can be created again.
                            Err(DeltaError::NotATable { .. }) => {
                                tables.warnings.push(format!(
                                    "{} has a log without an entry that is whole: there is no table {name} until it is created",
                                    folder.display()
                                ));
                                continue;
                            }
                            opened => opened.map_err(|error| TableError::storage(&name, error))?,
                        };
                        if let Some(aside) = opened.put_aside() {
                            tables.warnings.push(format!(
                                "the last log entry of table {name} was not whole, so nothing of it was ever acked: it is put \
                                 aside as {}, and the table goes on at version {}",
                                aside.display(),
                                opened.version()
                            ));
                        }
                        let table = tables.serve(name.clone(), opened, None)?;
                        tables.lock().insert(name, table);
                    }
                }
            }
        }
        Ok(tables)
    }

    pub(crate) fn warnings(&self) -> &[String] {
        &self.warnings
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn folder(&self, name: &TableName) -> PathBuf {
        self.data
            .join(name.catalog())
            .join(name.schema())
            .join(name.table())
    }

    pub(crate) fn get(&self, name: &TableName) -> Option<Arc<Table>> {
        self.lock()
            .get(name)
            .filter(|table| table.is_there())
            .cloned()
    }

    pub(crate) fn list(&self) -> Vec<Arc<Table>> {
        let tables = self.lock();
        let there = tables.values().filter(|table| table.is_there());
        there.cloned().collect()
    }

    /// Creates a table. One that is there with the same columns is left as it is, where `if_not_exists` says so; one
    /// whose folder was deleted is not there.
    pub(crate) fn create(
        &self,
        schema: TableSchema,
        if_not_exists: bool,
    ) -> Result<Arc<Table>, TableError> {
        let name = name_of(&schema)?;
        // Held throughout: of two that create one table, the second must find it.
        let mut tables = self.lock();
        if let Some(existing) = tables.get(&name).filter(|table| table.is_there()) {
            return match (
                if_not_exists,
                difference(&existing.columns().schema, &schema),
            ) {
                (true, None) => Ok(Arc::clone(existing)),
                (true, Some(difference)) => Err(TableError::Different {
                    table: name,
                    difference,
                }),
                (false, _) => Err(TableError::Exists { table: name }),
            };
        }
        let options = TableOptions {
            partition_columns: schema.partition_columns.clone(),
            properties: schema.properties.clone(),
        };
        let json = delta_schema::schema_to_json(&schema.columns).to_string();
        let created = DeltaTable::create(
            &self.folder(&name),
            &json,
            &options,
            self.writing.durability,
        )
        .map_err(|error| TableError::storage(&name, error))?;
        let table = self.serve(name.clone(), created, Some(schema))?;
        if let Some(gone) = tables.insert(name, Arc::clone(&table)) {
            gone.writer.close();
        }
        Ok(table)
    }

    /// Serves a table no more.
    pub(super) fn take(&self, name: &TableName) -> Option<Arc<Table>> {
        let taken = self.lock().remove(name);
        if let Some(table) = &taken {
            table.writer.close();
        }
        taken
    }

    /// Ends the writers once their streams have ended. Blocks until everything is written.
    pub(crate) fn close(&self) {
        let tables: Vec<_> = self.lock().values().cloned().collect();
        for table in &tables {
            table.writer.close();
        }
        for table in &tables {
            table.writer.join();
        }
    }

    fn serve(
        &self,
        name: TableName,
        delta: DeltaTable,
        schema: Option<TableSchema>,
    ) -> Result<Arc<Table>, TableError> {
        let schema = match schema {
            Some(schema) => schema,
            None => {
                let schema = TableSchema::new(Some(name.clone().into()), StructType::default());
                read_columns(&delta, schema).map_err(|reason| TableError::Unsupported {
                    table: name.clone(),
                    reason,
                })?
            }
        };
        let arrow = Arc::clone(delta.arrow_schema());
        let columns = Arc::new(Columns { schema, arrow });
        let columns = Arc::new(CurrentColumns(RwLock::new(columns)));
        let folder = delta.folder().to_owned();
        let metrics = Arc::new(TableMetrics::default());
        metrics.version(delta.version());
        let files = Arc::default();
        let served = Served {
            name: name.clone(),
            columns: Arc::clone(&columns),
            files: Arc::clone(&files),
            metrics: Arc::clone(&metrics),
        };
        let writer = Writer::start(delta, served, &self.writing);
        let writer = writer.map_err(|source| TableError::Io {
            path: folder.clone(),
            source,
        })?;
        Ok(Arc::new(Table {
            name,
            columns,
            folder,
            writer,
            metrics,
            live: LiveStreams::default(),
            files,
        }))
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<TableName, Arc<Table>>> {
        self.tables.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The three parts that a table needs here.
pub(crate) fn name_of(schema: &TableSchema) -> Result<TableName, TableError> {
    match &schema.table {
        Some(table) => table.to_full().map_err(TableError::Name),
        None => Err(TableError::NoName),
    }
}

/// What stands in the way of taking one schema for the other.
fn difference(existing: &TableSchema, wanted: &TableSchema) -> Option<String> {
    if Fingerprint::of(existing) == Fingerprint::of(wanted) {
        return None;
    }
    let fields = |table: &TableSchema| {
        let mut fields = Vec::new();
        table.visit_fields(&mut |path, field| {
            let null = if field.nullable { "" } else { " NOT NULL" };
            fields.push(format!("{path} {}{null}", field.data_type));
        });
        fields
    };
    let (existing, wanted) = (fields(existing), fields(wanted));
    let mut at = existing
        .iter()
        .zip(&wanted)
        .take_while(|(a, b)| a == b)
        .count();
    at = at.min(existing.len().max(wanted.len()).saturating_sub(1));
    let shown = |fields: &[String]| match fields.get(at) {
        Some(field) => format!("`{field}`"),
        None => "no more columns".to_owned(),
    };
    Some(format!(
        "the table has {}, wanted is {}",
        shown(&existing),
        shown(&wanted)
    ))
}

/// The names of the folders in a folder, those that start with a dot or an underscore aside.
pub(super) fn folders(path: &Path) -> Result<Vec<String>, TableError> {
    let error = |source| TableError::Io {
        path: path.to_owned(),
        source,
    };
    let mut names = Vec::new();
    for entry in fs::read_dir(path).map_err(error)? {
        let entry = entry.map_err(error)?;
        let Ok(name) = entry.file_name().into_string() else {
            continue;
        };
        if !name.starts_with('.') && entry.file_type().map_err(error)?.is_dir() {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}
