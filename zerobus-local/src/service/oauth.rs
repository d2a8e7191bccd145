//! The token endpoint, `POST /oidc/v1/token`.
//!
//! Lenient where the official SDKs differ from each other: any `resource`, `operations` or not, any scope. What it insists
//! on is HTTP Basic credentials with `grant_type=client_credentials`, or a subject token to be exchanged (RFC 8693), and
//! that a table named in `authorization_details` exists.

use std::collections::HashMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::StatusCode;
use http::header::AUTHORIZATION;
use http::request::Parts;
use serde_json::{Value, json};
use url::form_urlencoded;
use zerobus_schema::TableName;

use super::answer::Answer;
use super::table::Tables;
use super::token::{Credentials, Scope, Tokens};

/// The grant type of token exchange, and the type of what is exchanged (RFC 8693).
const TOKEN_EXCHANGE: &str = "urn:ietf:params:oauth:grant-type:token-exchange";
const JWT: &str = "urn:ietf:params:oauth:token-type:jwt";

pub(super) fn token(
    parts: &Parts,
    form: &[u8],
    tokens: &Tokens,
    tables: &Tables,
) -> Result<Answer, Answer> {
    let fields: HashMap<String, String> = form_urlencoded::parse(form).into_owned().collect();
    let field = |key: &str| fields.get(key).map(|value| value.trim());
    match field("grant_type") {
        Some(TOKEN_EXCHANGE) => check_exchange(field, tokens)?,
        grant_type => check_client(parts, grant_type, tokens)?,
    }
    let granted = match field("authorization_details") {
        None | Some("") => Scope::Catalog,
        Some(details) => ingest_scope(details, tables)?,
    };
    let token = tokens.issue(granted);
    let answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": tokens.lifetime().as_secs(),
        "scope": field("scope").unwrap_or("all-apis"),
    });
    Ok(Answer::ok(answer))
}

fn check_client(parts: &Parts, grant_type: Option<&str>, tokens: &Tokens) -> Result<(), Answer> {
    if !basic(parts).is_some_and(|credentials| tokens.knows(&credentials)) {
        return Err(refuse(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Client authentication failed: send the client's id and secret by HTTP Basic.",
        ));
    }
    if grant_type != Some("client_credentials") {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "Only grant_type=client_credentials and token exchange are supported.",
        ));
    }
    Ok(())
}

/// A subject token is believed: no identity provider is known that could be asked about it. Where a client was named,
/// it has to be for that one.
fn check_exchange<'f>(
    field: impl Fn(&str) -> Option<&'f str>,
    tokens: &Tokens,
) -> Result<(), Answer> {
    let kind = field("subject_token_type");
    if kind != Some(JWT) || field("subject_token").is_none_or(str::is_empty) {
        let problem =
            format!("Token exchange needs a subject_token, and {JWT} as its subject_token_type.");
        return Err(refuse(StatusCode::BAD_REQUEST, "invalid_request", &problem));
    }
    if !tokens.knows_id(field("client_id")) {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "invalid_grant",
            "No federation policy takes the token for this client_id.",
        ));
    }
    Ok(())
}

/// The one table that the details ask for.
fn ingest_scope(details: &str, tables: &Tables) -> Result<Scope, Answer> {
    let invalid = |status, problem: &str| refuse(status, "invalid_authorization_details", problem);
    let details: Value = serde_json::from_str(details).map_err(|error| {
        let problem = format!("authorization_details is not JSON: {error}.");
        invalid(StatusCode::BAD_REQUEST, &problem)
    })?;
    let on_table = details.as_array().into_iter().flatten().find(|detail| {
        let object_type = detail.get("object_type").and_then(Value::as_str);
        object_type.is_some_and(|object_type| object_type.eq_ignore_ascii_case("TABLE"))
    });
    let Some(on_table) = on_table else {
        return Err(invalid(
            StatusCode::BAD_REQUEST,
            "authorization_details names no object of type TABLE.",
        ));
    };
    let path = on_table.get("object_full_path").and_then(Value::as_str);
    let table = TableName::parse(path.unwrap_or_default())
        .ok()
        .filter(|table| tables.get(table).is_some())
        .ok_or_else(|| {
            let path = path.unwrap_or_default();
            let problem =
                format!("Table {path:?} does not exist, or there is no direct grant on it.");
            invalid(StatusCode::UNAUTHORIZED, &problem)
        })?;
    let mut privileges = on_table
        .get("privileges")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str);
    Ok(Scope::Ingest {
        table,
        modify: privileges.any(|privilege| privilege.eq_ignore_ascii_case("MODIFY")),
    })
}

fn basic(parts: &Parts) -> Option<Credentials> {
    let header = parts.headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = decoded.split_once(':')?;
    Some(Credentials {
        id: id.to_owned(),
        secret: secret.to_owned(),
    })
}

/// An error as OAuth words it.
fn refuse(status: StatusCode, error: &str, description: &str) -> Answer {
    let body = json!({"error": error, "error_description": description});
    Answer::new(status, body)
}
