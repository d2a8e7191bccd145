use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, DATE, RETRY_AFTER};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tokio::time::Instant;

use crate::error::CatalogError;
use crate::retry::{Attempts, Backoff};
use crate::secret::Secret;

/// The most bytes of an answer that are read: a table of 2,000 columns takes about a megabyte.
const BODY_MAX: usize = 16 * 1024 * 1024;
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const REQUEST_LIMIT: Duration = Duration::from_secs(30);

/// A client for one workspace.
#[derive(Debug)]
pub(crate) struct Http {
    client: reqwest::Client,
    /// For a call with all its attempts.
    time_limit: Duration,
}

/// How connections are made.
#[derive(Debug, Clone, Default)]
pub(crate) struct Transport {
    /// Certificates trusted besides the system's, as PEM.
    pub(crate) ca_pem: Option<Vec<u8>>,
    /// Certificate chain and private key of this client, as PEM.
    pub(crate) identity: Option<(Vec<u8>, Secret)>,
    pub(crate) proxy: Proxy,
}

/// By way of whom connections are made.
#[derive(Clone, Default)]
pub(crate) enum Proxy {
    /// What HTTPS_PROXY and its like say.
    #[default]
    FromEnvironment,
    None,
    /// May hold a password.
    Given(String),
}

impl std::fmt::Debug for Proxy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::FromEnvironment => "FromEnvironment",
            Self::None => "None",
            Self::Given(_) => "Given",
        })
    }
}

/// One call.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    /// What is being done, for errors.
    pub(crate) action: &'a str,
    pub(crate) url: &'a str,
    pub(crate) credentials: Credentials<'a>,
    /// A urlencoded form to POST; without one it is a GET.
    pub(crate) form: Option<&'a str>,
}

#[derive(Debug)]
pub(crate) enum Credentials<'a> {
    Basic {
        id: &'a str,
        secret: &'a Secret,
    },
    Bearer(&'a Secret),
    /// They are in the form.
    InForm(&'a Secret),
    None,
}

/// An answer that is final: success, or a refusal that no second attempt changes.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) body: String,
    /// The server's clock, as it wrote it.
    pub(crate) date: Option<String>,
}

impl Http {
    /// `https` says whether certificates will be needed at all; `loopback` keeps the environment's proxy out.
    pub(crate) fn new(
        https: bool,
        loopback: bool,
        transport: &Transport,
        time_limit: Duration,
    ) -> Result<Self, CatalogError> {
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls(https, transport)?)
            .user_agent(concat!("zerobus-catalog/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_LIMIT)
            .http1_only();
        match &transport.proxy {
            Proxy::Given(url) => {
                let proxy = reqwest::Proxy::all(url).map_err(|_| {
                    CatalogError::configuration(
                        "the proxy is not an address; write it as http://host:port",
                    )
                })?;
                builder = builder.no_proxy().proxy(proxy);
            }
            Proxy::None => builder = builder.no_proxy(),
            Proxy::FromEnvironment if loopback => builder = builder.no_proxy(),
            Proxy::FromEnvironment => {}
        }
        let client = builder.build().map_err(|error| {
            CatalogError::configuration(format!(
                "the HTTP client cannot be set up: {}",
                chain(&error.without_url())
            ))
        })?;
        Ok(Self { client, time_limit })
    }

    /// Makes the call; network errors, 5xx, 408 and 429 are tried again.
    pub(crate) async fn call(
        &self,
        call: &Call<'_>,
        attempts: Attempts,
    ) -> Result<Answer, CatalogError> {
        let deadline = Instant::now() + self.time_limit;
        let mut backoff = Backoff::new();
        loop {
            let limit = deadline
                .saturating_duration_since(Instant::now())
                .min(REQUEST_LIMIT);
            let error = match self.once(call, limit).await {
                Err(error) if error.is_retryable() => error,
                done => return done,
            };
            let retry_after = match &error {
                CatalogError::Status { retry_after, .. } => *retry_after,
                _ => None,
            };
            let again = Instant::now() + backoff.next(retry_after);
            if attempts == Attempts::One || again >= deadline {
                return Err(error);
            }
            tokio::time::sleep_until(again).await;
        }
    }

    async fn once(&self, call: &Call<'_>, limit: Duration) -> Result<Answer, CatalogError> {
        let request = match call.form {
            None => self.client.get(call.url),
            Some(form) => self
                .client
                .post(call.url)
                .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(form.to_owned()),
        };
        let request = match &call.credentials {
            Credentials::Basic { id, secret } => request.basic_auth(id, Some(secret.expose())),
            Credentials::Bearer(token) => request.bearer_auth(token.expose()),
            Credentials::InForm(_) | Credentials::None => request,
        };
        let broken = |error: reqwest::Error| call.broken(error);
        let mut response = request.timeout(limit).send().await.map_err(broken)?;
        let status = response.status().as_u16();
        let retry_after = response
            .headers()
            .get(RETRY_AFTER)
            .and_then(|value| value.to_str().ok()?.trim().parse().ok())
            .map(|seconds: u64| Duration::from_secs(seconds.min(3600)));
        let date = response.headers().get(DATE);
        let date = date.and_then(|date| Some(date.to_str().ok()?.to_owned()));
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(broken)? {
            if body.len() + chunk.len() > BODY_MAX {
                return Err(call.unusable(format!("it is longer than {BODY_MAX} bytes")));
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8(body)
            .map_err(|_| call.unusable("it is not UTF-8 text".to_owned()))?;
        let answer = Answer { status, body, date };
        match answer.error(call, retry_after) {
            error if !answer.is_success() && error.is_retryable() => Err(error),
            _ => Ok(answer),
        }
    }
}

impl Call<'_> {
    /// The error of an answer that is not what was promised.
    pub(crate) fn unusable(&self, problem: String) -> CatalogError {
        CatalogError::Answer {
            action: self.action.to_owned(),
            url: self.url.to_owned(),
            problem,
        }
    }

    fn broken(&self, error: reqwest::Error) -> CatalogError {
        let tls = tls_error(&error);
        let untrusted = matches!(tls, Some(rustls::Error::InvalidCertificate(_)));
        let no_tls = matches!(tls, Some(rustls::Error::InvalidMessage(_)));
        let message = chain(&error.without_url());
        let (action, url) = (self.action.to_owned(), self.url.to_owned());
        if no_tls {
            let problem = format!(
                "{action}: the server at {url} does not speak TLS ({message}); if it is plaintext, write http:// before its address"
            );
            return CatalogError::Configuration { problem };
        }
        if untrusted {
            CatalogError::Untrusted {
                action,
                url,
                message,
            }
        } else {
            CatalogError::Network {
                action,
                url,
                message,
            }
        }
    }

    fn scrub(&self, text: &str) -> String {
        match &self.credentials {
            Credentials::Basic { secret, .. } => secret.scrub(text),
            Credentials::Bearer(token) | Credentials::InForm(token) => token.scrub(text),
            Credentials::None => text.to_owned(),
        }
    }
}

impl Answer {
    pub(crate) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// The machine-readable kind of a refusal: OAuth's `error` or the catalog's `error_code`.
    pub(crate) fn code(&self) -> Option<String> {
        let value: Value = serde_json::from_str(&self.body).ok()?;
        // The last is how one implementation of others spells it.
        ["error", "error_code", "errorCode"]
            .iter()
            .find_map(|key| value.get(key)?.as_str().map(str::to_owned))
    }

    /// What a refusal says, on one line, bounded, and without what was sent.
    pub(crate) fn message(&self, call: &Call<'_>) -> String {
        let json: Option<Value> = serde_json::from_str(&self.body).ok();
        let text = json.as_ref().and_then(|value| {
            ["error_description", "message", "error", "error_code"]
                .iter()
                .find_map(|key| value.get(key)?.as_str().filter(|text| !text.is_empty()))
        });
        let text = match text {
            Some(text) => text,
            None if self.body.trim_start().starts_with('<') => "a page of HTML",
            None if self.body.trim().is_empty() => "no message",
            None => &self.body,
        };
        let scrubbed = call.scrub(text);
        let line: String = scrubbed
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .chars()
            .filter(|c| !c.is_control())
            .take(300)
            .collect();
        line.trim_end_matches('.').to_owned()
    }

    /// What stands in the place of JSON.
    pub(crate) fn other_than_json(&self) -> String {
        let found = match self.body.trim_start().chars().next() {
            None => "nothing",
            Some('<') => "a page of HTML",
            Some(_) => "something else",
        };
        format!("expected JSON about a table, found {found}")
    }

    /// The answer as a plain error.
    pub(crate) fn error(&self, call: &Call<'_>, retry_after: Option<Duration>) -> CatalogError {
        CatalogError::Status {
            action: call.action.to_owned(),
            url: call.url.to_owned(),
            status: self.status,
            message: self.message(call),
            retry_after,
        }
    }
}

/// The TLS configuration: *ring*, given explicitly, and the system's roots.
fn tls(https: bool, transport: &Transport) -> Result<rustls::ClientConfig, CatalogError> {
    let mut roots = RootCertStore::empty();
    if https {
        // Honours SSL_CERT_FILE and SSL_CERT_DIR. Single files that cannot be read are no reason to stop.
        let native = rustls_native_certs::load_native_certs();
        roots.add_parsable_certificates(native.certs);
        if let Some(pem) = &transport.ca_pem {
            add_ca(&mut roots, pem).map_err(|problem| {
                CatalogError::configuration(format!(
                    "the given CA certificate cannot be read: {problem}; give PEM text"
                ))
            })?;
        }
        if roots.is_empty() {
            let why = native
                .errors
                .first()
                .map_or_else(String::new, |error| format!(" ({error})"));
            return Err(CatalogError::configuration(format!(
                "no trusted certificates found{why}; install the system's, or name a PEM file in SSL_CERT_FILE"
            )));
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| CatalogError::configuration(format!("TLS cannot be set up: {error}")))?
        .with_root_certificates(roots);
    match &transport.identity {
        None => Ok(config.with_no_client_auth()),
        Some((chain, key)) => {
            let unusable = |what: &str| {
                CatalogError::configuration(format!(
                    "the client certificate cannot be used: {what}; give the chain and its private key as PEM text"
                ))
            };
            let chain = CertificateDer::pem_slice_iter(chain)
                .collect::<Result<Vec<_>, _>>()
                .map_err(|error| unusable(&error.to_string()))?;
            // What is wrong with a key is not repeated.
            let key = PrivateKeyDer::from_pem_slice(key.expose().as_bytes())
                .map_err(|_| unusable("its key is none"))?;
            config
                .with_client_auth_cert(chain, key)
                .map_err(|error| unusable(&error.to_string()))
        }
    }
}

fn add_ca(roots: &mut RootCertStore, pem: &[u8]) -> Result<(), String> {
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|error| error.to_string())?;
        roots.add(certificate).map_err(|error| error.to_string())?;
    }
    if roots.len() == before {
        return Err("it holds no certificate".to_owned());
    }
    Ok(())
}

/// An error with its causes on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// What TLS has to say about it.
fn tls_error<'e>(error: &'e (dyn std::error::Error + 'static)) -> Option<&'e rustls::Error> {
    if let Some(tls) = error.downcast_ref::<rustls::Error>() {
        return Some(tls);
    }
    // An `io::Error` shows its inner error here only, not as its source.
    let inner = error
        .downcast_ref::<std::io::Error>()
        .and_then(std::io::Error::get_ref);
    match inner {
        Some(inner) => tls_error(inner),
        None => error.source().and_then(tls_error),
    }
}
