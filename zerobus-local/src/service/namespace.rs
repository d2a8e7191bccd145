//! Catalogs and schemas: the folders above the tables.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use http::StatusCode;
use serde_json::{Map, Value, json};
use zerobus_schema::TableName;

use super::answer::Answer;
use super::catalog::{Query, bad_request};
use super::table::{Tables, folders};
use crate::error::TableError;

/// What Unity Catalog keeps of a catalog or schema beside its name; hidden, so that no table is looked for in it.
const INFO_FILE: &str = ".unity-catalog.json";

/// A catalog, or a schema in one.
pub(super) struct Namespace {
    catalog: String,
    schema: Option<String>,
}

impl Namespace {
    pub(super) fn catalog(name: &str) -> Result<Self, Answer> {
        // No name gets into a path that could not be a table's.
        let parsed = TableName::parse(&format!("`{name}`.`schema`.`table`"));
        let parsed = parsed.map_err(|problem| bad_request(&problem.to_string()))?;
        Ok(Self {
            catalog: parsed.catalog().to_owned(),
            schema: None,
        })
    }

    /// `catalog.schema`.
    pub(super) fn schema(full_name: &str) -> Result<Self, Answer> {
        let parsed = TableName::parse(&format!("{full_name}.`table`"));
        let parsed = parsed.map_err(|_| {
            bad_request(&format!(
                "`{full_name}` is not a schema's name; write it as catalog.schema"
            ))
        })?;
        Ok(Self {
            catalog: parsed.catalog().to_owned(),
            schema: Some(parsed.schema().to_owned()),
        })
    }

    pub(super) fn get(&self, tables: &Tables) -> Result<Answer, Answer> {
        self.must_exist(tables)?;
        Ok(Answer::ok(self.info(tables)))
    }

    /// Makes what a `CreateCatalog` or `CreateSchema` describes.
    pub(super) fn create(body: &[u8], is_schema: bool, tables: &Tables) -> Result<Answer, Answer> {
        let asked: Value = serde_json::from_slice(body)
            .map_err(|error| bad_request(&format!("The body is no JSON: {error}.")))?;
        let text = |key| asked.get(key).and_then(Value::as_str).unwrap_or_default();
        let namespace = if is_schema {
            Self::schema(&format!("`{}`.`{}`", text("catalog_name"), text("name")))?
        } else {
            Self::catalog(text("name"))?
        };
        if is_schema {
            Self::catalog(text("catalog_name"))?.must_exist(tables)?;
        }
        let folder = namespace.folder(tables);
        match fs::create_dir(&folder) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                let (kind, name) = (namespace.kind(), namespace.full_name());
                let message = format!("{kind} '{name}' already exists");
                return Err(Answer::error(
                    StatusCode::CONFLICT,
                    "ALREADY_EXISTS",
                    &message,
                ));
            }
            made => made.map_err(|error| failed(&folder, &error))?,
        }
        let mut kept = Map::new();
        for key in ["comment", "properties"] {
            if let Some(value) = asked.get(key).filter(|value| !value.is_null()) {
                kept.insert(key.to_owned(), value.clone());
            }
        }
        if !kept.is_empty() {
            let file = folder.join(INFO_FILE);
            let text = Value::Object(kept).to_string();
            fs::write(&file, text).map_err(|error| failed(&file, &error))?;
        }
        Ok(Answer::ok(namespace.info(tables)))
    }

    /// Removes it; with what is in it when `force` is among the query.
    pub(super) fn delete(&self, query: &Query, tables: &Tables) -> Result<Answer, Answer> {
        self.must_exist(tables)?;
        let folder = self.folder(tables);
        let inside = folders(&folder).map_err(|error| failed(&folder, &error))?;
        let force = query.get("force") == Some("true");
        if !inside.is_empty() && !force {
            let (kind, name) = (self.kind(), self.full_name());
            let message = format!("{kind} '{name}' is not empty: it has {}", inside.join(", "));
            return Err(Answer::error(
                StatusCode::BAD_REQUEST,
                "FAILED_PRECONDITION",
                &message,
            ));
        }
        for table in tables.list() {
            let name = &table.name;
            let is_in = |schema: &String| schema == name.schema();
            if name.catalog() == self.catalog && self.schema.as_ref().is_none_or(is_in) {
                let deleted = tables.delete(name);
                deleted.map_err(|error| failed(&folder, &error))?;
            }
        }
        let removed = if force {
            fs::remove_dir_all(&folder)
        } else {
            // Not what somebody else has put there.
            let _ = fs::remove_file(folder.join(INFO_FILE));
            fs::remove_dir(&folder)
        };
        removed.map_err(|error| failed(&folder, &error))?;
        Ok(Answer::ok(json!({})))
    }

    pub(super) fn list_catalogs(query: &Query, tables: &Tables) -> Result<Answer, Answer> {
        let names = folders(tables.data()).map_err(|error| failed(tables.data(), &error))?;
        let found = names.into_iter().map(|catalog| {
            let namespace = Self {
                catalog,
                schema: None,
            };
            (namespace.full_name(), namespace.info(tables))
        });
        Ok(query.page("catalogs", found.collect()))
    }

    pub(super) fn list_schemas(query: &Query, tables: &Tables) -> Result<Answer, Answer> {
        let catalog = Self::catalog(query.get("catalog_name").unwrap_or_default())?;
        catalog.must_exist(tables)?;
        let folder = catalog.folder(tables);
        let names = folders(&folder).map_err(|error| failed(&folder, &error))?;
        let found = names.into_iter().map(|schema| {
            let namespace = Self {
                catalog: catalog.catalog.clone(),
                schema: Some(schema),
            };
            (namespace.full_name(), namespace.info(tables))
        });
        Ok(query.page("schemas", found.collect()))
    }

    fn must_exist(&self, tables: &Tables) -> Result<(), Answer> {
        if self.folder(tables).is_dir() {
            return Ok(());
        }
        let message = format!("{} '{}' does not exist.", self.kind(), self.full_name());
        Err(Answer::error(StatusCode::NOT_FOUND, "NOT_FOUND", &message))
    }

    fn kind(&self) -> &'static str {
        if self.schema.is_some() {
            "Schema"
        } else {
            "Catalog"
        }
    }

    fn full_name(&self) -> String {
        match &self.schema {
            Some(schema) => format!("{}.{schema}", self.catalog),
            None => self.catalog.clone(),
        }
    }

    fn folder(&self, tables: &Tables) -> PathBuf {
        let catalog = tables.data().join(&self.catalog);
        match &self.schema {
            Some(schema) => catalog.join(schema),
            None => catalog,
        }
    }

    fn info(&self, tables: &Tables) -> Value {
        let kept = fs::read(self.folder(tables).join(INFO_FILE)).unwrap_or_default();
        let kept: Value = serde_json::from_slice(&kept).unwrap_or_default();
        let mut info = json!({
            "name": self.schema.as_ref().unwrap_or(&self.catalog),
            "comment": kept.get("comment").unwrap_or(&Value::Null),
            "properties": kept.get("properties").cloned().unwrap_or_else(|| json!({})),
        });
        if let (Some(info), Some(_)) = (info.as_object_mut(), &self.schema) {
            info.insert("catalog_name".to_owned(), self.catalog.as_str().into());
            info.insert("full_name".to_owned(), self.full_name().into());
        }
        info
    }
}

fn failed(path: &Path, problem: &dyn std::fmt::Display) -> Answer {
    let message = format!("{}: {problem}", path.display());
    Answer::error(
        StatusCode::INTERNAL_SERVER_ERROR,
        "INTERNAL_ERROR",
        &message,
    )
}

impl Tables {
    /// Removes a table with all its files. Streams into it end.
    pub(super) fn delete(&self, name: &TableName) -> Result<bool, TableError> {
        let Some(table) = self.take(name) else {
            return Ok(false);
        };
        fs::remove_dir_all(&table.folder).map_err(|source| TableError::Io {
            path: table.folder.clone(),
            source,
        })?;
        Ok(true)
    }
}
