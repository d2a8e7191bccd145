//! Who the stream says it is.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

use zerobus_catalog::{CatalogError, Secret, Token, Workspace};
use zerobus_proto::contract::{AUTHORIZATION_HEADER, BEARER_PREFIX, TABLE_NAME_HEADER};
use zerobus_schema::TableName;

use crate::error::Error;

/// The headers of a stream, as they are being had.
pub type HeadersFuture<'a> =
    Pin<Box<dyn Future<Output = Result<Headers, HeadersError>> + Send + 'a>>;

/// Yields the headers of every connection of a stream: for those who get their tokens in a way of their own.
///
/// It is asked once for each connection, so it should keep a token that is still valid.
///
/// ```
/// use zerobus_client::{Headers, HeadersFuture, HeadersProvider, TableName};
///
/// struct FromVault;
///
/// impl HeadersProvider for FromVault {
///     fn headers<'a>(&'a self, table: &'a TableName) -> HeadersFuture<'a> {
///         Box::pin(async move {
///             let token = "…"; // await it here
///             Ok(Headers::bearer(token, table))
///         })
///     }
/// }
/// ```
pub trait HeadersProvider: Send + Sync {
    /// The headers for a stream into `table`. `authorization` and `x-databricks-zerobus-table-name` must be among
    /// them; [`Headers::bearer`] makes both.
    ///
    /// # Errors
    /// [`HeadersError`] when there are none to be had.
    fn headers<'a>(&'a self, table: &'a TableName) -> HeadersFuture<'a>;

    /// The same after the service has refused `rejected`: a token kept from then must not be given again. Called at
    /// most once before the stream gives up.
    ///
    /// # Errors
    /// As [`headers`](Self::headers).
    fn refreshed_headers<'a>(
        &'a self,
        table: &'a TableName,
        rejected: &'a Headers,
    ) -> HeadersFuture<'a> {
        let _ = rejected;
        self.headers(table)
    }
}

/// Headers by name. Values are secret: `Debug` does not show them.
#[derive(Debug, Clone, Default)]
pub struct Headers {
    entries: Vec<(String, Secret)>,
    /// The workspace's token among them, for it to know when it is refused.
    token: Option<Token>,
}

impl Headers {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The two that the service needs: the token, without `Bearer` before it, and the table.
    #[must_use]
    pub fn bearer(token: &str, table: &TableName) -> Self {
        Self::new()
            .with(AUTHORIZATION_HEADER, format!("{BEARER_PREFIX}{token}"))
            .with(TABLE_NAME_HEADER, table.to_string())
    }

    fn workspace(token: Token, table: &TableName) -> Self {
        Self {
            token: Some(token.clone()),
            ..Self::bearer(token.expose(), table)
        }
    }

    /// One more header; one of the same name is replaced.
    #[must_use]
    pub fn with(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        let name = name.into().to_ascii_lowercase();
        self.entries.retain(|(other, _)| *other != name);
        self.entries.push((name, Secret::from(value.into())));
        self
    }

    /// Checks that what the service needs is there, and that all of it can stand in HTTP.
    pub(crate) fn to_http(&self) -> Result<http::HeaderMap, HeadersError> {
        let mut map = http::HeaderMap::new();
        for (name, value) in &self.entries {
            let problem = || {
                HeadersError::new(format!(
                    "the header `{}` cannot stand in HTTP; check its name and value",
                    name.escape_debug()
                ))
            };
            let name = http::HeaderName::from_bytes(name.as_bytes()).map_err(|_| problem())?;
            let mut value = http::HeaderValue::from_str(value.expose()).map_err(|_| problem())?;
            value.set_sensitive(true);
            map.insert(name, value);
        }
        for needed in [AUTHORIZATION_HEADER, TABLE_NAME_HEADER] {
            if !map.contains_key(needed) {
                return Err(HeadersError::new(format!(
                    "the headers provider left out `{needed}`, which the service needs; `Headers::bearer` makes it"
                )));
            }
        }
        Ok(map)
    }
}

/// Why a [`HeadersProvider`] has no headers.
#[derive(Debug, Clone)]
pub struct HeadersError {
    problem: HeadersProblem,
}

#[derive(Debug, Clone)]
enum HeadersProblem {
    Catalog(CatalogError),
    Other { message: String, retryable: bool },
}

impl HeadersError {
    /// For a reason that will not go away by itself.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self::other(message.into(), false)
    }

    /// For a reason that may: the stream asks again within its retries.
    #[must_use]
    pub fn retryable(message: impl Into<String>) -> Self {
        Self::other(message.into(), true)
    }

    fn other(message: String, retryable: bool) -> Self {
        Self {
            problem: HeadersProblem::Other { message, retryable },
        }
    }

    /// Whether asking again may help.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match &self.problem {
            HeadersProblem::Catalog(error) => error.is_retryable(),
            HeadersProblem::Other { retryable, .. } => *retryable,
        }
    }

    pub(crate) fn into_error(self) -> Error {
        match self.problem {
            HeadersProblem::Catalog(error) => Error::Catalog { error },
            HeadersProblem::Other { .. } => Error::Headers { error: self },
        }
    }
}

impl fmt::Display for HeadersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.problem {
            HeadersProblem::Catalog(error) => write!(f, "{error}"),
            HeadersProblem::Other { message, .. } => f.write_str(message),
        }
    }
}

impl std::error::Error for HeadersError {}

impl From<CatalogError> for HeadersError {
    fn from(error: CatalogError) -> Self {
        Self {
            problem: HeadersProblem::Catalog(error),
        }
    }
}

/// Tokens from the workspace's token endpoint, one for each table, kept until shortly before they expire.
impl HeadersProvider for Workspace {
    fn headers<'a>(&'a self, table: &'a TableName) -> HeadersFuture<'a> {
        Box::pin(async move {
            let token = self.ingest_token(table).await?;
            Ok(Headers::workspace(token, table))
        })
    }

    fn refreshed_headers<'a>(
        &'a self,
        table: &'a TableName,
        rejected: &'a Headers,
    ) -> HeadersFuture<'a> {
        Box::pin(async move {
            let token = match &rejected.token {
                Some(token) => self.refresh_ingest_token(table, token).await?,
                None => self.ingest_token(table).await?,
            };
            Ok(Headers::workspace(token, table))
        })
    }
}

/// One token, as it is.
#[derive(Debug)]
pub(crate) struct FixedToken(pub(crate) Secret);

impl HeadersProvider for FixedToken {
    fn headers<'a>(&'a self, table: &'a TableName) -> HeadersFuture<'a> {
        Box::pin(async move { Ok(Headers::bearer(self.0.expose(), table)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_header_is_named() {
        let error = Headers::new()
            .with("Authorization", "Bearer x")
            .to_http()
            .unwrap_err();
        assert!(error.to_string().contains(TABLE_NAME_HEADER), "{error}");
        let table = TableName::parse("a.b.c").unwrap();
        assert!(Headers::bearer("x", &table).to_http().is_ok());
    }

    #[test]
    fn a_token_is_shown_neither_by_debug_nor_by_an_error() {
        let table = TableName::parse("a.b.c").unwrap();
        let headers = Headers::bearer("hunter2\n", &table);
        assert!(!format!("{headers:?}").contains("hunter2"));
        let error = headers.to_http().unwrap_err();
        assert!(!format!("{error} {error:?}").contains("hunter2"));
    }
}
