//! The server in a process of its own, on an address that stays the same from start to start.

use std::fs;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, ExitStatus, Stdio};

use tempfile::TempDir;
use tokio::net::TcpSocket;
use zerobus_client::{Client, ClientBuilder, TableName};

use crate::event::COLUMNS;

/// Names of so many tables.
pub(crate) fn names(count: usize) -> Vec<String> {
    (0..count)
        .map(|table| format!("main.default.events_{table}"))
        .collect()
}

/// A data folder, an address, and a process or none.
pub(crate) struct Server {
    folder: TempDir,
    port: Port,
    arguments: Vec<String>,
    running: Option<Running>,
}

impl Server {
    /// Not running yet. Its seed has these tables.
    pub(crate) fn new(tables: &[String]) -> Self {
        let folder = TempDir::new().unwrap();
        let seed: String = tables
            .iter()
            .map(|table| format!("CREATE TABLE {table} {COLUMNS};\n"))
            .collect();
        fs::write(folder.path().join("seed.sql"), seed).unwrap();
        Self {
            folder,
            port: Port::reserve(),
            arguments: Vec::new(),
            running: None,
        }
    }

    /// The same with more on its command line.
    pub(crate) fn with_arguments(tables: &[String], arguments: &[&str]) -> Self {
        let arguments = arguments.iter().map(|&argument| argument.to_owned());
        Self {
            arguments: arguments.collect(),
            ..Self::new(tables)
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.port.address)
    }

    pub(crate) fn client(&self) -> Client {
        let builder = ClientBuilder::default().endpoint(self.url());
        let builder = builder.workspace_url(self.url());
        builder.oauth("tests", "secret").build().unwrap()
    }

    pub(crate) fn table_dir(&self, table: &str) -> PathBuf {
        let table = TableName::parse(table).unwrap();
        self.data()
            .join(table.catalog())
            .join(table.schema())
            .join(table.table())
    }

    /// Starts it on the folder as it is, and returns once it is ready.
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.running().wait_until_ready();
    }

    /// Starts it, and returns at once.
    pub(crate) fn spawn(&mut self) {
        assert!(self.running.is_none(), "the server runs already");
        let child = Command::new(env!("CARGO_BIN_EXE_zerobus-local"))
            .arg("--data")
            .arg(self.data())
            .arg("--seed")
            .arg(self.folder.path().join("seed.sql"))
            .args(["--listen", &self.port.address.to_string()])
            .args(&self.arguments)
            .env_remove("ZEROBUS_LOCAL_CLIENT")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        self.running = Some(Running { child });
    }

    /// SIGKILL: nothing in the process gets to know of it.
    pub(crate) fn kill(&mut self) {
        self.check();
        let mut running = self.running.take().expect("the server does not run");
        assert_eq!(
            running.kill().signal(),
            Some(9),
            "the server ended by itself"
        );
    }

    /// SIGTERM: it ends in its own time.
    pub(crate) fn terminate(&mut self) {
        let mut running = self.running.take().expect("the server does not run");
        running.signal("-TERM");
        assert!(running.child.wait().unwrap().success());
    }

    /// Stands still from here on, with its connections open.
    pub(crate) fn halt(&mut self) {
        self.running().signal("-STOP");
    }

    /// Goes on after a [`halt`](Self::halt).
    pub(crate) fn resume(&mut self) {
        self.running().signal("-CONT");
    }

    /// Fails when it runs no more, for which nobody is left to wait.
    pub(crate) fn check(&mut self) {
        if let Some(status) = self.running().child.try_wait().unwrap() {
            panic!("the server ended by itself: {status}");
        }
    }

    fn running(&mut self) -> &mut Running {
        self.running.as_mut().expect("the server does not run")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

struct Running {
    child: Child,
}

impl Running {
    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.is_empty() {
            panic!("the server did not start: {}", self.child.wait().unwrap());
        }
    }

    fn kill(&mut self) -> ExitStatus {
        self.child.kill().unwrap();
        self.child.wait().unwrap()
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A free port. On Linux it stays bound while no server listens on it, so that no outgoing connection, such as one of
/// the client that looks for the server, is given it as its own; a listener may still share it.
struct Port {
    address: SocketAddr,
    _bound: Option<TcpSocket>,
}

impl Port {
    fn reserve() -> Self {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_reuseaddr(true).unwrap();
        socket.bind(SocketAddr::from(([127, 0, 0, 1], 0))).unwrap();
        Self {
            address: socket.local_addr().unwrap(),
            _bound: cfg!(target_os = "linux").then_some(socket),
        }
    }
}
