use std::fmt;
use std::sync::Arc;

use zerobus_schema::{TableName, TableRef, TableSchema, catalog};

use crate::address::Address;
use crate::builder::WorkspaceBuilder;
use crate::cache::TokenCache;
use crate::config::Config;
use crate::error::CatalogError;
use crate::grant::Grant;
use crate::http::{Answer, Call, Credentials, Http};
use crate::personal::{self, PersonalToken};
use crate::retry::Attempts;
use crate::secret::Secret;
use crate::token::{self, Token};

/// A Databricks workspace, seen by one client. Clones share their tokens.
#[derive(Clone)]
pub struct Workspace {
    inner: Arc<Inner>,
}

struct Inner {
    http: Http,
    address: Address,
    endpoint: Option<Address>,
    workspace_id: Option<String>,
    grant: Option<Grant>,
    personal_token: Option<PersonalToken>,
    tokens: TokenCache,
}

impl Workspace {
    /// Begins to set one up.
    #[must_use]
    pub fn builder() -> WorkspaceBuilder {
        WorkspaceBuilder::default()
    }

    /// The workspace that the environment or a profile names; see [`Config::resolve`].
    ///
    /// # Errors
    /// [`CatalogError::Configuration`] when something is missing or cannot be used.
    pub fn from_env() -> Result<Self, CatalogError> {
        Self::builder().or(Config::default().resolve()?).build()
    }

    pub(crate) fn new(
        http: Http,
        address: Address,
        endpoint: Option<Address>,
        workspace_id: Option<String>,
        grant: Option<Grant>,
        personal_token: Option<PersonalToken>,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                http,
                address,
                endpoint,
                workspace_id,
                grant,
                personal_token,
                tokens: TokenCache::default(),
            }),
        }
    }

    /// The workspace's address, without a trailing slash.
    #[must_use]
    pub fn url(&self) -> &str {
        self.inner.address.as_str()
    }

    /// The address of Zerobus, with its scheme and without a trailing slash, where one was given.
    #[must_use]
    pub fn endpoint(&self) -> Option<&str> {
        self.inner.endpoint.as_ref().map(Address::as_str)
    }

    /// The address, for calls of this crate.
    pub(crate) fn address(&self) -> &Address {
        &self.inner.address
    }

    /// The workspace's id, where it is known.
    #[must_use]
    pub fn workspace_id(&self) -> Option<&str> {
        self.inner.workspace_id.as_deref()
    }

    /// Fetches the schema of a table from Unity Catalog.
    ///
    /// # Errors
    /// [`CatalogError`]; network errors and a failing service are tried again within the time limit first.
    pub async fn table(&self, table: &TableName) -> Result<TableSchema, CatalogError> {
        let answer = self.fetch_table(table).await?;
        read_table(table.clone(), &answer.body)
    }

    /// The catalog's answer about a table, when it is one.
    pub(crate) async fn fetch_table(&self, table: &TableName) -> Result<Answer, CatalogError> {
        let url = self.inner.address.join(&format!(
            "/api/2.1/unity-catalog/tables/{}",
            token::percent_encode(&table.to_string())
        ));
        let action = format!("fetching the schema of {table}");
        let first = self.catalog_token().await?;
        let mut answer = self.get(&url, &action, first.as_ref()).await?;
        if let (401, Some(first), true) = (answer.0.status, &first, self.can_replace_token()) {
            // The token may have been withdrawn before its time: once more, with a new one.
            self.inner.tokens.forget(None, first);
            let second = self.catalog_token().await?;
            answer = self.get(&url, &action, second.as_ref()).await?;
        }
        let (answer, message) = answer;
        let table = table.clone();
        match answer.status {
            200..=299 if answer.body.trim_start().starts_with('{') => Ok(answer),
            // A proxy or a login page answers for the catalog.
            200..=299 => Err(CatalogError::Answer {
                problem: answer.other_than_json(),
                action,
                url,
            }),
            // A wrong address answers 404 too, but not in the catalog's form.
            404 if answer.code().is_some() => Err(CatalogError::TableNotFound { table, message }),
            401 => Err(CatalogError::TokenRefused {
                table,
                url,
                message,
            }),
            403 => Err(CatalogError::PermissionDenied { table, message }),
            status => Err(CatalogError::Status {
                action,
                url,
                status,
                message,
                retry_after: None,
            }),
        }
    }

    /// The token that a stream into `table` needs. It is kept, and replaced shortly before it expires; while it cannot
    /// be replaced, the one at hand is served for as long as it is valid.
    ///
    /// # Errors
    /// [`CatalogError`]; network errors and a failing service are tried again within the time limit first.
    pub async fn ingest_token(&self, table: &TableName) -> Result<Token, CatalogError> {
        let grant = self.inner.grant.as_ref().ok_or_else(|| {
            CatalogError::configuration(format!(
                "no token to write into {table}: a personal access token is for the catalog alone; \
                 give an OAuth client id and secret (DATABRICKS_CLIENT_ID, DATABRICKS_CLIENT_SECRET)"
            ))
        })?;
        let id = self.inner.workspace_id.as_deref().ok_or_else(|| {
            CatalogError::configuration(format!(
                "no token to write into {table}: the workspace's id is in neither address; \
                 give it to the builder or in DATABRICKS_WORKSPACE_ID"
            ))
        })?;
        let fetch = |attempts| self.fetch_token(grant, Some((id, table)), attempts);
        self.inner.tokens.get(Some(table), fetch).await
    }

    /// A new ingest token in the place of one that the service has rejected. When another caller has replaced it
    /// meanwhile, that one is returned.
    ///
    /// # Errors
    /// As [`Self::ingest_token`].
    pub async fn refresh_ingest_token(
        &self,
        table: &TableName,
        rejected: &Token,
    ) -> Result<Token, CatalogError> {
        self.inner.tokens.forget(Some(table), rejected.secret());
        self.ingest_token(table).await
    }

    fn can_replace_token(&self) -> bool {
        matches!(
            self.inner.personal_token,
            None | Some(PersonalToken::Command(_))
        )
    }

    /// The token of the catalog API; `None` where none is asked for.
    pub(crate) async fn catalog_token(&self) -> Result<Option<Secret>, CatalogError> {
        let token = match &self.inner.personal_token {
            Some(PersonalToken::NoAuth) => return Ok(None),
            Some(PersonalToken::Given(token)) => return Ok(Some(token.clone())),
            Some(PersonalToken::File(file)) => return personal::read(file).map(Some),
            Some(PersonalToken::Command(command)) => {
                let run = |_| async {
                    let command = command.clone();
                    let run = tokio::task::spawn_blocking(move || personal::run(&command));
                    run.await.unwrap_or_else(|error| {
                        Err(CatalogError::configuration(format!(
                            "the token command was given up: {error}"
                        )))
                    })
                };
                self.inner.tokens.get(None, run).await?
            }
            None => {
                let grant = self
                    .inner
                    .grant
                    .as_ref()
                    .ok_or_else(|| CatalogError::configuration("no credentials given"))?;
                let fetch = |attempts| self.fetch_token(grant, None, attempts);
                self.inner.tokens.get(None, fetch).await?
            }
        };
        Ok(Some(token.secret().clone()))
    }

    /// The answer, and what it says should it be a refusal.
    pub(crate) async fn get(
        &self,
        url: &str,
        action: &str,
        token: Option<&Secret>,
    ) -> Result<(Answer, String), CatalogError> {
        let call = Call {
            action,
            url,
            credentials: token.map_or(Credentials::None, Credentials::Bearer),
            form: None,
        };
        let answer = self
            .inner
            .http
            .call(&call, Attempts::WithinTimeLimit)
            .await?;
        let message = if answer.is_success() {
            String::new()
        } else {
            answer.message(&call)
        };
        Ok((answer, message))
    }

    async fn fetch_token(
        &self,
        grant: &Grant,
        ingest: Option<(&str, &TableName)>,
        attempts: Attempts,
    ) -> Result<Token, CatalogError> {
        let stated = grant.state().await?;
        let form = match ingest {
            Some((id, table)) => token::ingest_form(stated.fields(), id, table),
            None => token::catalog_form(stated.fields()),
        };
        let table = ingest.map(|(_, table)| table);
        let url = self.inner.address.join("/oidc/v1/token");
        let action = match table {
            Some(table) => format!("fetching a token for table {table}"),
            None => "fetching a token for the catalog".to_owned(),
        };
        let call = Call {
            action: &action,
            url: &url,
            credentials: stated.credentials(),
            form: Some(&form),
        };
        let answer = self.inner.http.call(&call, attempts).await?;
        if answer.is_success() {
            return Token::from_answer(&answer.body).map_err(|problem| call.unusable(problem));
        }
        let code = answer.code();
        match (table, code.as_deref(), answer.status) {
            (Some(table), Some("invalid_authorization_details"), _) => {
                Err(CatalogError::NoTableOrGrant {
                    table: table.clone(),
                })
            }
            (_, Some("invalid_client" | "invalid_grant"), _) | (_, _, 401 | 403)
                if matches!(grant, Grant::Federation { .. }) =>
            {
                let message = answer.message(&call);
                Err(CatalogError::SubjectTokenRefused {
                    url: url.clone(),
                    status: answer.status,
                    message,
                })
            }
            (_, Some("invalid_client"), _) | (_, _, 401 | 403) => {
                let message = answer.message(&call);
                Err(CatalogError::CredentialsRefused {
                    url: url.clone(),
                    status: answer.status,
                    message,
                })
            }
            _ => Err(answer.error(&call, None)),
        }
    }
}

pub(crate) fn read_table(table: TableName, body: &str) -> Result<TableSchema, CatalogError> {
    let mut schema = match catalog::parse_table(body) {
        Ok(schema) => schema,
        Err(error) => {
            let error = Box::new(error);
            return Err(CatalogError::Schema { table, error });
        }
    };
    schema.table = Some(TableRef::from(table));
    Ok(schema)
}

impl fmt::Debug for Workspace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workspace")
            .field("url", &self.url())
            .field("endpoint", &self.endpoint())
            .field("workspace_id", &self.workspace_id())
            .field("grant", &self.inner.grant)
            .field("personal_token", &self.inner.personal_token)
            .finish_non_exhaustive()
    }
}
