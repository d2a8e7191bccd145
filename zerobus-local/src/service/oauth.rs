//! The token endpoint, `POST /oidc/v1/token`.
//!
//! Lenient where the official SDKs differ from each other: any `resource`, `operations` or not, any scope. What it insists
//! on is HTTP Basic credentials, `grant_type=client_credentials`, and that a table named in `authorization_details`
//! exists.

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

pub(super) fn token(
    parts: &Parts,
    form: &[u8],
    tokens: &Tokens,
    tables: &Tables,
) -> Result<Answer, Answer> {
    let mut grant_type = None;
    let mut details = None;
    let mut scope = None;
    for (key, value) in form_urlencoded::parse(form) {
        match &*key {
            "grant_type" => grant_type = Some(value.into_owned()),
            "authorization_details" => details = Some(value.into_owned()),
            "scope" => scope = Some(value.into_owned()),
            _ => {}
        }
    }
    let credentials = basic(parts).filter(|credentials| tokens.knows(credentials));
    if credentials.is_none() {
        return Err(refuse(
            StatusCode::UNAUTHORIZED,
            "invalid_client",
            "Client authentication failed: send the client's id and secret by HTTP Basic.",
        ));
    }
    if grant_type.as_deref() != Some("client_credentials") {
        return Err(refuse(
            StatusCode::BAD_REQUEST,
            "unsupported_grant_type",
            "Only grant_type=client_credentials is supported.",
        ));
    }
    let granted = match details.as_deref().map(str::trim) {
        None | Some("") => Scope::Catalog,
        Some(details) => ingest_scope(details, tables)?,
    };
    let token = tokens.issue(granted);
    let answer = json!({
        "access_token": token,
        "token_type": "Bearer",
        "expires_in": tokens.lifetime().as_secs(),
        "scope": scope.as_deref().unwrap_or("all-apis"),
    });
    Ok(Answer::ok(answer))
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
