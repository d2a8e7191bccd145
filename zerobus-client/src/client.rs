use std::fmt;
use std::path::Path;
use std::sync::Arc;

use zerobus_catalog::{Config, Secret, Workspace, WorkspaceBuilder};
use zerobus_record::ZerobusRecord;
use zerobus_schema::{TableName, TableSchema};

use crate::blocking;
use crate::builder::StreamBuilder;
use crate::descriptor::ProtoDescriptor;
use crate::dynamic::{Dynamic, RecordSchema};
use crate::endpoint::{Endpoint, TransportOptions};
use crate::error::Error;
use crate::format::Format;
use crate::headers::{FixedToken, HeadersProvider};
use crate::insert::Insert;
use crate::json::Json;
use crate::proto::Proto;
use crate::proxy::ProxySetting;
use crate::spool::{self, Replay, Spool};

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
    /// from the profile that `DATABRICKS_CONFIG_PROFILE` names, else from `DEFAULT`, in `~/.databrickscfg` or the file
    /// that `DATABRICKS_CONFIG_FILE` names (Databricks unified authentication).
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
    #[doc(alias = "json")]
    #[must_use]
    pub fn json_stream(&self, table: impl Into<String>) -> StreamBuilder<Json> {
        self.stream_of(table, Format::json())
    }

    /// Begins to open a stream of messages that are encoded already, or by prost; see [`Proto`].
    #[doc(alias = "compiled_proto")]
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
    #[doc(alias = "dynamic_proto")]
    #[must_use]
    pub fn dynamic_stream(&self, schema: &RecordSchema) -> StreamBuilder<Dynamic> {
        self.stream_of(schema.name(), Format::dynamic(schema))
    }

    /// Begins to insert records of type `R` with one request and no stream, into the table that the type names unless
    /// told otherwise; see [`Insert`].
    #[must_use]
    pub fn insert<R: ZerobusRecord>(&self) -> Insert<R> {
        Insert::new(self.clone(), R::TABLE.to_owned(), Format::of::<R>())
    }

    /// The same for JSON objects; see [`Json`].
    ///
    /// ```no_run
    /// # async fn run(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
    /// let insert = client.json_insert("main.default.air_quality");
    /// insert.send([r#"{"device_name": "roof", "temp": 21}"#]).await?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn json_insert(&self, table: impl Into<String>) -> Insert<Json> {
        Insert::new(self.clone(), table.into(), Format::json())
    }

    /// The same for messages that are encoded already, or by prost; see [`Proto`].
    #[must_use]
    pub fn proto_insert(
        &self,
        table: impl Into<String>,
        descriptor: impl Into<ProtoDescriptor>,
    ) -> Insert<Proto> {
        Insert::new(self.clone(), table.into(), Format::proto(descriptor.into()))
    }

    /// The same for records that are made at run time; see [`Dynamic`].
    #[must_use]
    pub fn dynamic_insert(&self, schema: &RecordSchema) -> Insert<Dynamic> {
        Insert::new(
            self.clone(),
            schema.name().to_owned(),
            Format::dynamic(schema),
        )
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

    /// [`table_schema`](Self::table_schema) for code that is not async; it can be called from within a runtime too.
    ///
    /// # Errors
    /// As there.
    pub fn table_schema_blocking(&self, table: &str) -> Result<TableSchema, Error> {
        blocking::run(self.table_schema(table))?
    }

    /// Begins to open a stream that sends what an earlier one has left in the folder of its [`Spool`], and takes nothing
    /// else. Close it to have it all durable; what is acked leaves the folder. Lanes have a folder each:
    /// [`SpoolContents::read`](crate::SpoolContents::read) names them.
    ///
    /// ```no_run
    /// # async fn run(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
    /// for left in zerobus_client::SpoolContents::read("/var/lib/meter/spool")? {
    ///     client.replay(&left.folder)?.open().await?.close().await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Spool`] when the folder cannot be read, or there is nothing in it.
    pub fn replay(&self, folder: impl AsRef<Path>) -> Result<StreamBuilder<Replay>, Error> {
        let folder = folder.as_ref();
        let (table, format) = spool::format(folder)?;
        Ok(self
            .stream_of::<Replay>(table, format)
            .spool(Spool::one_at(folder)))
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
    federated: bool,
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
    #[doc(alias = "unity_catalog_url")]
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

    /// Exchanges the token of another identity provider for those of the workspace (RFC 8693), in the place of a client
    /// id and secret. `supplier` is asked whenever a token is to be had, and should yield one that is still good.
    ///
    /// With a client id it is that of a service principal with a federation policy (workload identity federation);
    /// without one the token's subject has to be an identity that the account knows.
    ///
    /// ```
    /// use zerobus_client::Client;
    ///
    /// let client = Client::builder()
    ///     .endpoint("https://1234567890123456.zerobus.us-west-2.cloud.databricks.com")
    ///     .workspace_url("https://dbc-a1b2345c-d6e7.cloud.databricks.com")
    ///     .federation(Some("client-id"), || async { std::fs::read_to_string("/var/run/secrets/token") })
    ///     .build()?;
    /// # Ok::<(), zerobus_client::Error>(())
    /// ```
    #[doc(alias = "federated_auth")]
    #[must_use]
    pub fn federation<S, F, T, E>(mut self, client_id: Option<&str>, supplier: S) -> Self
    where
        S: Fn() -> F + Send + Sync + 'static,
        F: Future<Output = Result<T, E>> + Send + 'static,
        T: Into<Secret>,
        E: fmt::Display,
    {
        self.workspace = self.workspace.federation(client_id, supplier);
        self.federated = true;
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

    /// Shows this certificate to servers that ask for one (mutual TLS): the chain and its private key, each as PEM text.
    #[must_use]
    pub fn client_identity(
        mut self,
        certificate_chain: impl Into<Vec<u8>>,
        private_key: impl Into<Secret>,
    ) -> Self {
        let (chain, key) = (certificate_chain.into(), private_key.into());
        self.workspace = self.workspace.client_identity(chain.clone(), key.clone());
        self.transport.identity = Some((chain, key));
        self
    }

    /// Expects the endpoint's certificate to be for this name in place of the address's: for a gateway, a tunnel or an
    /// address by number.
    #[must_use]
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.transport.server_name = Some(name.into());
        self
    }

    /// Connects by way of this proxy, `http://user:password@host:port`, whatever the environment says; streams go
    /// through it with CONNECT. It may be an `https` one. A SOCKS proxy is refused by [`build`](Self::build), here and
    /// in the environment.
    ///
    /// Without, the environment says: `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY`, except for what `NO_PROXY` names and
    /// for loopback; for streams, `grpc_proxy` and `no_grpc_proxy` before them.
    #[must_use]
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        let url = url.into();
        self.workspace = self.workspace.proxy(url.clone());
        self.transport.proxy = ProxySetting::Given(url);
        self
    }

    /// Connects directly, whatever the environment says.
    #[must_use]
    pub fn no_proxy(mut self) -> Self {
        self.workspace = self.workspace.no_proxy();
        self.transport.proxy = ProxySetting::None;
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
    #[doc(alias = "application_name")]
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
                && (self.federated
                    || config.client_id.is_some()
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
        if !self.federated && self.config.client_id.is_none() && self.config.client_secret.is_none()
        {
            let personal = match self.config.token {
                Some(_) => "; a personal access token is good for the catalog alone",
                None => "",
            };
            return Err(Error::configuration(format!(
                "no credentials given; set an OAuth client id and secret in the builder, DATABRICKS_CLIENT_ID and \
                 DATABRICKS_CLIENT_SECRET in the environment, or a profile that has them{personal}"
            )));
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
