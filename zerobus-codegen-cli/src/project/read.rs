use std::fmt::Display;
use std::fs;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeTable, DeValue};
use zerobus_codegen::RustOptions;
use zerobus_schema::diff;
use zerobus_schema::mapping::MappingOptions;
use zerobus_schema::{Location, TableName};

use super::date::{self, Date};
use super::{Approval, Kind, Output, Project, Table};
use crate::exit::Failure;
use crate::proto_file::ProtoFile;
use crate::rust_settings;

/// Far more than anyone writes by hand.
const SIZE_MAX: u64 = 4 * 1024 * 1024;

/// Reads the file; every error names its line. What cannot be read is status 3, what is wrong in it is status 2.
pub(super) fn project(file: &Path) -> Result<Project, Failure> {
    let shown = file.display().to_string();
    let io_error = |error| Failure::failed(format!("{shown}: {error}"));
    let length = fs::metadata(file).map_err(io_error)?.len();
    if length > SIZE_MAX {
        return Err(Failure::usage(format!(
            "{shown}: it is longer than {SIZE_MAX} bytes"
        )));
    }
    let text = fs::read_to_string(file).map_err(io_error)?;
    let document = DeTable::parse(&text).map_err(|error| {
        let at = Location::of(&text, error.span().map_or(0, |span| span.start));
        Failure::usage(format!("{shown}:{at}: {}", error.message()))
    })?;
    let root = file.parent().unwrap_or_else(|| Path::new("")).to_owned();
    let at = At {
        file: &shown,
        text: &text,
    };
    let top = At::entries(
        &at,
        document.get_ref(),
        &["schemas", "code", "table", "output", "approval"],
    )?;
    let mut project = Project {
        file: Some(file.to_owned()),
        schemas: root.join(top.text("schemas")?.unwrap_or("schemas")),
        ..Project::default()
    };
    for folder in top.texts("code")? {
        project.code.push(root.join(folder));
    }
    for entry in top.tables("table", &["name", "environments"])? {
        let name = entry
            .table_name("name")?
            .ok_or_else(|| entry.missing("name"))?;
        if project
            .tables
            .iter()
            .any(|table: &Table| table.name == name)
        {
            return Err(entry.error_at("name", format!("{name} is listed twice")));
        }
        let mut environments = std::collections::BTreeMap::new();
        if let Some(named) = entry.table("environments")? {
            for (key, value) in named {
                let environment = key.get_ref().to_string();
                let name = value.get_ref().as_str().map(TableName::parse);
                let name = match name {
                    Some(Ok(name)) => name,
                    Some(Err(error)) => return Err(at.error(value.span().start, error)),
                    None => return Err(at.error(value.span().start, "expected a table name")),
                };
                environments.insert(environment, name);
            }
        }
        project.tables.push(Table {
            name,
            environments,
            line: entry.line,
        });
    }
    for entry in top.tables("output", &output_keys())? {
        project.outputs.push(output(&entry, &root)?);
    }
    for entry in top.tables("approval", &["rule", "path", "table", "reason", "expires"])? {
        project.approvals.push(approval(&entry)?);
    }
    Ok(project)
}

fn output_keys() -> Vec<&'static str> {
    let own = [
        "kind",
        "path",
        "tables",
        "message",
        "package",
        "file_set",
        "skip_unsupported",
        "allow_unproven_map_keys",
    ];
    own.into_iter().chain(rust_settings::KEYS).collect()
}

fn output(entry: &Entries<'_, '_>, root: &Path) -> Result<Output, Failure> {
    let kind = entry.text("kind")?.ok_or_else(|| entry.missing("kind"))?;
    let kind = Kind::ALL
        .iter()
        .find(|(name, _)| *name == kind)
        .map(|(_, kind)| *kind)
        .ok_or_else(|| entry.error_at("kind", "expected proto, rust, descriptor or ddl"))?;
    let path = entry.text("path")?.ok_or_else(|| entry.missing("path"))?;
    if path.is_empty() || Path::new(path).is_absolute() {
        return Err(entry.error_at("path", "expected a path from the folder of this file"));
    }
    let mut tables = Vec::new();
    for name in entry.texts("tables")? {
        tables.push(TableName::parse(name).map_err(|error| entry.error_at("tables", error))?);
    }
    let mut mapping = MappingOptions::default();
    mapping.message_name = entry.text("message")?.map(str::to_owned);
    mapping.skip_unsupported = entry.flag("skip_unsupported")?;
    mapping.allow_unproven_map_keys = entry.flag("allow_unproven_map_keys")?;
    let file = ProtoFile::new(kind, entry.text("package")?, entry.flag("file_set")?)
        .map_err(|problem| entry.error_at("kind", problem))?;
    let mut rust = RustOptions::default();
    for key in rust_settings::KEYS {
        let values = entry.texts(key)?;
        if values.is_empty() {
            continue;
        }
        if kind != Kind::Rust {
            return Err(entry.error_at(key, format!("`{key}` is for outputs of kind rust")));
        }
        rust_settings::set(&mut rust, key, &values)
            .map_err(|problem| entry.error_at(key, problem))?;
    }
    rust.mapping = mapping.clone();
    Ok(Output {
        kind,
        path: path.to_owned(),
        root: root.to_owned(),
        tables,
        mapping,
        rust,
        file,
        line: entry.line,
    })
}

fn approval(entry: &Entries<'_, '_>) -> Result<Approval, Failure> {
    let id = entry.text("rule")?.ok_or_else(|| entry.missing("rule"))?;
    let rule = diff::rule(id).ok_or_else(|| {
        entry.error_at(
            "rule",
            format!("there is no rule `{id}`; `zerobus explain` lists them"),
        )
    })?;
    let reason = entry
        .text("reason")?
        .ok_or_else(|| entry.missing("reason"))?;
    if reason.trim().is_empty() {
        return Err(entry.error_at("reason", "say why; the reason is empty"));
    }
    Ok(Approval {
        rule: rule.id,
        path: entry.text("path")?.unwrap_or("").to_owned(),
        table: entry.table_name("table")?,
        reason: reason.to_owned(),
        expires: entry
            .date("expires")?
            .ok_or_else(|| entry.missing("expires"))?,
        line: entry.line,
    })
}

/// A text with the name of its file: makes errors.
struct At<'a> {
    file: &'a str,
    text: &'a str,
}

impl<'a> At<'a> {
    fn error(&self, offset: usize, problem: impl Display) -> Failure {
        let at = Location::of(self.text, offset);
        Failure::usage(format!("{}:{at}: {problem}", self.file))
    }

    fn line(&self, offset: usize) -> usize {
        usize::try_from(Location::of(self.text, offset).line).unwrap_or(1)
    }

    /// A table of these keys and no others.
    fn entries<'t>(
        at: &'t Self,
        table: &'t DeTable<'a>,
        keys: &[&str],
    ) -> Result<Entries<'t, 'a>, Failure> {
        for key in table.keys() {
            let name: &str = key.get_ref();
            if !keys.contains(&name) {
                let known = keys.join(", ");
                return Err(at.error(
                    key.span().start,
                    format!("`{name}` is not known here; known are {known}"),
                ));
            }
        }
        Ok(Entries {
            at,
            table,
            start: 0,
            line: 1,
        })
    }
}

/// The keys of one table.
struct Entries<'t, 'a> {
    at: &'t At<'a>,
    table: &'t DeTable<'a>,
    /// Where the table begins.
    start: usize,
    line: usize,
}

impl<'t, 'a> Entries<'t, 'a> {
    fn get(&self, key: &str) -> Option<&'t Spanned<DeValue<'a>>> {
        self.table
            .iter()
            .find(|(name, _)| name.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    fn error_at(&self, key: &str, problem: impl Display) -> Failure {
        let start = self.get(key).map_or(self.start, |value| value.span().start);
        self.at.error(start, problem)
    }

    fn missing(&self, key: &str) -> Failure {
        self.at.error(self.start, format!("`{key}` is missing"))
    }

    fn text(&self, key: &str) -> Result<Option<&'t str>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.get_ref().as_str() {
                Some(text) => Ok(Some(text)),
                None => Err(self.expected(key, "a string", value)),
            },
        }
    }

    fn expected(&self, key: &str, what: &str, found: &Spanned<DeValue<'a>>) -> Failure {
        let found_kind = found.get_ref().type_str();
        self.error_at(
            key,
            format!("expected `{key}` to be {what}, found {found_kind}"),
        )
    }

    /// A string, a flag (as `true` or `false`), or a list of strings.
    fn texts(&self, key: &str) -> Result<Vec<&'t str>, Failure> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let wrong = || self.expected(key, "a string or a list of strings", value);
        match value.get_ref() {
            DeValue::Array(items) => {
                let texts = items.iter().map(|item| item.get_ref().as_str());
                texts.collect::<Option<_>>().ok_or_else(wrong)
            }
            DeValue::Boolean(true) => Ok(vec!["true"]),
            DeValue::Boolean(false) => Ok(vec!["false"]),
            other => other.as_str().map(|text| vec![text]).ok_or_else(wrong),
        }
    }

    fn flag(&self, key: &str) -> Result<bool, Failure> {
        match self.get(key) {
            None => Ok(false),
            Some(value) => match value.get_ref().as_bool() {
                Some(flag) => Ok(flag),
                None => Err(self.expected(key, "true or false", value)),
            },
        }
    }

    fn table_name(&self, key: &str) -> Result<Option<TableName>, Failure> {
        self.text(key)?
            .map(|name| TableName::parse(name).map_err(|error| self.error_at(key, error)))
            .transpose()
    }

    /// A date of TOML, or the same as a string.
    fn date(&self, key: &str) -> Result<Option<Date>, Failure> {
        let Some(value) = self.get(key) else {
            return Ok(None);
        };
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            other => other.as_str().unwrap_or_default().to_owned(),
        };
        match date::parse(&text) {
            Some(date) => Ok(Some(date)),
            None => Err(self.expected(key, "a date such as 2030-12-31", value)),
        }
    }

    fn table(&self, key: &str) -> Result<Option<&'t DeTable<'a>>, Failure> {
        match self.get(key) {
            None => Ok(None),
            Some(value) => match value.get_ref().as_table() {
                Some(table) => Ok(Some(table)),
                None => Err(self.expected(key, "a table", value)),
            },
        }
    }

    /// The tables of `[[key]]`, each with these keys.
    fn tables(&self, key: &str, keys: &[&str]) -> Result<Vec<Self>, Failure> {
        let Some(value) = self.get(key) else {
            return Ok(Vec::new());
        };
        let items = value
            .get_ref()
            .as_array()
            .ok_or_else(|| self.expected(key, &format!("a list of tables, [[{key}]]"), value))?;
        let mut found = Vec::new();
        for item in items.iter() {
            let table = item.get_ref().as_table().ok_or_else(|| {
                self.expected(key, &format!("a list of tables, [[{key}]]"), value)
            })?;
            let start = item.span().start;
            found.push(Self {
                start,
                line: self.at.line(start),
                ..At::entries(self.at, table, keys)?
            });
        }
        Ok(found)
    }
}
