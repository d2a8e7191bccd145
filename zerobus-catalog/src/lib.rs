//! Tokens and table schemas from a Databricks workspace: the only HTTP of the Zerobus toolkit.
//!
//! A [`Workspace`] knows where Unity Catalog is and who asks. It yields the schema of a table
//! ([`Workspace::table`]) and the token that a stream into that table needs
//! ([`Workspace::ingest_token`]), kept until shortly before it expires.
//!
//! ```no_run
//! # async fn run() -> Result<(), Box<dyn std::error::Error>> {
//! use zerobus_catalog::Workspace;
//! use zerobus_schema::TableName;
//!
//! let workspace = Workspace::builder()
//!     .workspace_url("https://dbc-a1b2345c-d6e7.cloud.databricks.com")
//!     .endpoint("https://1234567890123456.zerobus.us-west-2.cloud.databricks.com")
//!     .oauth("client-id", "client-secret")
//!     .build()?;
//! let table = TableName::parse("main.default.air_quality")?;
//! let schema = workspace.table(&table).await?;
//! let token = workspace.ingest_token(&table).await?;
//! # Ok(())
//! # }
//! ```
//!
//! [`Workspace::from_env`] takes all of it from the environment and the profiles of `~/.databrickscfg`, see [`Config`].
//!
//! In the place of a client id and secret, [`WorkspaceBuilder::federation`] takes the tokens of another identity provider.
//!
//! TLS is rustls with *ring*; nothing is installed globally. The roots are the system's, or those of
//! `SSL_CERT_FILE` and `SSL_CERT_DIR` where these are set.

mod address;
mod builder;
mod cache;
mod config;
mod error;
mod grant;
mod http;
mod personal;
mod probe;
mod profile;
mod retry;
mod secret;
mod token;
mod workspace;

pub use builder::WorkspaceBuilder;
pub use config::Config;
pub use error::CatalogError;
pub use probe::TableInfo;
pub use secret::Secret;
pub use token::Token;
pub use workspace::Workspace;
