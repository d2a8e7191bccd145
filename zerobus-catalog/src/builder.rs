use std::path::PathBuf;
use std::time::Duration;

use crate::address::Address;
use crate::config::Config;
use crate::error::CatalogError;
use crate::grant::{Grant, TokenSupplier};
use crate::http::{Http, Proxy, Transport};
use crate::personal::PersonalToken;
use crate::secret::Secret;
use crate::workspace::Workspace;

/// A token or schema call that does not get through is given up after this time.
const TIME_LIMIT: Duration = Duration::from_secs(15);

/// Longer limits are cut to this.
const TIME_LIMIT_MAX: Duration = Duration::from_secs(24 * 3600);

/// Sets up a [`Workspace`].
#[derive(Debug, Clone, Default)]
pub struct WorkspaceBuilder {
    config: Config,
    allow_plaintext: bool,
    transport: Transport,
    federation: Option<Grant>,
    time_limit: Option<Duration>,
}

impl WorkspaceBuilder {
    /// Where Unity Catalog and the token endpoint are. The scheme may be left out (https), and a browser's address
    /// pasted whole will do: what stands behind `o=` is then the workspace's id.
    #[must_use]
    pub fn workspace_url(mut self, url: impl Into<String>) -> Self {
        self.config.workspace_url = Some(url.into());
        self
    }

    /// Where Zerobus is. When its first label is a number, that is the workspace's id.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.config.endpoint = Some(url.into());
        self
    }

    /// The workspace's id, where neither address holds it.
    #[must_use]
    pub fn workspace_id(mut self, id: impl Into<String>) -> Self {
        self.config.workspace_id = Some(id.into());
        self
    }

    /// The OAuth client id and secret of a service principal: what a stream needs, and enough for the catalog.
    #[must_use]
    pub fn oauth(mut self, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        self.config.client_id = Some(client_id.into());
        self.config.client_secret = Some(client_secret.into());
        self
    }

    /// Exchanges the token of another identity provider for those of the workspace (RFC 8693), in the place of a client
    /// id and secret. `supplier` is asked whenever a token is to be had, and should yield one that is still good.
    ///
    /// With a client id it is that of a service principal with a federation policy (workload identity federation);
    /// without one the token's subject has to be an identity that the account knows.
    ///
    /// ```
    /// use zerobus_catalog::Workspace;
    ///
    /// let workspace = Workspace::builder()
    ///     .workspace_url("https://dbc-a1b2345c-d6e7.cloud.databricks.com")
    ///     .workspace_id("1234567890123456")
    ///     .federation(Some("client-id"), || async { std::fs::read_to_string("/var/run/secrets/token") })
    ///     .build()?;
    /// # Ok::<(), zerobus_catalog::CatalogError>(())
    /// ```
    #[must_use]
    pub fn federation<S, F, T, E>(mut self, client_id: Option<&str>, supplier: S) -> Self
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Secret>,
        E: std::fmt::Display,
    {
        self.federation = Some(Grant::Federation {
            client_id: client_id.map(str::to_owned),
            supplier: TokenSupplier::new(supplier),
        });
        self
    }

    /// A personal access token. The catalog takes it; an ingest token cannot be had with it.
    #[must_use]
    pub fn token(mut self, token: impl Into<Secret>) -> Self {
        self.config.token = Some(token.into());
        self
    }

    /// A file that holds a personal access token, read anew for every call.
    #[must_use]
    pub fn token_file(mut self, file: impl Into<PathBuf>) -> Self {
        self.config.token_file = Some(file.into());
        self
    }

    /// A command that prints a personal access token, or JSON with `access_token`; the shell runs it.
    #[must_use]
    pub fn token_command(mut self, command: impl Into<String>) -> Self {
        self.config.token_command = Some(command.into());
        self
    }

    /// Sends no credentials to the catalog: for a Unity Catalog server that asks for none.
    #[must_use]
    pub fn no_auth(mut self) -> Self {
        self.config.no_auth = true;
        self
    }

    /// Fills what has not been given from a weaker source, such as [`Config::from_env`] or a resolved [`Config`].
    #[must_use]
    pub fn or(mut self, weaker: Config) -> Self {
        self.config = self.config.or(weaker);
        self
    }

    /// Trusts this CA besides the system's: one or more certificates as PEM text. May be called several times.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        let trusted = self.transport.ca_pem.get_or_insert_default();
        trusted.extend(pem.into());
        trusted.push(b'\n');
        self
    }

    /// Shows this certificate to servers that ask for one (mutual TLS): the chain and its private key as PEM text.
    #[must_use]
    pub fn client_identity(
        mut self,
        certificate_chain: impl Into<Vec<u8>>,
        private_key: impl Into<Secret>,
    ) -> Self {
        self.transport.identity = Some((certificate_chain.into(), private_key.into()));
        self
    }

    /// Connects by way of this proxy, `http://user:password@host:port`, whatever the environment says. Without, it is
    /// that of `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`, except for what `NO_PROXY` names and for loopback.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.transport.proxy = Proxy::Given(url.into());
        self
    }

    /// Connects directly, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.transport.proxy = Proxy::None;
        self
    }

    /// Lets secrets travel over plain http to another machine. Loopback needs no permission.
    #[must_use]
    pub fn allow_plaintext(mut self, allow: bool) -> Self {
        self.allow_plaintext = allow;
        self
    }

    /// How long a call is tried again while the network or the service fails; 15 seconds unless set.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = Some(limit);
        self
    }

    /// Checks what was given. Nothing is sent yet.
    ///
    /// # Errors
    /// [`CatalogError::Configuration`] when the workspace or the credentials are missing, an address cannot be
    /// read, or it is plain http to another machine.
    pub fn build(self) -> Result<Workspace, CatalogError> {
        let config = self.config;
        let url = config.workspace_url.ok_or_else(|| {
            CatalogError::configuration(
                "no workspace given; set its URL in the builder, DATABRICKS_HOST in the environment, or `host` in a profile of ~/.databrickscfg",
            )
        })?;
        let address = Address::parse("workspace URL", &url)?;
        if !address.is_https() && !address.is_loopback() && !self.allow_plaintext {
            return Err(CatalogError::configuration(format!(
                "secrets would travel to {address} unencrypted; use https, or allow plaintext by name"
            )));
        }
        let endpoint = config
            .endpoint
            .map(|text| Address::parse("Zerobus endpoint", &text))
            .transpose()?;
        let grant = match (config.client_id, config.client_secret) {
            _ if self.federation.is_some() => self.federation,
            (Some(id), Some(secret)) => Some(Grant::Oauth { id, secret }),
            (None, None) => None,
            (Some(_), None) => {
                return Err(CatalogError::configuration(
                    "a client id is given and no secret; set DATABRICKS_CLIENT_SECRET too",
                ));
            }
            (None, Some(_)) => {
                return Err(CatalogError::configuration(
                    "a client secret is given and no id; set DATABRICKS_CLIENT_ID too",
                ));
            }
        };
        let personal_token = match (config.token, config.token_file, config.token_command) {
            _ if config.no_auth => Some(PersonalToken::NoAuth),
            (Some(token), _, _) => Some(PersonalToken::Given(token)),
            (None, Some(file), _) => Some(PersonalToken::File(file)),
            (None, None, Some(command)) => Some(PersonalToken::Command(command)),
            (None, None, None) => None,
        };
        if grant.is_none() && personal_token.is_none() {
            return Err(CatalogError::configuration(
                "no credentials given; set DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or DATABRICKS_TOKEN for the catalog alone; \
                 a server that asks for none takes ZEROBUS_AUTH=none",
            ));
        }
        if let Some(PersonalToken::Given(token)) = &personal_token
            && (token.expose().is_empty() || !token.expose().chars().all(|c| c.is_ascii_graphic()))
        {
            return Err(CatalogError::configuration(
                "the personal access token is empty or holds spaces or control characters; copy it anew",
            ));
        }
        let workspace_id = workspace_id(config.workspace_id, endpoint.as_ref(), &address);
        let http = Http::new(
            address.is_https(),
            address.is_loopback(),
            &self.transport,
            self.time_limit.unwrap_or(TIME_LIMIT).min(TIME_LIMIT_MAX),
        )?;
        Ok(Workspace::new(
            http,
            address,
            endpoint,
            workspace_id,
            grant,
            personal_token,
        ))
    }
}

/// The given id, else the endpoint's, else the workspace's. A local server takes any, so its host will do.
fn workspace_id(
    given: Option<String>,
    endpoint: Option<&Address>,
    workspace: &Address,
) -> Option<String> {
    let local = || {
        let address = endpoint.unwrap_or(workspace);
        address
            .is_loopback()
            .then(|| address.first_label().to_owned())
    };
    given
        .or_else(|| endpoint.and_then(Address::workspace_id).map(str::to_owned))
        .or_else(|| workspace.workspace_id().map(str::to_owned))
        .or_else(local)
}
