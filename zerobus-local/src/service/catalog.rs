//! Unity Catalog's REST API for tables.

use std::collections::HashMap;
use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::{Value, json};
use url::{Url, form_urlencoded};
use zerobus_schema::{TableName, ddl};

use super::access::bearer;
use super::answer::Answer;
use super::table::{Table, Tables};
use super::token::{Scope, TokenError, Tokens};
use crate::error::TableError;

const TABLE_TYPE: &str = "MANAGED";
const FORMAT: &str = "DELTA";

/// Whether the request may use the catalog; an ingest token may not.
pub(super) fn authorize(parts: &Parts, tokens: &Tokens) -> Result<(), Answer> {
    let header = parts.headers.get(AUTHORIZATION);
    let token = header.and_then(|header| bearer(header.to_str().ok()?));
    let unauthenticated =
        |message| Answer::error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    let token = token.ok_or_else(|| {
        unauthenticated("Missing credentials: send a token as `authorization: Bearer <token>`.")
    })?;
    match tokens.grant(token).map(|grant| grant.scope) {
        Ok(Scope::Catalog) => Ok(()),
        Ok(Scope::Ingest { table, .. }) => Err(Answer::error(
            StatusCode::FORBIDDEN,
            "PERMISSION_DENIED",
            &format!("The token is for streams into {table}, not for the catalog API."),
        )),
        Err(TokenError::Expired) => Err(unauthenticated("The token has expired.")),
        Err(TokenError::Unknown) => Err(unauthenticated(
            "The token was not issued by this server since its start.",
        )),
    }
}

pub(super) fn get(name: &str, tables: &Tables) -> Result<Answer, Answer> {
    let name = parse_name(name)?;
    match tables.get(&name) {
        Some(table) => {
            table.refresh_blocking();
            Ok(Answer::ok(table_info(&table)))
        }
        None => Err(no_table(&name)),
    }
}

fn parse_name(name: &str) -> Result<TableName, Answer> {
    TableName::parse(name).map_err(|problem| bad_request(&problem.to_string()))
}

pub(super) fn no_table(name: &TableName) -> Answer {
    let message = format!("Table '{name}' does not exist.");
    Answer::error(StatusCode::NOT_FOUND, "TABLE_DOES_NOT_EXIST", &message)
}

/// `?catalog_name=…&schema_name=…`, each optional here.
pub(super) fn list(query: &Query, tables: &Tables) -> Answer {
    let asked = |table: &Arc<Table>| {
        query
            .get("catalog_name")
            .is_none_or(|c| c == table.name.catalog())
            && query
                .get("schema_name")
                .is_none_or(|s| s == table.name.schema())
    };
    let listed = tables.list().into_iter().filter(asked);
    let listed = listed.map(|table| (table.name.to_string(), table_info(&table)));
    query.page("tables", listed.collect())
}

pub(super) fn delete(name: &str, tables: &Tables) -> Result<Answer, Answer> {
    let name = parse_name(name)?;
    match tables.delete(&name) {
        Ok(true) => Ok(Answer::ok(json!({}))),
        Ok(false) => Err(no_table(&name)),
        Err(error) => Err(refused(&error)),
    }
}

/// What stands behind the question mark.
pub(super) struct Query(HashMap<String, String>);

impl Query {
    pub(super) fn parse(text: &str) -> Self {
        Self(
            form_urlencoded::parse(text.as_bytes())
                .into_owned()
                .collect(),
        )
    }

    pub(super) fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// `max_results` of what is found, in order of their names, after `page_token`.
    pub(super) fn page(&self, key: &str, mut found: Vec<(String, Value)>) -> Answer {
        found.sort_by(|(a, _), (b, _)| a.cmp(b));
        if let Some(after) = self.get("page_token").filter(|after| !after.is_empty()) {
            found.retain(|(name, _)| name.as_str() > after);
        }
        let most = self.get("max_results").and_then(|most| most.parse().ok());
        // As the platform's APIs have it, 0 is their own choice.
        let most = most.filter(|&most| most > 0).unwrap_or(usize::MAX);
        let is_more = found.len() > most;
        found.truncate(most);
        let next = found
            .last()
            .map(|(name, _)| name.clone())
            .filter(|_| is_more);
        let found: Vec<Value> = found.into_iter().map(|(_, info)| info).collect();
        Answer::ok(json!({key: found, "next_page_token": next}))
    }
}

/// Creates a table from a `TableInfo`.
pub(super) fn create(body: &[u8], tables: &Tables) -> Result<Answer, Answer> {
    let text = std::str::from_utf8(body).map_err(|_| bad_request("The body is not UTF-8."))?;
    check_kind(text)?;
    let schema = zerobus_schema::catalog::parse_table(text)
        .map_err(|problem| bad_request(&problem.to_string()))?;
    let table = tables
        .create(schema, false)
        .map_err(|error| refused(&error))?;
    Ok(Answer::ok(table_info(&table)))
}

/// Creates every table of a text of CREATE TABLE statements; those that are there with the same columns stay.
pub(super) fn create_from_ddl(body: &[u8], tables: &Tables) -> Result<Answer, Answer> {
    let text = std::str::from_utf8(body).map_err(|_| bad_request("The body is not UTF-8."))?;
    let schemas =
        ddl::parse_create_tables(text).map_err(|problem| bad_request(&problem.to_string()))?;
    let mut created = Vec::new();
    for schema in schemas {
        let table = tables
            .create(schema, true)
            .map_err(|error| refused(&error))?;
        created.push(table.name.to_string());
    }
    Ok(Answer::ok(json!({"tables": created})))
}

pub(super) fn bad_request(message: &str) -> Answer {
    Answer::error(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
}

fn refused(problem: &TableError) -> Answer {
    let (status, code) = match problem {
        TableError::Exists { .. } | TableError::Different { .. } => {
            (StatusCode::CONFLICT, "TABLE_ALREADY_EXISTS")
        }
        TableError::Name(_) | TableError::NoName | TableError::Unsupported { .. } => {
            (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE")
        }
        TableError::Io { .. } | TableError::Storage { .. } => {
            (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR")
        }
    };
    Answer::error(status, code, &problem.to_string())
}

/// The table as the catalog tells of it.
fn table_info(table: &Table) -> Value {
    let mut info = zerobus_schema::catalog::table_to_json(&table.columns().schema);
    if let Some(info) = info.as_object_mut() {
        info.insert("table_type".to_owned(), TABLE_TYPE.into());
        info.insert("data_source_format".to_owned(), FORMAT.into());
        if let Ok(location) = Url::from_directory_path(&table.folder) {
            let location = location.as_str().trim_end_matches('/');
            info.insert("storage_location".to_owned(), location.into());
        }
    }
    info
}

/// Streams go into managed Delta tables only, so there are no others here.
fn check_kind(info: &str) -> Result<(), Answer> {
    let info: Value = serde_json::from_str(info).unwrap_or_default();
    for (key, only) in [("table_type", TABLE_TYPE), ("data_source_format", FORMAT)] {
        match info.get(key).and_then(Value::as_str) {
            Some(asked) if asked != only => {
                return Err(bad_request(&format!("{key} must be {only}, not {asked}.")));
            }
            _ => {}
        }
    }
    Ok(())
}
