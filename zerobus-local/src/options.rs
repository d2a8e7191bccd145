//! The command line of `zerobus-local`.

use std::ffi::{OsStr, OsString};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};

use lexopt::prelude::*;
use zerobus_local::{FaultRule, LocalZerobus, LocalZerobusBuilder};

/// How it is called.
pub(crate) const USAGE: &str = "\
Usage: zerobus-local --data DIR [OPTIONS]

Serves Databricks Zerobus Ingest, the token endpoint and the table catalog on one
address, over Delta tables in DIR/<catalog>/<schema>/<table>.

  --data DIR            where the tables lie; made when it is missing
  --seed PATH           tables to be there: CREATE TABLE statements, a snapshot, or a
                        folder of either; may be repeated
  --listen ADDR         host:port to listen on [default: 127.0.0.1:8844]; port 0 is
                        a free one
  --tls                 serve by TLS as well, on 127.0.0.1:8845; the certificate to
                        trust is written to the data folder
  --tls-listen ADDR     the same on another host:port
  --ready-file FILE     write the ready line there as well
  --client ID:SECRET    the only client that gets tokens [default: any]; better
                        given as ZEROBUS_LOCAL_CLIENT, which `ps` does not show
  --token-lifetime SEC  how long tokens are good for [default: 3600]
  --faults FILE         what is to go wrong, as PUT /faults takes it
  --commit-interval MS  the longest that records wait for others to be committed
                        with; an idle table commits at once [default: 20]
  --compact-after SEC   put small files together when a table was idle for so
                        long, or never [default: 30]
  --pending-mib MIB     what all streams together may have in memory that is not
                        committed yet [default: 256]
  --no-fsync            ack what the disk may not have yet
  -h, --help            print this
  -V, --version         print the version

When ready it prints one line of JSON: {\"url\": …, \"tls_url\": …, \"ca\": …, \"data\": …}
";

/// Where it is found when nobody says otherwise. Fixed, so that it can be written down.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8844);
const TLS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8845);

const CLIENT_VARIABLE: &str = "ZEROBUS_LOCAL_CLIENT";

/// What the command line asks for.
pub(crate) enum Command {
    /// To serve.
    Serve(Box<Options>),
    /// To print this and be done.
    Print(String),
}

/// How to serve.
pub(crate) struct Options {
    builder: LocalZerobusBuilder,
    pub(crate) ready_file: Option<PathBuf>,
}

impl Options {
    pub(crate) fn builder(self) -> LocalZerobusBuilder {
        self.builder
    }
}

pub(crate) fn parse(
    arguments: impl Iterator<Item = OsString>,
) -> Result<Command, Box<dyn std::error::Error>> {
    let mut parser = lexopt::Parser::from_args(arguments);
    let mut builder = LocalZerobus::builder().listen(LISTEN);
    let mut ready_file = None;
    let mut has_data = false;
    let mut client = std::env::var(CLIENT_VARIABLE).ok();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("data") => {
                builder = builder.data(PathBuf::from(parser.value()?));
                has_data = true;
            }
            Long("seed") => builder = builder.seed_file(PathBuf::from(parser.value()?)),
            Long("listen") => {
                let address = parser.value()?.string()?;
                builder = builder.listen(listen_address("--listen", &address)?);
            }
            Long("tls") => builder = builder.tls_listen(TLS_LISTEN),
            Long("tls-listen") => {
                let address = parser.value()?.string()?;
                builder = builder.tls_listen(listen_address("--tls-listen", &address)?);
            }
            Long("ready-file") => ready_file = Some(PathBuf::from(parser.value()?)),
            Long("client") => client = Some(parser.value()?.string()?),
            Long("token-lifetime") => {
                let seconds = number("--token-lifetime", "seconds", &parser.value()?)?;
                builder = builder.token_lifetime(std::time::Duration::from_secs(seconds));
            }
            Long("faults") => {
                let path = PathBuf::from(parser.value()?);
                for rule in faults(&path)? {
                    builder = builder.fault(rule);
                }
            }
            Long("commit-interval") => {
                let millis = number("--commit-interval", "milliseconds", &parser.value()?)?;
                builder = builder.commit_interval(std::time::Duration::from_millis(millis));
            }
            Long("compact-after") => {
                let value = parser.value()?;
                let idle = match value.to_str() {
                    Some("never") => None,
                    _ => {
                        let seconds = number("--compact-after", "seconds, or never", &value)?;
                        Some(std::time::Duration::from_secs(seconds))
                    }
                };
                builder = builder.compact_after(idle);
            }
            Long("pending-mib") => {
                let mib = number("--pending-mib", "MiB", &parser.value()?)?;
                let bytes = usize::try_from(mib)?.saturating_mul(1024 * 1024);
                builder = builder.pending_bytes(bytes);
            }
            Long("no-fsync") => builder = builder.fsync(false),
            Short('h') | Long("help") => return Ok(Command::Print(USAGE.to_owned())),
            Short('V') | Long("version") => {
                let version = concat!("zerobus-local ", env!("CARGO_PKG_VERSION"), "\n");
                return Ok(Command::Print(version.to_owned()));
            }
            _ => return Err(argument.unexpected().into()),
        }
    }
    if !has_data {
        return Err("--data DIR is missing".into());
    }
    if let Some(client) = client {
        // Not quoted back: it holds a secret.
        let (id, secret) = client
            .split_once(':')
            .filter(|(id, secret)| !id.is_empty() && !secret.is_empty())
            .ok_or("--client must be ID:SECRET, neither of them empty")?;
        builder = builder.client(id, secret);
    }
    Ok(Command::Serve(Box::new(Options {
        builder,
        ready_file,
    })))
}

/// A whole number of what it counts.
fn number(flag: &str, unit: &str, text: &OsStr) -> Result<u64, String> {
    let parsed = text.to_str().and_then(|text| text.parse().ok());
    parsed.ok_or_else(|| format!("{flag} must be a whole number of {unit}, not {text:?}"))
}

fn faults(path: &Path) -> Result<Vec<FaultRule>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| error.to_string());
    let rules =
        text.and_then(|text| FaultRule::parse_list(&text).map_err(|error| error.to_string()));
    rules.map_err(|problem| format!("{}: {problem}", path.display()))
}

/// `localhost` stands for 127.0.0.1, so that no name is looked up.
fn listen_address(flag: &str, text: &str) -> Result<SocketAddr, String> {
    let address = match text.strip_prefix("localhost:") {
        Some(port) => format!("127.0.0.1:{port}"),
        None => text.to_owned(),
    };
    address.parse().map_err(|_| {
        format!("{flag} must be an address and a port, such as 127.0.0.1:8080, not {text:?}")
    })
}
