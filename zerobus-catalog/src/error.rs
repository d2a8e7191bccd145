use std::fmt;
use std::time::Duration;

use zerobus_schema::{SchemaError, TableName};

/// Why a token or a schema could not be had.
///
/// Every message names the table or address it is about and what to do next. None holds a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CatalogError {
    /// Something is missing in the configuration, or cannot stand as it is.
    Configuration {
        /// What is wrong and how to mend it.
        problem: String,
    },
    /// The token endpoint did not take the client id and secret.
    CredentialsRefused {
        /// The address that was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the endpoint said.
        message: String,
    },
    /// The application's supplier has no token to exchange.
    NoSubjectToken {
        /// Why.
        problem: String,
    },
    /// The token endpoint did not exchange the token of the other identity provider.
    SubjectTokenRefused {
        /// The address that was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the endpoint said.
        message: String,
    },
    /// The token endpoint knows no such table, or the client has no direct grant on it (HTTP 401,
    /// `invalid_authorization_details`).
    NoTableOrGrant {
        /// The table.
        table: TableName,
    },
    /// The catalog knows no such table.
    TableNotFound {
        /// The table.
        table: TableName,
        /// What the catalog said.
        message: String,
    },
    /// The catalog does not take the token (HTTP 401): it has expired, was withdrawn, or belongs to another workspace; or
    /// there was none.
    TokenRefused {
        /// The table.
        table: TableName,
        /// The address that was asked.
        url: String,
        /// What the catalog said.
        message: String,
    },
    /// The catalog does not let this client read the table's schema.
    PermissionDenied {
        /// The table.
        table: TableName,
        /// What the catalog said.
        message: String,
    },
    /// Any other status than success.
    Status {
        /// What was being done: `fetching table main.default.t`.
        action: String,
        /// The address that was asked.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What the service said.
        message: String,
        /// How long the service asks to wait, where it says so.
        retry_after: Option<Duration>,
    },
    /// No answer: no connection, a broken one, or a time limit.
    Network {
        /// What was being done.
        action: String,
        /// The address that was asked.
        url: String,
        /// What went wrong.
        message: String,
    },
    /// The server's certificate is not trusted.
    Untrusted {
        /// What was being done.
        action: String,
        /// The address that was asked.
        url: String,
        /// What is wrong with the certificate.
        message: String,
    },
    /// An answer that is not what the service promises.
    Answer {
        /// What was being done.
        action: String,
        /// The address that was asked.
        url: String,
        /// What was expected and what was found.
        problem: String,
    },
    /// The table's schema could not be read.
    Schema {
        /// The table.
        table: TableName,
        /// Which column, and why.
        error: Box<SchemaError>,
    },
}

impl CatalogError {
    /// Whether the same call may succeed later without anything being changed: network errors, 5xx, 408 and 429, and a
    /// token supplier that had none.
    ///
    /// The calls of this crate have by then tried again within their time limit.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        match self {
            Self::Network { .. } | Self::NoSubjectToken { .. } => true,
            Self::Status { status, .. } => *status >= 500 || matches!(status, 408 | 429),
            _ => false,
        }
    }

    pub(crate) fn configuration(problem: impl Into<String>) -> Self {
        Self::Configuration {
            problem: problem.into(),
        }
    }
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Configuration { problem } => f.write_str(problem),
            Self::CredentialsRefused {
                url,
                status,
                message,
            } => write!(
                f,
                "{url} refused the client id and secret (HTTP {status}: {message}); check both, and that they belong to this workspace"
            ),
            Self::NoSubjectToken { problem } => write!(
                f,
                "no token to exchange: {problem}; look after the token supplier"
            ),
            Self::SubjectTokenRefused {
                url,
                status,
                message,
            } => write!(
                f,
                "{url} did not exchange the token (HTTP {status}: {message}); check the federation policy, and the client id \
                 where the policy is a service principal's"
            ),
            Self::NoTableOrGrant { table } => write!(
                f,
                "no token for table {table}: there is no such table, or the client has no grant directly on it; \
                 grant USE CATALOG, USE SCHEMA, and SELECT and MODIFY on the table itself (inherited grants and ALL PRIVILEGES do not count)"
            ),
            Self::TableNotFound { table, message } => write!(
                f,
                "the catalog knows no table {table} ({message}); check the three parts of the name and the workspace"
            ),
            Self::TokenRefused {
                table,
                url,
                message,
            } => write!(
                f,
                "the catalog takes no such token for table {table} (HTTP 401 from {url}: {message}); it may have expired or \
                 belong to another workspace: get another one, or give an OAuth client id and secret"
            ),
            Self::PermissionDenied { table, message } => write!(
                f,
                "the catalog refuses to show table {table} ({message}); grant USE CATALOG, USE SCHEMA and SELECT on the table"
            ),
            Self::Status {
                action,
                url,
                status,
                message,
                ..
            } => {
                write!(f, "{action}: {url} answered HTTP {status}: {message}")?;
                if (300..400).contains(status) {
                    f.write_str("; give the workspace's own address, redirects are not followed")?;
                } else if *status == 404 {
                    f.write_str("; check that this is the address of a workspace")?;
                } else if self.is_retryable() {
                    f.write_str("; try again later")?;
                }
                Ok(())
            }
            Self::Network {
                action,
                url,
                message,
            } => write!(
                f,
                "{action}: no answer from {url}: {message}; check the address, the network and the proxy"
            ),
            Self::Untrusted {
                action,
                url,
                message,
            } => write!(
                f,
                "{action}: the certificate of {url} is not trusted: {message}; name the PEM file of its CA in SSL_CERT_FILE"
            ),
            Self::Answer {
                action,
                url,
                problem,
            } => write!(
                f,
                "{action}: the answer of {url} cannot be used: {problem}; check that this is the address of a workspace"
            ),
            Self::Schema { table, error } => {
                write!(f, "the schema of table {table} cannot be read: {error}")
            }
        }
    }
}

impl std::error::Error for CatalogError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Schema { error, .. } => Some(error.as_ref()),
            _ => None,
        }
    }
}
