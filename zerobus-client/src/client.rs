use std::fmt;
use std::sync::Arc;

use zerobus_catalog::{Config, Secret, Workspace, WorkspaceBuilder};
use zerobus_record::ZerobusRecord;
use zerobus_schema::{TableName, TableSchema};

use crate::builder::StreamBuilder;
use crate::descriptor::ProtoDescriptor;
use crate::dynamic::{Dynamic, RecordSchema};
use crate::endpoint::{Endpoint, TransportOptions};
use crate::error::Error;
use crate::format::Format;
use crate::headers::{FixedToken, HeadersProvider};
use crate::json::Json;
use crate::proto::Proto;

/// Where streams go and as whom: the endpoint, the workspace and the credentials. Cheap to clone.
#[derive(Clone)]
pub struct Client {
    pub(crate) endpoint: Endpoint,
    pub(crate) headers: Arc<dyn HeadersProvider>,
    /// Where the catalog is, where there are credentials for it.
    pub(crate) workspace: Option<Workspace>,
}

impl Client {
    /// Begins to set one up.
    #[must_use]
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    /// The client that the environment describes: `ZEROBUS_SERVER_ENDPOINT`, `DATABRICKS_HOST` or
    /// `DATABRICKS_WORKSPACE_URL`, `DATABRICKS_CLIENT_ID` and `DATABRICKS_CLIENT_SECRET`. What is missing there comes
    /// from the profile that `DATABRICKS_CONFIG_PROFILE` names, else from `DEFAULT` (Databricks unified authentication).
    ///
    /// # Errors
    /// [`Error::Configuration`] or [`Error::Catalog`] when a setting is missing or cannot be used.
    pub fn from_env() -> Result<Self, Error> {
        let config = Config::default().resolve().map_err(Error::from)?;
        Self::builder().or(config).build()
    }

    /// Begins to open a stream of records of type `R`, into the table that the type names unless told otherwise.
    ///
    /// ```no_run
    /// # async fn run<AirQuality: zerobus_client::ZerobusRecord>(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
    /// let mut stream = client
    ///     .stream::<AirQuality>()
    ///     .table("prod.iot.air_quality")
    ///     .open()
    ///     .await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn stream<R: ZerobusRecord>(&self) -> StreamBuilder<R> {
        self.stream_of(R::TABLE, Format::of::<R>())
    }

    /// Begins to open a stream of JSON objects into `table`; see [`Json`].
    #[must_use]
    pub fn json_stream(&self, table: impl Into<String>) -> StreamBuilder<Json> {
        self.stream_of(table, Format::json())
    }

    /// Begins to open a stream of messages that are encoded already, or by prost; see [`Proto`].
    #[must_use]
    pub fn proto_stream(
        &self,
        table: impl Into<String>,
        descriptor: impl Into<ProtoDescriptor>,
    ) -> StreamBuilder<Proto> {
        self.stream_of(table, Format::proto(descriptor.into()))
    }

    /// Begins to open a stream of records that are made at run time, into the table that the schema names unless told
    /// otherwise; see [`Dynamic`].
    #[must_use]
    pub fn dynamic_stream(&self, schema: &RecordSchema) -> StreamBuilder<Dynamic> {
        self.stream_of(schema.name(), Format::dynamic(schema))
    }

    /// Fetches the schema of a table from Unity Catalog.
    ///
    /// # Errors
    /// [`Error::Catalog`]; [`Error::Configuration`] for a client that knows no workspace, because it was given tokens
    /// or a headers provider in place of credentials.
    pub async fn table_schema(&self, table: &str) -> Result<TableSchema, Error> {
        let table = TableName::parse(table)?;
        let workspace = self.workspace.as_ref().ok_or_else(|| {
            Error::configuration(format!(
                "the schema of {table} cannot be read without a workspace; give the client a workspace URL and \
                 credentials of its own"
            ))
        })?;
        Ok(workspace.table(&table).await?)
    }

    fn stream_of<R>(&self, table: impl Into<String>, format: Format) -> StreamBuilder<R> {
        StreamBuilder::new(self.clone(), table.into(), format)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client")
            .field("endpoint", &self.endpoint.url())
            .finish_non_exhaustive()
    }
}

/// Sets up a [`Client`].
#[derive(Default)]
pub struct ClientBuilder {
    workspace: WorkspaceBuilder,
    config: Config,
    headers: Option<Arc<dyn HeadersProvider>>,
    transport: TransportOptions,
}

impl ClientBuilder {
    /// Where Zerobus is: `https://<workspace id>.zerobus.<region>.cloud.databricks.com`, or a local server's
    /// `http://127.0.0.1:<port>`. The scheme may be left out: https.
    #[must_use]
    pub fn endpoint(mut self, url: impl Into<String>) -> Self {
        self.config.endpoint = Some(url.into());
        self
    }

    /// Where the workspace's token endpoint and Unity Catalog are. An endpoint on this machine is taken to be both
    /// unless this says otherwise.
    #[must_use]
    pub fn workspace_url(mut self, url: impl Into<String>) -> Self {
        self.config.workspace_url = Some(url.into());
        self
    }

    /// The workspace's id, where neither address holds it.
    #[must_use]
    pub fn workspace_id(mut self, id: impl Into<String>) -> Self {
        self.config.workspace_id = Some(id.into());
        self
    }

    /// The OAuth client id and secret of a service principal. Tokens are fetched, kept and refreshed with them.
    #[must_use]
    pub fn oauth(mut self, client_id: impl Into<String>, client_secret: impl Into<Secret>) -> Self {
        self.config.client_id = Some(client_id.into());
        self.config.client_secret = Some(client_secret.into());
        self
    }

    /// One ingest token, used as it is until it is refused. For tokens that change, see
    /// [`headers_provider`](Self::headers_provider).
    #[must_use]
    pub fn ingest_token(self, token: impl Into<Secret>) -> Self {
        self.headers_provider(FixedToken(token.into()))
    }

    /// Headers from elsewhere; no workspace or credentials are needed then. Those given all the same serve to read
    /// schemas from the catalog.
    #[must_use]
    pub fn headers_provider(mut self, provider: impl HeadersProvider + 'static) -> Self {
        self.headers = Some(Arc::new(provider));
        self
    }

    /// Fills what has not been given from a weaker source, such as the environment or a profile.
    #[must_use]
    pub fn or(mut self, weaker: Config) -> Self {
        self.config = self.config.or(weaker);
        self
    }

    /// Trusts this CA besides the system's: one or more certificates as PEM text. `SSL_CERT_FILE` in the environment
    /// does so without code.
    #[must_use]
    pub fn ca_certificate(mut self, pem: impl Into<Vec<u8>>) -> Self {
        let pem = pem.into();
        self.workspace = self.workspace.ca_certificate(pem.clone());
        self.transport.ca_certificates.push(pem);
        self
    }

    /// Lets tokens and records travel unencrypted to another machine. Loopback needs no permission.
    #[must_use]
    pub fn allow_plaintext(mut self, allow: bool) -> Self {
        self.workspace = self.workspace.allow_plaintext(allow);
        self.transport.allow_plaintext = allow;
        self
    }

    /// The application's name and version for the `user-agent`: `air-quality/1.2`.
    #[must_use]
    pub fn application(mut self, name: impl Into<String>) -> Self {
        self.transport.application = Some(name.into());
        self
    }

    /// Checks what was given. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::Configuration`] or [`Error::Catalog`] when the endpoint, the workspace or the credentials are
    /// missing, or an address cannot be used or is plaintext to another machine.
    pub fn build(self) -> Result<Client, Error> {
        let address = self.config.endpoint.clone().ok_or_else(|| {
            Error::configuration(
                "no endpoint given; set it in the builder, or ZEROBUS_SERVER_ENDPOINT in the environment",
            )
        })?;
        let endpoint = Endpoint::new(&address, &self.transport)?;
        if let Some(headers) = self.headers {
            // A workspace and credentials besides are for the catalog.
            let config = &self.config;
            let for_catalog = config.workspace_url.is_some()
                && (config.client_id.is_some()
                    || config.token.is_some()
                    || config.token_file.is_some()
                    || config.token_command.is_some()
                    || config.no_auth);
            let workspace = for_catalog.then(|| self.workspace.or(self.config).build());
            return Ok(Client {
                endpoint,
                headers,
                workspace: workspace.transpose()?,
            });
        }
        if self.config.client_id.is_none() && self.config.client_secret.is_none() {
            return Err(Error::configuration(
                "no credentials given; set an OAuth client id and secret in the builder, or DATABRICKS_CLIENT_ID and \
                 DATABRICKS_CLIENT_SECRET in the environment",
            ));
        }
        let mut config = self.config;
        if endpoint.is_local() && config.workspace_url.is_none() {
            config.workspace_url = Some(endpoint.url().to_owned());
        }
        let workspace = self.workspace.or(config).build()?;
        Ok(Client {
            endpoint,
            headers: Arc::new(workspace.clone()),
            workspace: Some(workspace),
        })
    }
}

impl fmt::Debug for ClientBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientBuilder")
            .field("config", &self.config)
            .field("transport", &self.transport)
            .finish_non_exhaustive()
    }
}
