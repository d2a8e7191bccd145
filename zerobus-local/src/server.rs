use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_core::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::{JoinHandle, spawn_blocking};
use zerobus_schema::TableName;

use crate::builder::LocalZerobusBuilder;
use crate::faults::{Fault, FaultRule, Faults};
use crate::lock::{FolderLock, TemporaryFolder};
use crate::rows::{self, RowsError};
use crate::service::{Table, Tables};

/// A local Zerobus: catalog, token endpoint and streams on one address, over Delta tables on disk.
///
/// Dropped without [`shutdown`](Self::shutdown), it stops serving; what was acked is on the disk in any case.
#[derive(Debug)]
pub struct LocalZerobus {
    address: SocketAddr,
    encrypted: Option<Encrypted>,
    tables: Arc<Tables>,
    faults: Arc<Faults>,
    stop: watch::Sender<bool>,
    serving: Vec<JoinHandle<()>>,
    /// Let go of last.
    _folder: (FolderLock, Option<TemporaryFolder>),
}

/// What streams and inserts brought, counted when a message was taken.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Received {
    /// Messages and requests, each of one record or more.
    pub messages: u64,
    /// Their records; those that were sent again count again.
    pub records: u64,
    /// The bytes of the records.
    pub bytes: u64,
}

impl Received {
    /// One message more.
    pub(crate) fn add(&mut self, records: usize, bytes: usize) {
        self.messages += 1;
        self.records += u64::try_from(records).unwrap_or_default();
        self.bytes += u64::try_from(bytes).unwrap_or_default();
    }
}

/// How often someone who waits for rows looks for them.
const ROWS_INTERVAL: Duration = Duration::from_millis(5);

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
        folder: (FolderLock, Option<TemporaryFolder>),
        stop: watch::Sender<bool>,
        serving: Vec<JoinHandle<()>>,
    ) -> Self {
        Self {
            address,
            encrypted,
            tables,
            faults,
            stop,
            serving,
            _folder: folder,
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

    /// What was found in the data folder that somebody should know of, and that was no reason not to start: a log entry
    /// that was not whole and was put aside. Sentences without their full stop.
    #[must_use]
    pub fn warnings(&self) -> &[String] {
        self.tables.warnings()
    }

    /// Where a table lies, whether it exists or not.
    #[must_use]
    pub fn table_dir(&self, table: &TableName) -> PathBuf {
        self.tables.folder(table)
    }

    /// All rows of a table in the order of their commits, read from the disk as `R`: any type that serde reads.
    ///
    /// A row is an object with a key for every column, and its values are as JSON records have them: DATE in days,
    /// TIMESTAMP in microseconds, DECIMAL as text, BINARY in base64. A VARIANT is the JSON that it holds.
    ///
    /// # Errors
    /// [`RowsError`]: there is no such table, a row is no `R`, a file cannot be read.
    pub async fn rows<R>(&self, table: &str) -> Result<Vec<R>, RowsError>
    where
        R: DeserializeOwned + Send + 'static,
    {
        let table = self.served(table)?;
        table.refresh().await;
        blocking(move || rows::read(&table.folder, &table.columns().schema)).await
    }

    /// Waits until a table has so many rows, and returns how many there are.
    ///
    /// # Errors
    /// [`RowsError::TimedOut`] when they have not come by then; there is no such table, a file cannot be read.
    pub async fn wait_for_rows(
        &self,
        table: &str,
        expected: u64,
        within: Duration,
    ) -> Result<u64, RowsError> {
        let table = self.served(table)?;
        let deadline = Instant::now() + within;
        loop {
            let counted = Arc::clone(&table);
            let found = blocking(move || Ok(counted.files()?.rows())).await?;
            if found >= expected {
                return Ok(found);
            }
            if Instant::now() >= deadline {
                return Err(RowsError::TimedOut {
                    table: table.name.clone(),
                    expected,
                    found,
                });
            }
            tokio::time::sleep(ROWS_INTERVAL).await;
        }
    }

    /// What has come in for a table since the server's start, whether it is acked yet or not.
    ///
    /// # Errors
    /// [`RowsError`]: there is no such table.
    pub fn received(&self, table: &str) -> Result<Received, RowsError> {
        Ok(self.served(table)?.received())
    }

    fn served(&self, table: &str) -> Result<Arc<Table>, RowsError> {
        let table = TableName::parse(table).map_err(RowsError::Name)?;
        let served = self.tables.get(&table);
        served.ok_or(RowsError::Unknown { table })
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

/// Reads from the disk.
async fn blocking<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, RowsError> + Send + 'static,
) -> Result<T, RowsError> {
    let done = spawn_blocking(read).await;
    done.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))
}

impl Drop for LocalZerobus {
    fn drop(&mut self) {
        self.stop.send_replace(true);
        for serving in &self.serving {
            serving.abort();
        }
    }
}
