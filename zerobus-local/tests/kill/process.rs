//! The server in a process of its own, on an address that stays the same from start to start.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
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

/// Where a table lies in a data folder.
pub(crate) fn folder_of(data: &Path, table: &str) -> PathBuf {
    let table = TableName::parse(table).unwrap();
    data.join(table.catalog())
        .join(table.schema())
        .join(table.table())
}

/// A data folder, an address, and a process or none.
pub(crate) struct Server {
    folder: TempDir,
    port: Port,
    launcher: Vec<String>,
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
            launcher: Vec::new(),
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

    /// No file of it may become larger than some 64 KiB.
    pub(crate) fn with_small_files(tables: &[String]) -> Self {
        // What exceeds the limit is to be refused and not to end the process.
        let script = "trap '' XFSZ; ulimit -f 64; exec \"$0\" \"$@\"";
        Self {
            launcher: ["sh", "-c", script].map(str::to_owned).into(),
            ..Self::new(tables)
        }
    }

    /// Its data folder is a disk of its own with room for this many KiB, which is gone when it ends. `None` where the
    /// system does not let the tests make one.
    pub(crate) fn with_small_disk(tables: &[String], kib: usize) -> Option<Self> {
        let server = Self::new(tables);
        fs::create_dir(server.data()).unwrap();
        let mount = format!(
            "mount -t tmpfs -o size={kib}k tmpfs '{}'",
            server.data().display()
        );
        let in_namespace = |script: &str| ["unshare", "-rm", "sh", "-c", script].map(str::to_owned);
        let [program, arguments @ ..] = in_namespace(&mount);
        let made = Command::new(program)
            .args(arguments)
            .stderr(Stdio::null())
            .status();
        made.is_ok_and(|status| status.success()).then(|| Self {
            launcher: in_namespace(&format!("{mount} && exec \"$0\" \"$@\"")).into(),
            ..server
        })
    }

    /// It sees file systems of its own, which [`mount`](Self::mount) changes. `None` where the system does not let the
    /// tests do so.
    pub(crate) fn with_own_mounts(tables: &[String]) -> Option<Self> {
        let server = Self::new(tables);
        let tried = Command::new("unshare")
            .args(["-rm", "true"])
            .stderr(Stdio::null())
            .status();
        tried.is_ok_and(|status| status.success()).then(|| Self {
            launcher: ["unshare", "-rm"].map(str::to_owned).into(),
            ..server
        })
    }

    /// The number of its process.
    pub(crate) fn id(&self) -> u32 {
        let running = self.running.as_ref().expect("the server does not run");
        running.child.id()
    }

    /// Runs a script among the file systems of the running server.
    pub(crate) fn mount(&self, script: &str) {
        let pid = self.id().to_string();
        let mut command = Command::new("nsenter");
        command.args([
            "-t",
            &pid,
            "-U",
            "-m",
            "--preserve-credentials",
            "sh",
            "-ec",
            script,
        ]);
        assert!(command.status().unwrap().success(), "{script}");
    }

    /// What it says when it does not start on its data folder as it is.
    pub(crate) fn refused(&self) -> (Option<i32>, String) {
        self.refused_by(Command::new(env!("CARGO_BIN_EXE_zerobus-local")))
    }

    /// The same where that cannot be written to.
    pub(crate) fn refused_by_read_only_folder(&self) -> (Option<i32>, String) {
        let data = self.data();
        fs::create_dir_all(&data).unwrap();
        let data = data.display();
        let script = format!(
            "mount --bind '{data}' '{data}' && mount -o remount,bind,ro '{data}' && exec \"$0\" \"$@\""
        );
        let mut command = Command::new("unshare");
        command.args([
            "-rm",
            "sh",
            "-c",
            &script,
            env!("CARGO_BIN_EXE_zerobus-local"),
        ]);
        self.refused_by(command)
    }

    fn refused_by(&self, mut command: Command) -> (Option<i32>, String) {
        let command = command
            .args(["--listen", "127.0.0.1:0", "--data"])
            .arg(self.data());
        let output = command.output().unwrap();
        (
            output.status.code(),
            String::from_utf8(output.stderr).unwrap(),
        )
    }

    /// The data folder as the running server sees it.
    pub(crate) fn inside(&self) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.id()));
        root.join(self.data().strip_prefix("/").unwrap())
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.port.address)
    }

    pub(crate) fn client(&self) -> Client {
        let builder = ClientBuilder::default().endpoint(self.url());
        builder.oauth("tests", "secret").build().unwrap()
    }

    pub(crate) fn table_dir(&self, table: &str) -> PathBuf {
        folder_of(&self.data(), table)
    }

    /// Starts it on the folder as it is, and returns once it is ready.
    pub(crate) fn start(&mut self) {
        self.spawn();
        self.running().wait_until_ready();
    }

    /// Starts it, and returns at once.
    pub(crate) fn spawn(&mut self) {
        assert!(self.running.is_none(), "the server runs already");
        let mut command = self.launcher.clone();
        command.push(env!("CARGO_BIN_EXE_zerobus-local").to_owned());
        let child = Command::new(&command[0])
            .args(&command[1..])
            .arg("--data")
            .arg(self.data())
            .arg("--seed")
            .arg(self.folder.path().join("seed.sql"))
            .args(["--listen", &self.port.address.to_string()])
            .args(&self.arguments)
            .env_remove("ZEROBUS_LOCAL_CLIENT")
            .stdout(Stdio::piped())
            .stderr(File::create(self.said()).unwrap())
            .spawn()
            .unwrap();
        let said = self.said();
        self.running = Some(Running { child, said });
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

    /// What it has said to people since it was started.
    pub(crate) fn has_said(&self) -> String {
        fs::read_to_string(self.said()).unwrap()
    }

    fn said(&self) -> PathBuf {
        self.folder.path().join("stderr")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }
}

struct Running {
    child: Child,
    /// What it says to people.
    said: PathBuf,
}

impl Running {
    fn wait_until_ready(&mut self) {
        let mut line = String::new();
        BufReader::new(self.child.stdout.as_mut().unwrap())
            .read_line(&mut line)
            .unwrap();
        if line.is_empty() {
            let status = self.child.wait().unwrap();
            let said = fs::read_to_string(&self.said).unwrap();
            panic!("the server did not start: {status}\n{said}");
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
