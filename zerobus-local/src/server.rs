use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use zerobus_schema::TableName;

use crate::builder::LocalZerobusBuilder;
use crate::faults::{Fault, FaultRule, Faults};
use crate::lock::FolderLock;
use crate::service::Tables;

/// A local Zerobus: catalog, token endpoint and streams on one address, over Delta tables on disk.
///
/// Dropped without [`shutdown`](Self::shutdown), it stops serving; what was acked is on the disk in any case.
#[derive(Debug)]
pub struct LocalZerobus {
    address: SocketAddr,
    encrypted: Option<Encrypted>,
    tables: Arc<Tables>,
    faults: Arc<Faults>,
    _lock: FolderLock,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
}

/// Where it is reached by TLS, and whom to trust for it.
#[derive(Debug)]
pub(crate) struct Encrypted {
    pub(crate) address: SocketAddr,
    pub(crate) ca: PathBuf,
}

impl LocalZerobus {
    /// A server to be set up.
    pub fn builder() -> LocalZerobusBuilder {
        LocalZerobusBuilder::new()
    }

    pub(crate) fn new(
        address: SocketAddr,
        encrypted: Option<Encrypted>,
        tables: Arc<Tables>,
        faults: Arc<Faults>,
        lock: FolderLock,
        stop: watch::Sender<bool>,
        serving: Vec<JoinHandle<()>>,
    ) -> Self {
        Self {
            address,
            encrypted,
            tables,
            faults,
            _lock: lock,
            stop,
            serving,
        }
    }

    /// The one URL for everything, `http://127.0.0.1:PORT`: endpoint and workspace alike.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// The same for TLS, `https://127.0.0.1:PORT`, where it was asked for
    /// ([`tls_listen`](LocalZerobusBuilder::tls_listen)).
    #[must_use]
    pub fn tls_url(&self) -> Option<String> {
        let encrypted = self.encrypted.as_ref()?;
        Some(format!("https://{}", encrypted.address))
    }

    /// The certificate to trust for [`tls_url`](Self::tls_url), a PEM file: for `SSL_CERT_FILE`, or for a client's own
    /// option for it.
    #[must_use]
    pub fn ca_certificate(&self) -> Option<&Path> {
        Some(&self.encrypted.as_ref()?.ca)
    }

    /// The address it listens on.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The data folder, absolute.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.tables.data()
    }

    /// Where a table lies, whether it exists or not.
    #[must_use]
    pub fn table_dir(&self, table: &TableName) -> PathBuf {
        self.tables.folder(table)
    }

    /// Has something go wrong from now on, beside what there is.
    pub fn fail(&self, rule: FaultRule) {
        self.faults.add(rule);
    }

    /// Has a fault happen once, with the next message or commit that it can happen with.
    pub fn fail_next(&self, fault: Fault) {
        self.faults.add(FaultRule::new(fault).once());
    }

    /// Has nothing go wrong any more.
    pub fn clear_faults(&self) {
        self.faults.replace(Vec::new());
    }

    /// Stops: no new connections; streams are told to reconnect once what they sent is durable and acked.
    pub async fn shutdown(mut self) {
        self.stop.send_replace(true);
        for serving in &mut self.serving {
            let _ = serving.await;
        }
        let tables = Arc::clone(&self.tables);
        let _ = spawn_blocking(move || tables.close()).await;
    }
}

impl Drop for LocalZerobus {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for serving in &self.serving {
            serving.abort();
        }
    }
}
