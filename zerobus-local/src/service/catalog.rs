//! Unity Catalog's REST API for tables, as far as it is needed here.

use std::sync::Arc;

use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::{Value, json};
use url::form_urlencoded;
use zerobus_schema::{TableName, ddl};

use super::access::bearer;
use super::answer::{Answer, error, json_body};
use super::table::{Table, Tables};
use super::token::{Scope, TokenError, Tokens};
use crate::error::TableError;

/// Whether the request may use the catalog; an ingest token may not.
pub(super) fn authorize(
    parts: &Parts,
    tokens: &Tokens,
) -> Result<(), http::Response<tonic::body::Body>> {
    let header = parts.headers.get(AUTHORIZATION);
    let token = header.and_then(|header| bearer(header.to_str().ok()?));
    let unauthenticated = |message| error(StatusCode::UNAUTHORIZED, "UNAUTHENTICATED", message);
    let token = token.ok_or_else(|| {
        unauthenticated("Missing credentials: send a token as `authorization: Bearer <token>`.")
    })?;
    match tokens.scope(token) {
        Ok(Scope::Catalog) => Ok(()),
        Ok(Scope::Ingest { table, .. }) => Err(error(
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

pub(super) fn get(name: &str, tables: &Tables) -> Answer {
    let name = TableName::parse(name).map_err(|problem| {
        error(
            StatusCode::BAD_REQUEST,
            "INVALID_PARAMETER_VALUE",
            &problem.to_string(),
        )
    })?;
    match tables.get(&name) {
        Some(table) => Ok(json_body(StatusCode::OK, &table_info(&table))),
        None => Err(error(
            StatusCode::NOT_FOUND,
            "TABLE_DOES_NOT_EXIST",
            &format!("Table '{name}' does not exist."),
        )),
    }
}

/// `?catalog_name=…&schema_name=…`, each optional here.
pub(super) fn list(query: &str, tables: &Tables) -> Answer {
    let mut catalog = None;
    let mut schema = None;
    for (key, value) in form_urlencoded::parse(query.as_bytes()) {
        match &*key {
            "catalog_name" => catalog = Some(value.into_owned()),
            "schema_name" => schema = Some(value.into_owned()),
            _ => {}
        }
    }
    let asked = |table: &Arc<Table>| {
        catalog.as_deref().is_none_or(|c| c == table.name.catalog())
            && schema.as_deref().is_none_or(|s| s == table.name.schema())
    };
    let listed = tables.list().into_iter().filter(asked);
    let listed: Vec<Value> = listed.map(|table| table_info(&table)).collect();
    Ok(json_body(StatusCode::OK, &json!({"tables": listed})))
}

/// Creates a table from a `TableInfo`.
pub(super) fn create(body: &[u8], tables: &Tables) -> Answer {
    let text = std::str::from_utf8(body).map_err(|_| bad_request("The body is not UTF-8."))?;
    let schema = zerobus_schema::catalog::parse_table(text)
        .map_err(|problem| bad_request(&problem.to_string()))?;
    let table = tables
        .create(schema, false)
        .map_err(|error| refused(&error))?;
    Ok(json_body(StatusCode::OK, &table_info(&table)))
}

/// Creates every table of a text of CREATE TABLE statements; those that are there with the same columns stay.
pub(super) fn create_from_ddl(body: &[u8], tables: &Tables) -> Answer {
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
    Ok(json_body(StatusCode::OK, &json!({"tables": created})))
}

fn bad_request(message: &str) -> http::Response<tonic::body::Body> {
    error(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", message)
}

fn refused(problem: &TableError) -> http::Response<tonic::body::Body> {
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
    error(status, code, &problem.to_string())
}

/// The table as the catalog tells of it.
fn table_info(table: &Table) -> Value {
    let schema = zerobus_schema::delta::schema_to_json(&table.schema.columns);
    let fields = schema
        .get("fields")
        .and_then(Value::as_array)
        .into_iter()
        .flatten();
    let columns: Vec<Value> = fields
        .zip(&table.schema.columns.fields)
        .enumerate()
        .map(|(position, (json, field))| {
            let sql = field.data_type.to_string();
            let name_end = sql.find(['(', '<']).unwrap_or(sql.len());
            let type_name = match sql.get(..name_end).unwrap_or_default() {
                "TINYINT" => "BYTE",
                "SMALLINT" => "SHORT",
                "BIGINT" => "LONG",
                "VARCHAR" => "STRING",
                other => other.split(' ').next().unwrap_or_default(),
            };
            json!({
                "name": field.name,
                "type_text": sql.to_lowercase(),
                "type_json": json.to_string(),
                "type_name": type_name,
                "position": position,
                "nullable": field.nullable,
                "comment": field.comment(),
            })
        })
        .collect();
    json!({
        "name": table.name.table(),
        "catalog_name": table.name.catalog(),
        "schema_name": table.name.schema(),
        "full_name": table.name.to_string(),
        "table_type": "MANAGED",
        "data_source_format": "DELTA",
        "storage_location": format!("file://{}", table.folder.display()),
        "comment": table.schema.comment,
        "properties": table.schema.properties,
        "columns": columns,
    })
}
