use std::fs;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::task::spawn_blocking;
use zerobus_proto::contract::STREAM_LIFETIME;

use crate::delta::Durability;
use crate::error::LocalError;
use crate::faults::{FaultRule, Faults};
use crate::lock::{FolderLock, TemporaryFolder};
use crate::seed::{self, Seed};
use crate::server::{Encrypted, LocalZerobus};
use crate::service::{Budget, Compact, Credentials, Listener, Service, Stop, Tables, Tls, Writing};

/// What a local server is to be like. Made by [`LocalZerobus::builder`].
#[derive(Debug, Clone)]
#[must_use = "a builder does nothing until `start`"]
pub struct LocalZerobusBuilder {
    data: Option<PathBuf>,
    seeds: Vec<Seed>,
    listen: SocketAddr,
    tls_listen: Option<SocketAddr>,
    client: Option<Credentials>,
    durability: Durability,
    commit_interval: Duration,
    compact_after: Option<Duration>,
    pending_bytes: usize,
    token_lifetime: Duration,
    stream_lifetime: Duration,
    faults: Vec<FaultRule>,
}

impl LocalZerobusBuilder {
    pub(crate) fn new() -> Self {
        Self {
            data: None,
            seeds: Vec::new(),
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            tls_listen: None,
            client: None,
            durability: Durability::Fsync,
            commit_interval: Duration::from_millis(20),
            compact_after: Some(Duration::from_secs(30)),
            pending_bytes: 256 * 1024 * 1024,
            token_lifetime: Duration::from_secs(3_600),
            stream_lifetime: STREAM_LIFETIME,
            faults: Vec::new(),
        }
    }

    /// The folder the tables lie in, at `<catalog>/<schema>/<table>`. Made when it is missing; the tables in it are
    /// served. Default: a new temporary one, which is removed with the server.
    pub fn data(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data = Some(folder.into());
        self
    }

    /// One table, as its CREATE TABLE statement; the same as [`seed_sql`](Self::seed_sql).
    pub fn table_ddl(self, ddl: impl Into<String>) -> Self {
        self.seed_sql(ddl)
    }

    /// CREATE TABLE statements of tables to be there; may be called several times.
    ///
    /// A table that exists with the same columns stays as it is, with other columns the start fails.
    pub fn seed_sql(mut self, sql: impl Into<String>) -> Self {
        self.seeds.push(Seed::Sql(sql.into()));
        self
    }

    /// The same from a file of CREATE TABLE statements, a snapshot, or a folder of either, such as `schemas/`. Which a
    /// file is is told from its content.
    pub fn seed_file(mut self, path: impl Into<PathBuf>) -> Self {
        self.seeds.push(Seed::Path(path.into()));
        self
    }

    /// The address to listen on. Default: `127.0.0.1:0`, a free port on loopback.
    pub fn listen(mut self, address: SocketAddr) -> Self {
        self.listen = address;
        self
    }

    /// An address to listen on for TLS as well; port 0 is a free one. Default: none.
    ///
    /// The server has a certificate authority of its own, whose certificate clients have to trust:
    /// [`LocalZerobus::ca_certificate`]. It stays the same for the data folder, and signs for `localhost`, loopback and
    /// the address given here.
    pub fn tls_listen(mut self, address: SocketAddr) -> Self {
        self.tls_listen = Some(address);
        self
    }

    /// The only client that gets tokens. Default: any client whose id and secret are not empty.
    pub fn client(mut self, id: impl Into<String>, secret: impl Into<String>) -> Self {
        self.client = Some(Credentials {
            id: id.into(),
            secret: secret.into(),
        });
        self
    }

    /// Whether an ack waits for the disk. Default: true. Without, what was acked outlives the process but not the
    /// machine.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.durability = if fsync {
            Durability::Fsync
        } else {
            Durability::PageCache
        };
        self
    }

    /// The longest that records wait for others to be committed with. Default: 20 ms.
    ///
    /// An idle table commits at once, whatever this says; a busy one starts a commit this often, or sooner where a stream has
    /// as much waiting as it may. Longer makes fewer and larger files, and acks that come later.
    pub fn commit_interval(mut self, interval: Duration) -> Self {
        self.commit_interval = interval;
        self
    }

    /// What all streams together may have in memory that is not committed yet, in bytes. Default: 256 MiB.
    ///
    /// A stream has at most some 6 MB there. While all of them together have this much, no message is decoded until others
    /// are durable; a message that takes more than all of this is decoded alone. What HTTP/2 lets clients send ahead comes
    /// to it, 4 MiB and a message of each stream, and as much again for the bodies of all HTTP requests.
    pub fn pending_bytes(mut self, bytes: usize) -> Self {
        self.pending_bytes = bytes;
        self
    }

    /// How long a table has to be idle before its small files are put together, in the background; `None` is never.
    /// Default: 30 s.
    ///
    /// Ten files and more of one partition, each under 32 MiB, become one, in a version of its own without a change of data.
    /// The files that it replaces stay on the disk for readers of earlier versions, 7 days or as long as the table's
    /// `delta.deletedFileRetentionDuration` says.
    pub fn compact_after(mut self, idle: Option<Duration>) -> Self {
        self.compact_after = idle;
        self
    }

    /// How long tokens are good for. Default: one hour, as with the service.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.token_lifetime = lifetime;
        self
    }

    /// How long a stream lives. Default: 15 minutes, as with the service.
    ///
    /// Before it is over the client gets a close signal, half a minute ahead or a fifth of the lifetime if that is
    /// less; then the stream ends with UNAVAILABLE and code 6002.
    pub fn stream_lifetime(mut self, lifetime: Duration) -> Self {
        self.stream_lifetime = lifetime;
        self
    }

    /// Something to go wrong; may be called several times. Rules can be changed while the server runs:
    /// [`LocalZerobus::fail`], and `PUT /faults`.
    pub fn fault(mut self, rule: FaultRule) -> Self {
        self.faults.push(rule);
        self
    }

    /// Opens the folder, creates the tables of the seeds and starts to serve, on the present tokio runtime.
    ///
    /// # Errors
    /// [`LocalError`]: the folder cannot be written or is in use, a seed cannot be read, a table cannot be opened, the
    /// address is taken.
    pub async fn start(self) -> Result<LocalZerobus, LocalError> {
        // First, so that no table is created when a port is taken.
        let listener = bind(self.listen).await?;
        let tls_listener = match self.tls_listen {
            Some(address) => Some(bind(address).await?),
            None => None,
        };
        let tls_ip = self.tls_listen.map(|address| address.ip());
        let (data, temporary) = match self.data {
            Some(data) => (data, None),
            None => {
                let temporary = TemporaryFolder::new();
                (temporary.path().to_owned(), Some(temporary))
            }
        };
        let seeds = self.seeds;
        let faults = Arc::new(Faults::new(self.faults));
        let writing = Writing {
            durability: self.durability,
            commit_interval: self.commit_interval,
            compact: Compact {
                after: self.compact_after,
                turn: Arc::default(),
            },
            budget: Arc::new(Budget::new(self.pending_bytes)),
            faults: Arc::clone(&faults),
        };
        let opened = spawn_blocking(move || open(&data, &seeds, writing, tls_ip)).await;
        let (lock, tables, tls) =
            opened.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        let service = Service::new(
            Arc::clone(&tables),
            self.client,
            self.token_lifetime,
            self.stream_lifetime,
            Arc::clone(&faults),
            self.pending_bytes,
        );
        let (stop, stopped) = Stop::new();
        let address = listener.address();
        let mut serving = vec![tokio::spawn(
            listener.serve(service.clone(), stopped.clone()),
        )];
        let encrypted = tls_listener.zip(tls).map(|(listener, tls)| {
            let encrypted = Encrypted {
                address: listener.address(),
                ca: tls.ca().to_owned(),
            };
            serving.push(tokio::spawn(listener.with_tls(tls).serve(service, stopped)));
            encrypted
        });
        Ok(LocalZerobus::new(
            address,
            encrypted,
            tables,
            faults,
            (lock, temporary),
            stop,
            serving,
        ))
    }
}

async fn bind(address: SocketAddr) -> Result<Listener, LocalError> {
    let bound = Listener::bind(address).await;
    bound.map_err(|source| LocalError::Listen { address, source })
}

/// The data folder with every table of the seeds in it.
fn open(
    data: &Path,
    seeds: &[Seed],
    writing: Writing,
    tls: Option<IpAddr>,
) -> Result<(FolderLock, Arc<Tables>, Option<Tls>), LocalError> {
    // Before anything is written, so that a mistake leaves nothing behind.
    let mut schemas = Vec::new();
    for seed in seeds {
        schemas.extend(seed.read()?);
    }
    let lock = FolderLock::take(data)?;
    let data = fs::canonicalize(data).map_err(|source| LocalError::DataFolder {
        path: data.to_owned(),
        source,
    })?;
    let tables = Tables::open(&data, writing)?;
    for (path, schema) in schemas {
        let created = tables.create(schema, true);
        created.map_err(|error| seed::refused(path, error))?;
    }
    let tls = match tls {
        Some(listening) => Some(Tls::new(&data, listening)?),
        None => None,
    };
    Ok((lock, Arc::new(tables), tls))
}
