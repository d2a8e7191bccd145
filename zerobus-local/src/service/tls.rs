//! TLS with a certificate of an authority of our own.
//!
//! The authority's key stays in the data folder, so that clients which trust it still do after a restart; it may sign for
//! this machine only. Certificates are made anew with every start.

use std::fs;
use std::io;
use std::net::{IpAddr, Ipv6Addr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rcgen::{
    BasicConstraints, CertificateParams, CidrSubnet, DnType, ExtendedKeyUsagePurpose,
    GeneralSubtree, IsCa, Issuer, KeyPair, KeyUsagePurpose, NameConstraints,
};
use rustls::ServerConfig;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use time::{Duration, OffsetDateTime};
use tokio_rustls::TlsAcceptor;

use crate::error::LocalError;

const CA_FILE: &str = ".zerobus-local-ca.pem";
const KEY_FILE: &str = ".zerobus-local-ca.key";

const LOCALHOST: &str = "localhost";

/// There are clients that take no certificate that is good for much more than two years.
const CERTIFICATE_LIFETIME: Duration = Duration::days(365);

/// What connections are encrypted with.
#[derive(Clone)]
pub(crate) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    ca: PathBuf,
}

impl Tls {
    /// A certificate for `localhost`, loopback and `listening`. The authority is written to the data folder.
    pub(crate) fn new(data: &Path, listening: IpAddr) -> Result<Self, LocalError> {
        let ca = data.join(CA_FILE);
        let key_file = data.join(KEY_FILE);
        let failed = |path: &Path, problem: &dyn std::fmt::Display| LocalError::Tls {
            path: path.to_owned(),
            problem: problem.to_string(),
        };
        let ca_key = authority_key(&key_file).map_err(|problem| failed(&key_file, &problem))?;
        let authority = authority(listening);
        let config = (|| {
            let certificate = authority.self_signed(&ca_key)?;
            let issuer = Issuer::from_params(&authority, ca_key);
            Ok::<_, rcgen::Error>((certificate.pem(), server_config(listening, &issuer)?))
        })();
        let (pem, config) = config.map_err(|problem| failed(&key_file, &problem))?;
        let config = config.map_err(|problem| failed(&key_file, &problem))?;
        fs::write(&ca, pem).map_err(|problem| failed(&ca, &problem))?;
        Ok(Self {
            acceptor: TlsAcceptor::from(Arc::new(config)),
            ca,
        })
    }

    /// The authority's certificate, a PEM file.
    pub(crate) fn ca(&self) -> &Path {
        &self.ca
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls")
            .field("ca", &self.ca)
            .finish_non_exhaustive()
    }
}

/// The key of an earlier start, or a new one.
fn authority_key(file: &Path) -> Result<KeyPair, Box<dyn std::error::Error>> {
    match fs::read_to_string(file) {
        Ok(pem) => {
            Ok(KeyPair::from_pem(&pem).map_err(|error| format!("it holds no key ({error})"))?)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let key = KeyPair::generate()?;
            write_private(file, &key.serialize_pem())?;
            Ok(key)
        }
        Err(error) => Err(error.into()),
    }
}

/// Its file is there whole or not at all, and nobody else's to read.
fn write_private(file: &Path, text: &str) -> io::Result<()> {
    let temporary = file.with_extension("tmp");
    let mut options = fs::OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    io::Write::write_all(&mut options.open(&temporary)?, text.as_bytes())?;
    fs::rename(temporary, file)
}

/// The same at every start but for the key, so that it stays one authority.
fn authority(listening: IpAddr) -> CertificateParams {
    let mut permitted = vec![
        GeneralSubtree::DnsName(LOCALHOST.to_owned()),
        GeneralSubtree::IpAddress(CidrSubnet::from_v4_prefix([127, 0, 0, 0], 8)),
        host(Ipv6Addr::LOCALHOST.into()),
    ];
    if !listening.is_loopback() {
        permitted.push(host(listening));
    }
    let mut params = CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "zerobus-local, for this machine only");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: permitted,
        excluded_subtrees: Vec::new(),
    });
    params
}

fn host(address: IpAddr) -> GeneralSubtree {
    let bits = if address.is_ipv4() { 32 } else { 128 };
    GeneralSubtree::IpAddress(CidrSubnet::from_addr_prefix(address, bits))
}

fn server_config(
    listening: IpAddr,
    issuer: &Issuer<'_, KeyPair>,
) -> Result<Result<ServerConfig, rustls::Error>, rcgen::Error> {
    let names = [
        LOCALHOST.to_owned(),
        "127.0.0.1".to_owned(),
        Ipv6Addr::LOCALHOST.to_string(),
        listening.to_string(),
    ];
    let mut params = CertificateParams::new(names)?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    params
        .distinguished_name
        .push(DnType::CommonName, "zerobus-local");
    let now = OffsetDateTime::from(SystemTime::now());
    params.not_before = now - Duration::DAY;
    params.not_after = now + CERTIFICATE_LIFETIME;
    params.use_authority_key_identifier_extension = true;
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, issuer)?;
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(|config| {
            let config = config.with_no_client_auth();
            config.with_single_cert(vec![certificate.der().clone()], key)
        });
    Ok(config.map(|mut config| {
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        config
    }))
}
