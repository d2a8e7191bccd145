//! Where the service is, and how it is reached.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Identity};
use zerobus_catalog::Secret;

use crate::error::Error;
use crate::proxy::{Proxy, ProxySetting};
use crate::status::with_sources;

/// What a response may bring in at once. Acks are small, and a stalled reader must not stall them.
const RECEIVE_WINDOW: u32 = 8 << 20;
/// Why a stream ends comes as a header, and may name each of a table's 2,000 columns. With more than the 16 KiB that are
/// usual the reason would be lost, and the stream tried again as if its connection was.
const HEADERS_MAX: u32 = 512 << 10;
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
pub(crate) const TCP_KEEPALIVE: Duration = Duration::from_secs(60);
/// As often as a gRPC server takes it by default (gRPC's keepalive guide): one that is pinged more often may end the
/// connection. What is dead shows sooner by TCP's keepalive and by acks that stay away.
const PING_INTERVAL: Duration = Duration::from_secs(300);
const PING_TIMEOUT: Duration = Duration::from_secs(20);

/// The Zerobus endpoint, with TLS set up.
#[derive(Debug, Clone)]
pub(crate) struct Endpoint {
    transport: tonic::transport::Endpoint,
    proxy: Option<Proxy>,
    url: String,
}

/// How a connection may be made.
#[derive(Debug, Clone, Default)]
pub(crate) struct TransportOptions {
    /// PEM certificates trusted beside the system's.
    pub(crate) ca_certificates: Vec<Vec<u8>>,
    /// Plaintext to other hosts than this one.
    pub(crate) allow_plaintext: bool,
    /// Certificate chain and private key that are shown to a server that asks, as PEM.
    pub(crate) identity: Option<(Vec<u8>, Secret)>,
    /// The name that the server's certificate has to be for, where it is not the address's.
    pub(crate) server_name: Option<String>,
    pub(crate) proxy: ProxySetting,
    /// Put before our own name in `user-agent`.
    pub(crate) application: Option<String>,
}

impl Endpoint {
    /// Reads an address, whose scheme may be left out: then it is https.
    pub(crate) fn new(address: &str, options: &TransportOptions) -> Result<Self, Error> {
        let uri = parse(address)?;
        let plaintext = uri.scheme() == Some(&Scheme::HTTP);
        if plaintext && !options.allow_plaintext && !is_loopback(&uri) {
            return Err(Error::configuration(format!(
                "the endpoint {uri} is plaintext, which would show the token to the network; use https, or call allow_plaintext"
            )));
        }
        let url = uri.to_string().trim_end_matches('/').to_owned();
        let proxy = Proxy::for_endpoint(&uri, is_loopback(&uri), options)?;
        let unusable = |error: tonic::transport::Error| {
            Error::configuration(format!(
                "the endpoint {url} cannot be used: {}",
                with_sources(&error)
            ))
        };
        let uri = match (&proxy, uri.port(), uri.authority()) {
            // A proxy is told the port, and would else be told that of https.
            (Some(_), None, Some(authority)) if plaintext => {
                parse(&format!("http://{authority}:80"))?
            }
            _ => uri,
        };
        let mut transport = tonic::transport::Endpoint::from(uri)
            .user_agent(user_agent(options.application.as_deref()))
            .map_err(unusable)?
            .connect_timeout(CONNECT_TIMEOUT)
            .tcp_nodelay(true)
            .tcp_keepalive(Some(TCP_KEEPALIVE))
            .http2_keep_alive_interval(PING_INTERVAL)
            .keep_alive_timeout(PING_TIMEOUT)
            .keep_alive_while_idle(true)
            .http2_max_header_list_size(HEADERS_MAX)
            .http2_adaptive_window(false)
            .initial_stream_window_size(RECEIVE_WINDOW)
            .initial_connection_window_size(RECEIVE_WINDOW);
        if options
            .ca_certificates
            .iter()
            .any(|pem| !holds_certificate(pem))
        {
            return Err(Error::configuration(
                "the CA certificate given holds no certificate; give PEM text that begins with -----BEGIN CERTIFICATE-----",
            ));
        }
        if !plaintext {
            transport = with_tls(transport, options).map_err(unusable)?;
        }
        Ok(Self {
            transport,
            proxy,
            url,
        })
    }

    /// The address as it is shown to people.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    /// The name or address of the machine.
    pub(crate) fn host(&self) -> &str {
        self.transport.uri().host().unwrap_or_default()
    }

    /// The port, that of the scheme unless given.
    pub(crate) fn port(&self) -> u16 {
        let uri = self.transport.uri();
        let plaintext = uri.scheme() == Some(&Scheme::HTTP);
        uri.port_u16().unwrap_or(if plaintext { 80 } else { 443 })
    }

    /// Whether it is a server on this machine, whose token endpoint then is at the same address unless told otherwise.
    pub(crate) fn is_local(&self) -> bool {
        is_loopback(self.transport.uri())
    }

    /// A connection of its own.
    pub(crate) async fn connect(&self) -> Result<Channel, Error> {
        let connected = match &self.proxy {
            None => self.transport.connect().await,
            Some(proxy) => proxy.connect(&self.transport).await,
        };
        connected.map_err(|error| self.unconnected(&error))
    }

    fn unconnected(&self, error: &tonic::transport::Error) -> Error {
        let endpoint = self.url.clone();
        let mut message = with_sources(error);
        if let Some(proxy) = &self.proxy {
            message += &format!(" through the proxy {proxy}");
        }
        match refused_data(error) {
            None => Error::Connection { endpoint, message },
            Some(refused) => {
                let tls = refused.get_ref().and_then(|inner| inner.downcast_ref());
                if let Some(rustls::Error::InvalidMessage(_)) = tls {
                    message += "; the server does not speak TLS: if it is plaintext, write http:// before its address";
                }
                Error::Untrusted { endpoint, message }
            }
        }
    }
}

/// What TLS refuses comes as invalid data, which a connection in the making has no other use for.
fn refused_data<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e io::Error> {
    std::iter::successors(Some(error), |error| error.source())
        .filter_map(|error| error.downcast_ref::<io::Error>())
        .find(|error| error.kind() == io::ErrorKind::InvalidData)
}

/// rustls with *ring*; the roots are the system's, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR`.
fn with_tls(
    transport: tonic::transport::Endpoint,
    options: &TransportOptions,
) -> Result<tonic::transport::Endpoint, tonic::transport::Error> {
    let private = options.ca_certificates.iter().map(Certificate::from_pem);
    let mut tls = ClientTlsConfig::new().ca_certificates(private);
    if let Some((chain, key)) = &options.identity {
        tls = tls.identity(Identity::from_pem(chain, key.expose()));
    }
    if let Some(name) = &options.server_name {
        tls = tls.domain_name(name);
    }
    let with_system = transport
        .clone()
        .tls_config(tls.clone().with_native_roots());
    if options.ca_certificates.is_empty() {
        return with_system;
    }
    // A bare container has no roots of its own; then the private ones have to do.
    with_system.or_else(|_| transport.tls_config(tls))
}

fn holds_certificate(pem: &[u8]) -> bool {
    String::from_utf8_lossy(pem).contains("-----BEGIN CERTIFICATE-----")
}

fn user_agent(application: Option<&str>) -> String {
    let own = concat!("zerobus-rs/", env!("CARGO_PKG_VERSION"));
    match application {
        Some(application) => format!("{application} {own}"),
        None => own.to_owned(),
    }
}

fn parse(address: &str) -> Result<Uri, Error> {
    let address = address.trim();
    let refused = |problem: &str| {
        // A user name or password in the address is not repeated.
        let shown: String = address
            .rsplit('@')
            .next()
            .unwrap_or("")
            .chars()
            .take(200)
            .collect();
        Error::configuration(format!(
            "the endpoint `{}` {problem}; write it as https://<workspace id>.zerobus.<region>.cloud.databricks.com",
            shown.escape_debug()
        ))
    };
    let (scheme, rest) = match address.split_once("://") {
        None => (Scheme::HTTPS, address),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("https") => (Scheme::HTTPS, rest),
        Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => (Scheme::HTTP, rest),
        Some(_) => return Err(refused("has a scheme other than https and http")),
    };
    let rest = rest.trim_end_matches('/');
    if rest.contains('@') {
        return Err(refused("holds a user name; give credentials apart from it"));
    }
    if rest.contains(['/', '?', '#']) {
        return Err(refused("has a path, which the service has not"));
    }
    let authority: Authority = rest.parse().map_err(|_| refused("is not an address"))?;
    let has_port = authority.as_str() != authority.host();
    if authority.host().is_empty() || (has_port && authority.port_u16().is_none()) {
        return Err(refused("is not an address"));
    }
    Uri::builder()
        .scheme(scheme)
        .authority(authority)
        .path_and_query(PathAndQuery::from_static("/"))
        .build()
        .map_err(|_| refused("is not an address"))
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or("");
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(address: &str) -> Result<Endpoint, Error> {
        Endpoint::new(address, &TransportOptions::default())
    }

    #[test]
    fn plaintext_goes_to_loopback_only_unless_allowed() {
        for address in ["http://localhost:1", "http://127.3.2.1", "http://[::1]:9"] {
            assert!(endpoint(address).is_ok(), "{address}");
        }
        for address in [
            "http://10.0.0.1:80",
            "http://localhost.evil.com",
            "http://127.evil.com",
        ] {
            let error = endpoint(address).unwrap_err().to_string();
            assert!(error.contains("allow_plaintext"), "{address}: {error}");
        }
        let allowed = TransportOptions {
            allow_plaintext: true,
            ..TransportOptions::default()
        };
        assert!(Endpoint::new("http://10.0.0.1:80", &allowed).is_ok());
    }

    #[test]
    fn scheme_may_be_left_out_and_a_slash_may_follow() {
        for address in [
            "host.example:443",
            "https://host.example:443/",
            "HTTPS://host.example:443",
        ] {
            assert_eq!(
                parse(address).unwrap().to_string(),
                "https://host.example:443/"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_without_showing_a_password() {
        for address in [
            "",
            "https://",
            "ftp://host",
            "host:99999",
            "ho st",
            "https://host/path",
            "host?o=1",
        ] {
            assert!(parse(address).is_err(), "{address:?}");
        }
        let error = parse("https://me:hunter2@host").unwrap_err().to_string();
        assert!(!error.contains("hunter2"), "{error}");
    }
}
