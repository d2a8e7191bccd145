//! Who may open a stream into which table.

use std::sync::Arc;
use std::time::Instant;

use http::HeaderMap;
use tonic::metadata::MetadataMap;
use tonic::{Code, Status};
use zerobus_proto::ErrorCode;
use zerobus_proto::contract::{AUTHORIZATION_HEADER, MAX_COLUMNS, TABLE_NAME_HEADER};
use zerobus_schema::TableName;

use super::status::coded;
use super::table::{Table, Tables};
use super::token::{Grant, Scope, TokenError, Tokens};

/// A call that was let in.
#[derive(Debug)]
pub(super) struct Access {
    pub(super) table: Arc<Table>,
    /// When its token is good no more.
    pub(super) expires: Instant,
}

/// Lets a call in whose token is good for the table that its metadata names.
pub(super) fn authorize(
    metadata: &MetadataMap,
    tokens: &Tokens,
    tables: &Tables,
) -> Result<Access, Status> {
    let headers = metadata.as_ref();
    let grant = grant(headers, tokens)?;
    let name = text(headers, TABLE_NAME_HEADER).ok_or_else(|| {
        Status::invalid_argument(format!(
            "Missing metadata `{TABLE_NAME_HEADER}`: send the table as catalog.schema.table."
        ))
    })?;
    let_in(grant, &parse_name(name)?, tables)
}

/// The same for a call that names its table elsewhere.
pub(super) fn authorize_for(
    table: &str,
    headers: &HeaderMap,
    tokens: &Tokens,
    tables: &Tables,
) -> Result<Access, Status> {
    let grant = grant(headers, tokens)?;
    let_in(grant, &parse_name(table)?, tables)
}

fn grant(headers: &HeaderMap, tokens: &Tokens) -> Result<Grant, Status> {
    let token = text(headers, AUTHORIZATION_HEADER).and_then(bearer).ok_or_else(|| {
        Status::unauthenticated(format!(
            "Missing credentials: send a token as `{AUTHORIZATION_HEADER}: Bearer <token>`, from /oidc/v1/token."
        ))
    })?;
    tokens.grant(token).map_err(|error| {
        Status::unauthenticated(match error {
            TokenError::Unknown => {
                "Invalid token: it was not issued by this server since its start; ask /oidc/v1/token for a new one."
            }
            TokenError::Expired => "Token expired: ask /oidc/v1/token for a new one.",
        })
    })
}

fn let_in(grant: Grant, name: &TableName, tables: &Tables) -> Result<Access, Status> {
    let Grant { scope, expires } = grant;
    let table = tables.get(name).ok_or_else(|| unknown_table(name))?;
    match scope {
        Scope::Ingest {
            table,
            modify: true,
        } if table == *name => {}
        Scope::Ingest { table, modify } => {
            let problem = if modify {
                format!("The token is for table {table}, not for {name}.")
            } else {
                format!("The token does not carry MODIFY on table {table}.")
            };
            return Err(coded(ErrorCode::PERMISSION_DENIED, &problem));
        }
        Scope::Catalog => {
            let problem = format!(
                "The token is not for table {name}: ask for one with authorization_details that name it."
            );
            return Err(coded(ErrorCode::PERMISSION_DENIED, &problem));
        }
    }
    check_supported(&table)?;
    Ok(Access { table, expires })
}

/// The limits of the documentation page "Zerobus Ingest connector limitations"; what the service answers is assumed.
fn check_supported(table: &Table) -> Result<(), Status> {
    let name = table.name.table();
    let is_plain = |c: u8| c.is_ascii_alphanumeric() || c == b'_';
    if !name.bytes().all(is_plain) {
        let problem = format!(
            "The name of table {name:?} may have ASCII letters, digits and underscores only."
        );
        return Err(coded(ErrorCode::UNSUPPORTED_TABLE, &problem));
    }
    let columns = table.columns().schema.columns.fields.len();
    if columns > MAX_COLUMNS {
        let problem = format!(
            "Table {} has {columns} columns, at most {MAX_COLUMNS} are supported.",
            table.name
        );
        return Err(coded(ErrorCode::UNSUPPORTED_TABLE, &problem));
    }
    Ok(())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// The token of an `authorization` header.
pub(super) fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then_some(token)
}

pub(super) fn parse_name(name: &str) -> Result<TableName, Status> {
    TableName::parse(name).map_err(|error| Status::invalid_argument(format!("{error}.")))
}

pub(super) fn unknown_table(name: &TableName) -> Status {
    Status::new(Code::NotFound, format!("Table \"{name}\" cannot be found."))
}
