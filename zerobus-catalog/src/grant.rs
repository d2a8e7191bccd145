use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use crate::error::CatalogError;
use crate::http::Credentials;
use crate::secret::Secret;

/// What tokens are asked for with.
#[derive(Debug, Clone)]
pub(crate) enum Grant {
    /// A service principal's id and secret.
    Oauth { id: String, secret: Secret },
    /// Another identity provider's token, exchanged for one of the workspace (RFC 8693). With a client id it is that of
    /// a service principal, without one of a user or group that the account knows.
    Federation {
        client_id: Option<String>,
        supplier: TokenSupplier,
    },
}

/// Yields the token of another identity provider whenever one is to be exchanged.
#[derive(Clone)]
pub(crate) struct TokenSupplier(Arc<dyn Fn() -> Supplied + Send + Sync>);

type Supplied = Pin<Box<dyn Future<Output = Result<Secret, String>> + Send>>;

impl TokenSupplier {
    pub(crate) fn new<S, F, T, E>(supply: S) -> Self
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Secret>,
        E: fmt::Display,
    {
        Self(Arc::new(move || {
            let token = supply();
            Box::pin(async move { token.await.map(Into::into).map_err(|e| e.to_string()) })
        }))
    }
}

impl fmt::Debug for TokenSupplier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSupplier")
    }
}

/// A grant as one request states it.
pub(crate) enum Stated<'a> {
    Oauth {
        id: &'a str,
        secret: &'a Secret,
    },
    Exchange {
        client_id: Option<&'a str>,
        subject: Secret,
    },
}

impl Grant {
    /// Ready for a request: a supplier is asked for its token.
    pub(crate) async fn state(&self) -> Result<Stated<'_>, CatalogError> {
        match self {
            Self::Oauth { id, secret } => Ok(Stated::Oauth { id, secret }),
            Self::Federation {
                client_id,
                supplier,
            } => {
                let supplied = (supplier.0)().await;
                let subject =
                    supplied.map_err(|problem| CatalogError::NoSubjectToken { problem })?;
                let token = subject.expose().trim();
                if token.is_empty() || !token.chars().all(|c| c.is_ascii_graphic()) {
                    return Err(CatalogError::NoSubjectToken {
                        problem: "what it yields is no token".to_owned(),
                    });
                }
                Ok(Stated::Exchange {
                    client_id: client_id.as_deref(),
                    subject: Secret::from(token),
                })
            }
        }
    }
}

impl Stated<'_> {
    /// The fields that say by what right a token is asked for.
    pub(crate) fn fields(&self) -> Vec<(&str, &str)> {
        match self {
            Self::Oauth { .. } => vec![("grant_type", "client_credentials")],
            Self::Exchange { client_id, subject } => {
                let mut fields = vec![
                    (
                        "grant_type",
                        "urn:ietf:params:oauth:grant-type:token-exchange",
                    ),
                    ("subject_token", subject.expose()),
                    ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
                ];
                fields.extend(client_id.map(|id| ("client_id", id)));
                fields
            }
        }
    }

    pub(crate) fn credentials(&self) -> Credentials<'_> {
        match self {
            Self::Oauth { id, secret } => Credentials::Basic { id, secret },
            Self::Exchange { subject, .. } => Credentials::InForm(subject),
        }
    }
}
