//! The binary `zerobus-local`.

use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use zerobus_local::LocalZerobus;

mod options;

use options::{Command, Options};

/// Wrong usage.
const EXIT_USAGE: u8 = 2;
/// It could not do what it was asked to.
const EXIT_FAILED: u8 = 3;

fn main() -> ExitCode {
    let options = match options::parse(std::env::args_os().skip(1)) {
        Ok(Command::Serve(options)) => *options,
        Ok(Command::Print(text)) => {
            let _ = io::stdout().write_all(text.as_bytes());
            return ExitCode::SUCCESS;
        }
        Err(error) => {
            eprintln!(
                "zerobus-local: {error}\n\nUsage: zerobus-local --data DIR [OPTIONS]\nMore is in zerobus-local --help."
            );
            return ExitCode::from(EXIT_USAGE);
        }
    };
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("zerobus-local: {error}");
            return ExitCode::from(EXIT_FAILED);
        }
    };
    match runtime.block_on(serve(options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("zerobus-local: {error}");
            ExitCode::from(EXIT_FAILED)
        }
    }
}

async fn serve(options: Options) -> Result<(), Box<dyn std::error::Error>> {
    // Before it is ready, so that a signal at any time stops it cleanly.
    let mut signal = Signal::new()?;
    let ready_file = options.ready_file.clone();
    let server = tokio::select! {
        started = options.builder().start() => started?,
        () = signal.wait() => return Ok(()),
    };
    for warning in server.warnings() {
        eprintln!("zerobus-local: warning: {warning}.");
    }
    let announced = announce(&server, ready_file.as_deref());
    if announced.is_ok() {
        signal.wait().await;
    }
    server.shutdown().await;
    if let Some(path) = &ready_file {
        // It says that a server runs, which no longer holds.
        let _ = fs::remove_file(path);
    }
    announced
}

/// Prints the ready line, and leaves it in the ready file, which is there whole or not at all.
fn announce(
    server: &LocalZerobus,
    ready_file: Option<&Path>,
) -> Result<(), Box<dyn std::error::Error>> {
    let json = |text: Option<String>| serde_json::Value::from(text).to_string();
    let path = |path: &Path| path.display().to_string();
    let line = format!(
        "{{\"url\": {}, \"tls_url\": {}, \"ca\": {}, \"data\": {}}}\n",
        json(Some(server.url())),
        json(server.tls_url()),
        json(server.ca_certificate().map(path)),
        json(Some(path(server.data())))
    );
    if let Some(path) = ready_file {
        write_whole(path, &line).map_err(|error| {
            format!(
                "the ready file {} cannot be written: {error}",
                path.display()
            )
        })?;
    }
    let mut stdout = io::stdout().lock();
    stdout.write_all(line.as_bytes())?;
    stdout.flush()?;
    // For people; programs read the line above.
    eprintln!(
        "zerobus-local: for development and tests, not for production. A page to look at is {}/ and Ctrl-C ends it.",
        server.url()
    );
    Ok(())
}

fn write_whole(path: &Path, text: &str) -> io::Result<()> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let temporary: PathBuf = path.with_file_name(name);
    fs::write(&temporary, text)
        .and_then(|()| fs::rename(&temporary, path))
        .inspect_err(|_| {
            let _ = fs::remove_file(&temporary);
        })
}

/// Ctrl-C, and on Unix SIGTERM.
struct Signal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl Signal {
    fn new() -> io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn wait(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = tokio::signal::ctrl_c() => {}
            _ = self.terminate.recv() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
