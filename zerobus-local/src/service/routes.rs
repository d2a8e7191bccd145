//! Which path is answered by whom.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use http::header::CONTENT_TYPE;
use http::request::Parts;
use http::{Method, Request, Response, StatusCode};
use hyper::body::Incoming;
use serde_json::json;
use tonic::body::Body;

use super::answer::Answer;
use super::body::{self, Collected};
use super::budget::Budget;
use super::catalog::Query;
use super::grpc::Grpc;
use super::namespace::Namespace;
use super::origin::is_trusted;
use super::reader::Injection;
use super::stop::Stop;
use super::table::Tables;
use super::token::Tokens;
use super::{catalog, insert, metrics, oauth, page, sight};
use crate::faults::{FaultRule, Faults};

/// What is served for the page; its answers hold rows.
const LOCAL: &str = "/api/local/";

const CATALOG: &str = "/api/2.1/unity-catalog/";

#[derive(Debug, Clone)]
pub(super) struct Routes {
    pub(super) grpc: Grpc,
    pub(super) tables: Arc<Tables>,
    pub(super) tokens: Arc<Tokens>,
    pub(super) faults: Arc<Faults>,
    pub(super) bodies: Arc<Budget>,
    pub(super) stop: Stop,
    pub(super) listening: SocketAddr,
    pub(super) started: Instant,
}

impl Routes {
    pub(super) async fn answer(
        self,
        request: Request<Incoming>,
    ) -> Result<Response<Body>, Infallible> {
        let (parts, body) = request.into_parts();
        let safe =
            matches!(parts.method, Method::GET | Method::HEAD) && !path(&parts).starts_with(LOCAL);
        if !safe && !is_trusted(&parts, self.listening) {
            return Ok(Answer::error(
                StatusCode::FORBIDDEN,
                "PERMISSION_DENIED",
                "Requests must come from this machine: the Host or Origin header names another one.",
            ).into_response());
        }
        if is_grpc(&parts) {
            return Ok(self.grpc.answer(Request::from_parts(parts, body)).await);
        }
        let Collected {
            bytes: body,
            share: _share,
        } = match body::collect(body, &self.bodies).await {
            Ok(collected) => collected,
            Err(answer) => return Ok(answer.into_response()),
        };
        if let Some(table) = insert::table_of(path(&parts)).filter(|_| parts.method == Method::POST)
        {
            let table = percent_decoded(table);
            let injection = Injection {
                faults: Arc::clone(&self.faults),
                tokens: Arc::clone(&self.tokens),
                cut: parts.extensions.get().cloned().unwrap_or_default(),
            };
            let answer = insert::insert(&table, &parts, body, &injection, &self.tables).await;
            return Ok(answer.into_response());
        }
        if parts.method == Method::GET && path(&parts) == "/" {
            return Ok(page::page());
        }
        // Creating a table writes to the disk.
        let answer = tokio::task::spawn_blocking(move || self.route(&parts, &body)).await;
        Ok(match answer {
            Ok(Ok(answer) | Err(answer)) => answer.into_response(),
            Err(_) => Answer::error(
                StatusCode::INTERNAL_SERVER_ERROR,
                "INTERNAL_ERROR",
                "The server could not answer.",
            )
            .into_response(),
        })
    }

    fn route(&self, parts: &Parts, body: &[u8]) -> Result<Answer, Answer> {
        let path = path(parts);
        let get = parts.method == Method::GET;
        let post = parts.method == Method::POST;
        match path {
            "/healthz" | "/health" if get => Ok(Answer::ok(json!({"status": "ok"}))),
            "/readyz" | "/ready" if get => self.ready(),
            "/metrics" if get => Ok(Answer::text(metrics::text(&self.tables.list()))),
            "/oidc/v1/token" if post => oauth::token(parts, body, &self.tokens, &self.tables),
            "/faults" if get => Ok(Answer::ok(self.faults.to_json())),
            "/faults" if parts.method == Method::PUT => self.put_faults(body),
            "/faults" if parts.method == Method::DELETE => {
                self.faults.replace(Vec::new());
                Ok(Answer::ok(self.faults.to_json()))
            }
            "/api/local/state" if get => Ok(sight::state(&self.tables, &self.faults, self.started)),
            "/api/local/table" if get => sight::schema(&query(parts), &self.tables),
            "/api/local/rows" if get => sight::last_rows(&query(parts), &self.tables),
            "/api/local/ddl" if post => catalog::create_from_ddl(body, &self.tables),
            _ => match path.strip_prefix(CATALOG) {
                Some(rest) => {
                    catalog::authorize(parts, &self.tokens)?;
                    self.catalog(parts, rest, body)
                }
                None => Err(not_served(parts)),
            },
        }
    }

    /// Unity Catalog's API, below its prefix.
    fn catalog(&self, parts: &Parts, path: &str, body: &[u8]) -> Result<Answer, Answer> {
        let query = query(parts);
        let (kind, name) = match path.split_once('/') {
            Some((kind, name)) => (kind, Some(percent_decoded(name))),
            None => (path, None),
        };
        let tables = &*self.tables;
        match (kind, name.as_deref(), &parts.method) {
            ("tables", None, &Method::GET) => Ok(catalog::list(&query, tables)),
            ("tables", None, &Method::POST) => catalog::create(body, tables),
            ("tables", Some(name), &Method::GET) => catalog::get(name, tables),
            ("tables", Some(name), &Method::DELETE) => catalog::delete(name, tables),
            ("schemas", None, &Method::GET) => Namespace::list_schemas(&query, tables),
            ("schemas", None, &Method::POST) => Namespace::create(body, true, tables),
            ("schemas", Some(name), &Method::GET) => Namespace::schema(name)?.get(tables),
            ("schemas", Some(name), &Method::DELETE) => {
                Namespace::schema(name)?.delete(&query, tables)
            }
            ("catalogs", None, &Method::GET) => Namespace::list_catalogs(&query, tables),
            ("catalogs", None, &Method::POST) => Namespace::create(body, false, tables),
            ("catalogs", Some(name), &Method::GET) => Namespace::catalog(name)?.get(tables),
            ("catalogs", Some(name), &Method::DELETE) => {
                Namespace::catalog(name)?.delete(&query, tables)
            }
            _ => Err(not_served(parts)),
        }
    }
}

fn not_served(parts: &Parts) -> Answer {
    let message = format!("No API is served for {} {}.", parts.method, path(parts));
    Answer::error(StatusCode::NOT_FOUND, "ENDPOINT_NOT_FOUND", &message)
}

fn query(parts: &Parts) -> Query {
    Query::parse(parts.uri.query().unwrap_or_default())
}

/// Official SDKs put two slashes behind a workspace URL that ends with one.
fn path(parts: &Parts) -> &str {
    let path = parts.uri.path();
    let rest = path.get(1..).filter(|rest| rest.starts_with('/'));
    rest.unwrap_or(path)
}

impl Routes {
    fn ready(&self) -> Result<Answer, Answer> {
        let not_yet = |problem: &str| {
            Err(Answer::error(
                StatusCode::SERVICE_UNAVAILABLE,
                "TEMPORARILY_UNAVAILABLE",
                problem,
            ))
        };
        if self.stop.is_stopping() {
            return not_yet("The server is shutting down.");
        }
        if !self.tables.data().is_dir() {
            return not_yet("The data folder is gone.");
        }
        Ok(Answer::ok(json!({"status": "ok"})))
    }

    /// In place of the rules that there are.
    fn put_faults(&self, body: &[u8]) -> Result<Answer, Answer> {
        let refused = |problem: &dyn std::fmt::Display| {
            let problem = problem.to_string();
            Answer::error(StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE", &problem)
        };
        let text = std::str::from_utf8(body).map_err(|error| refused(&error))?;
        let rules = FaultRule::parse_list(text).map_err(|error| refused(&error))?;
        self.faults.replace(rules);
        Ok(Answer::ok(self.faults.to_json()))
    }
}

fn is_grpc(parts: &Parts) -> bool {
    parts
        .headers
        .get(CONTENT_TYPE)
        .is_some_and(|value| value.as_bytes().starts_with(b"application/grpc"))
}

fn percent_decoded(text: &str) -> String {
    // A `+` is itself in a path and a blank in a form.
    let form = text.replace('+', "%2B");
    url::form_urlencoded::parse(form.as_bytes())
        .next()
        .map_or(String::new(), |(name, _)| name.into_owned())
}
