//! By way of whom the endpoint is reached.

use std::fmt;
use std::sync::Arc;

use http::Uri;
use http::uri::Scheme;
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tonic::transport::{Channel, Endpoint, Error as TransportError};

use crate::endpoint::{TCP_KEEPALIVE, TransportOptions};
use crate::error::Error;

/// What the application said of proxies.
#[derive(Clone, Default)]
pub(crate) enum ProxySetting {
    #[default]
    FromEnvironment,
    None,
    /// May hold a password.
    Given(String),
}

impl fmt::Debug for ProxySetting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FromEnvironment => "FromEnvironment",
            Self::None => "None",
            Self::Given(_) => "Given",
        })
    }
}

/// A proxy that is asked to CONNECT: gRPC is HTTP/2, which goes through no proxy otherwise.
#[derive(Clone)]
pub(crate) struct Proxy {
    intercept: Intercept,
    /// For a proxy that is itself reached by TLS.
    tls: Option<Arc<rustls::ClientConfig>>,
}

impl Proxy {
    /// The proxy for an endpoint, if there is one.
    ///
    /// The environment's rules are curl's: `HTTPS_PROXY`, `HTTP_PROXY` or `ALL_PROXY` by the endpoint's scheme, not for
    /// what `NO_PROXY` names. `grpc_proxy` and `no_grpc_proxy` go before them, as in gRPC's own libraries. Loopback is
    /// never proxied by the environment.
    pub(crate) fn for_endpoint(
        uri: &Uri,
        is_loopback: bool,
        options: &TransportOptions,
    ) -> Result<Option<Self>, Error> {
        let matcher = match &options.proxy {
            ProxySetting::None => return Ok(None),
            ProxySetting::FromEnvironment if is_loopback => return Ok(None),
            ProxySetting::FromEnvironment => from_environment(),
            ProxySetting::Given(url) => Matcher::builder().all(url.as_str()).build(),
        };
        let Some(intercept) = matcher.intercept(uri) else {
            return match &options.proxy {
                ProxySetting::Given(_) => Err(Error::configuration(
                    "the proxy is not an address; write it as http://host:port",
                )),
                _ => Ok(None),
            };
        };
        let tls = match intercept.uri().scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => None,
            Some(scheme) if *scheme == Scheme::HTTPS => Some(tls(options)?),
            _ => {
                return Err(Error::configuration(format!(
                    "the proxy {} is neither http nor https, which is what gRPC can go through; name another, or connect directly with no_proxy",
                    shown(intercept.uri())
                )));
            }
        };
        Ok(Some(Self {
            intercept,
            tls: tls.map(Arc::new),
        }))
    }

    pub(crate) async fn connect(&self, endpoint: &Endpoint) -> Result<Channel, TransportError> {
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_keepalive(Some(TCP_KEEPALIVE));
        match &self.tls {
            None => endpoint.connect_with_connector(self.tunnel(tcp)).await,
            Some(tls) => {
                let tls = HttpsConnectorBuilder::new()
                    .with_tls_config(rustls::ClientConfig::clone(tls))
                    .https_only()
                    .enable_http1()
                    .wrap_connector(tcp);
                endpoint.connect_with_connector(self.tunnel(tls)).await
            }
        }
    }

    fn tunnel<C>(&self, connector: C) -> Tunnel<C> {
        let tunnel = Tunnel::new(self.intercept.uri().clone(), connector);
        match self.intercept.basic_auth() {
            Some(auth) => tunnel.with_auth(auth.clone()),
            None => tunnel,
        }
    }
}

impl fmt::Debug for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Proxy").field(&self.to_string()).finish()
    }
}

/// Without user name and password.
impl fmt::Display for Proxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(self.intercept.uri()))
    }
}

fn shown(uri: &Uri) -> String {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    let host = authority.rsplit('@').next().unwrap_or_default();
    format!("{}://{host}", uri.scheme_str().unwrap_or_default())
}

fn from_environment() -> Matcher {
    let first = |names: &[&str]| {
        let mut set = names.iter().filter_map(|name| std::env::var(name).ok());
        set.find(|value| !value.trim().is_empty())
    };
    match first(&["grpc_proxy", "GRPC_PROXY"]) {
        None => Matcher::from_env(),
        Some(proxy) => {
            let except = first(&["no_grpc_proxy", "NO_GRPC_PROXY", "no_proxy", "NO_PROXY"]);
            Matcher::builder()
                .all(proxy)
                .no(except.unwrap_or_default())
                .build()
        }
    }
}

/// For the way to the proxy: *ring*, the system's roots and those given. ALPN is left out: CONNECT is HTTP/1.1.
fn tls(options: &TransportOptions) -> Result<rustls::ClientConfig, Error> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    for pem in &options.ca_certificates {
        let certificates = CertificateDer::pem_slice_iter(pem).flatten();
        roots.add_parsable_certificates(certificates);
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::configuration(format!("TLS cannot be set up: {error}")))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
