//! The tables of the data folder.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use zerobus_schema::{Fingerprint, TableName, TableSchema, delta as delta_schema};

use super::live::LiveStreams;
use super::metrics::TableMetrics;
use super::writer::Writer;
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
    pub(crate) schema: TableSchema,
    pub(crate) folder: PathBuf,
    pub(super) writer: Writer,
    pub(super) metrics: Arc<TableMetrics>,
    pub(super) live: LiveStreams,
    files: Mutex<LiveFiles>,
}

impl Table {
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

/// All of them. Everything here may block on the disk.
#[derive(Debug)]
pub(crate) struct Tables {
    data: PathBuf,
    durability: Durability,
    faults: Arc<Faults>,
    tables: Mutex<BTreeMap<TableName, Arc<Table>>>,
}

impl Tables {
    /// Opens every table under `data`, at `<catalog>/<schema>/<table>`.
    pub(crate) fn open(
        data: &Path,
        durability: Durability,
        faults: Arc<Faults>,
    ) -> Result<Self, TableError> {
        let tables = Self {
            data: data.to_owned(),
            durability,
            faults,
            tables: Mutex::default(),
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
                        let opened = match DeltaTable::open(&folder, durability) {
                            // A crash while it was created: it can be created again.
                            Err(DeltaError::NotATable { .. }) => continue,
                            opened => opened.map_err(|error| TableError::storage(&name, error))?,
                        };
                        let table = tables.serve(name.clone(), opened, None)?;
                        tables.lock().insert(name, table);
                    }
                }
            }
        }
        Ok(tables)
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
            return match (if_not_exists, difference(&existing.schema, &schema)) {
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
        let created = DeltaTable::create(&self.folder(&name), &json, &options, self.durability)
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
        let storage = |error| TableError::storage(&name, error);
        let schema = match schema {
            Some(schema) => schema,
            None => {
                let json = delta.schema_json().map_err(storage)?;
                let columns =
                    delta_schema::parse_schema(&json).map_err(|error| TableError::Unsupported {
                        table: name.clone(),
                        reason: error.to_string(),
                    })?;
                let mut schema = TableSchema::new(Some(name.clone().into()), columns);
                schema.partition_columns = delta.partition_columns().map(str::to_owned).collect();
                schema
            }
        };
        let folder = delta.folder().to_owned();
        let faults = Arc::clone(&self.faults);
        let metrics = Arc::new(TableMetrics::default());
        metrics.version(delta.version());
        let counts = Arc::clone(&metrics);
        let writer = Writer::start(name.clone(), delta, self.durability, faults, counts);
        let writer = writer.map_err(|source| TableError::Io {
            path: folder.clone(),
            source,
        })?;
        Ok(Arc::new(Table {
            name,
            schema,
            folder,
            writer,
            metrics,
            live: LiveStreams::default(),
            files: Mutex::default(),
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
