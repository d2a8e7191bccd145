use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use zerobus_catalog::Secret;

const SOURCE_HELP: &str = "\
A SOURCE is the full name of a table (catalog.schema.table), which is fetched from Unity Catalog; or a file; or the
folder of a Delta table; or `-` for the standard input. What a file holds is told from its content: a snapshot, a
catalog answer, a Delta schema, a commit of a Delta log, CREATE TABLE statements, or a bare column list.

A table is fetched from DATABRICKS_HOST with DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or with
DATABRICKS_TOKEN; what the environment does not say is taken from a profile of ~/.databrickscfg.

Exit status: 0 done, 2 wrong usage, 3 could not be done.";

/// Schemas of Delta tables, for Databricks Zerobus Ingest
#[derive(Debug, Parser)]
#[command(name = "zerobus", version, max_term_width = 100)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write or update the checked-in snapshots of tables
    #[command(after_help = SOURCE_HELP)]
    Pull(Pull),
    /// Generate code or schema text from a table
    Generate(Generate),
    /// Show what a table asks of a record, and what cannot be sent
    #[command(after_help = SOURCE_HELP)]
    Show(Show),
    /// Print which Delta type is which proto2 and Rust type
    Types(Types),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pull {
    /// Tables, files or folders; `-` is the standard input
    #[arg(value_name = "SOURCE", required = true)]
    pub(crate) sources: Vec<String>,
    /// The folder of snapshots
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    pub(crate) schemas: PathBuf,
    /// The table's full name, where a file does not give it
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) what: What,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// A proto2 message
    #[command(after_help = SOURCE_HELP)]
    Proto(Generation),
    /// Rust structs that derive `ZerobusRecord`
    #[command(after_help = SOURCE_HELP)]
    Rust(Generation),
    /// The serialized descriptor that a stream sends (binary)
    #[command(after_help = SOURCE_HELP)]
    Descriptor(Generation),
    /// A CREATE TABLE statement
    #[command(after_help = SOURCE_HELP)]
    Ddl(Generation),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generation {
    /// A table, a file or a folder; `-` is the standard input
    #[arg(value_name = "SOURCE", required_unless_present = "table")]
    pub(crate) source: Option<String>,
    /// The table to fetch, or with a file, the full name of the table in it
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The file to write; the standard output unless given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The folder to write into
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// The name of the message; the table's own name unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) proto_msg: Option<String>,
    /// Leave out columns that cannot be sent, where they may be NULL
    #[arg(long)]
    pub(crate) omit_refused: bool,
    /// Take map keys of types (DATE, TIMESTAMP, DECIMAL) that the service may refuse
    #[arg(long)]
    pub(crate) allow_unproven_map_keys: bool,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Show {
    /// A table, a file or a folder; `-` is the standard input
    #[arg(value_name = "SOURCE")]
    pub(crate) source: String,
    #[arg(long, value_enum, default_value_t = Format::Human)]
    /// For reading, or for other programs
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Types {
    #[arg(long, value_enum, default_value_t = Format::Human)]
    /// For reading, or for other programs
    pub(crate) format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Human,
    Json,
}

/// Where a table is fetched from, where the environment does not say.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Workspace")]
pub(crate) struct Connection {
    /// The workspace's URL (otherwise DATABRICKS_HOST)
    #[arg(long, visible_alias = "uc-endpoint", value_name = "URL")]
    pub(crate) workspace_url: Option<String>,
    /// The profile of ~/.databrickscfg to use (otherwise DATABRICKS_CONFIG_PROFILE, then DEFAULT)
    #[arg(long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The OAuth client id (otherwise DATABRICKS_CLIENT_ID)
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The OAuth client secret; DATABRICKS_CLIENT_SECRET keeps it from other users of this machine
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    pub(crate) client_secret: Option<Secret>,
    /// Allow plain http to another machine
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
}

/// Any text is a secret.
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::from(text))
}
