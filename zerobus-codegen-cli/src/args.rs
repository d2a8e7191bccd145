use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use zerobus_catalog::Secret;

use crate::help;

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
    #[command(after_help = help::PULL_HELP)]
    Pull(Pull),
    /// Generate code or schema text from tables
    #[command(after_help = help::GENERATE_HELP)]
    Generate(Box<Generate>),
    /// Show what a table asks of a record, and what cannot be sent
    #[command(after_help = help::SHOW_HELP)]
    Show(Show),
    /// Print which Delta type is which proto2 and Rust type
    #[command(after_help = help::TYPES_HELP)]
    Types(Types),
    /// Say what has changed between two schemas, and whether producers of the old one may go on
    #[command(after_help = help::DIFF_HELP)]
    Diff(Diff),
    /// Say whether snapshots, live tables, outputs and code have drifted apart
    #[command(after_help = help::CHECK_HELP)]
    Check(Check),
    /// Explain a rule of `diff` and `check`
    #[command(after_help = help::EXPLAIN_HELP)]
    Explain(Explain),
    /// Send the records that the spool of a stream has kept over a crash
    #[command(after_help = help::REPLAY_HELP)]
    Replay(Replay),
    /// Print the configuration and where it comes from, and try it out
    #[command(after_help = help::DOCTOR_HELP)]
    Doctor(Doctor),
    /// Write a zerobus.toml to start from
    #[command(after_help = help::INIT_HELP)]
    Init(Init),
    /// Print a script that completes commands and options in a shell
    #[command(after_help = help::COMPLETIONS_HELP)]
    Completions(Completions),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Pull {
    /// Tables, files or folders; `-` is the standard input; the tables of zerobus.toml unless given
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
    /// The folder of snapshots; `schemas` unless zerobus.toml names another
    #[arg(long, value_name = "DIR")]
    pub(crate) schemas: Option<PathBuf>,
    /// The table's full name, where a file does not give it
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The environment of zerobus.toml whose tables are fetched
    #[arg(long, value_name = "NAME", conflicts_with = "sources")]
    pub(crate) env: Option<String>,
    /// The configuration; the nearest zerobus.toml upwards from here unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(crate) struct Generate {
    #[command(subcommand)]
    pub(crate) what: Option<What>,
    #[command(flatten)]
    pub(crate) listed: Listed,
}

/// What concerns outputs, whether they are named here or in `zerobus.toml`.
#[derive(Debug, clap::Args)]
pub(crate) struct Listed {
    /// Write nothing; say which files on disk are not current (exit status 1 if any)
    #[arg(long)]
    pub(crate) check: bool,
    /// The configuration that lists outputs; the nearest zerobus.toml upwards from here unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    /// The folder of snapshots that listed outputs are generated from
    #[arg(long, value_name = "DIR")]
    pub(crate) schemas: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum What {
    /// A proto2 message
    #[command(after_help = help::PROTO_HELP)]
    Proto(Generation),
    /// Rust structs that derive `ZerobusRecord`
    #[command(after_help = help::RUST_HELP)]
    Rust(Box<RustGeneration>),
    /// The serialized descriptor that a stream sends (binary)
    #[command(after_help = help::DESCRIPTOR_HELP)]
    Descriptor(Generation),
    /// A CREATE TABLE statement
    #[command(after_help = help::DDL_HELP)]
    Ddl(Generation),
}

#[derive(Debug, clap::Args)]
pub(crate) struct Replay {
    /// The folder of the spool; with lanes, the one that theirs are in
    #[arg(value_name = "DIR")]
    pub(crate) folder: PathBuf,
    /// Send nothing; say what is there
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// The Zerobus endpoint (otherwise ZEROBUS_SERVER_ENDPOINT)
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// How to print
    #[arg(long, value_name = "FORMAT", default_value_t = Format::Human, value_enum)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Generation {
    /// Tables, files or folders; `-` is the standard input; without any, the outputs of zerobus.toml
    #[arg(value_name = "SOURCE")]
    pub(crate) sources: Vec<String>,
    /// The table to fetch, or with a file, the full name of the table in it
    #[arg(long, value_name = "NAME")]
    pub(crate) table: Option<String>,
    /// The file to write; the standard output unless given
    #[arg(short, long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
    /// The folder to write into, a file for each table
    #[arg(long, value_name = "DIR")]
    pub(crate) output_dir: Option<PathBuf>,
    /// The name of the message; the table's own name unless given
    #[arg(long, value_name = "NAME")]
    pub(crate) proto_msg: Option<String>,
    /// The package of the message, in a .proto file or a file set
    #[arg(long, value_name = "NAME")]
    pub(crate) package: Option<String>,
    /// For a descriptor: a FileDescriptorSet for other tools, instead of the message that a stream sends
    #[arg(long)]
    pub(crate) file_set: bool,
    /// Leave out columns that cannot be sent, where they may be NULL
    #[arg(long)]
    pub(crate) skip_unsupported: bool,
    /// Take map keys of types (DATE, TIMESTAMP, DECIMAL) that the service may refuse
    #[arg(long)]
    pub(crate) allow_unproven_map_keys: bool,
    #[command(flatten)]
    pub(crate) listed: Listed,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

impl Generation {
    /// Whether no source is named, so that it is about the outputs of `zerobus.toml`.
    pub(crate) fn is_listed(&self) -> bool {
        self.sources.is_empty() && self.table.is_none()
    }
}

#[derive(Debug, clap::Args)]
pub(crate) struct RustGeneration {
    #[command(flatten)]
    pub(crate) generation: Generation,
    #[command(flatten)]
    pub(crate) settings: RustSettings,
}

/// How records are generated.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Rust")]
pub(crate) struct RustSettings {
    /// The crate that records come from: zerobus_client (unless given) or zerobus_record
    #[arg(long, value_name = "CRATE")]
    pub(crate) record_crate: Option<String>,
    /// What records derive besides (Debug,Clone,PartialEq unless given)
    #[arg(long, value_name = "DERIVE", value_delimiter = ',')]
    pub(crate) derives: Vec<String>,
    /// Structs that derive `ZerobusRecord`, or messages of prost: record (unless given), prost
    #[arg(long, value_name = "STYLE")]
    pub(crate) style: Option<String>,
    /// What DATE and TIMESTAMP are: zerobus (unless given), jiff, chrono, time
    #[arg(long, value_name = "TYPES")]
    pub(crate) date_time: Option<String>,
    /// What DECIMAL is: text (unless given), rust_decimal, bigdecimal, string
    #[arg(long, value_name = "TYPES")]
    pub(crate) decimal: Option<String>,
    /// What MAP is: btree_map (unless given), hash_map
    #[arg(long, value_name = "TYPES")]
    pub(crate) map: Option<String>,
    /// What STRING is: string (unless given), borrowed, cow, box, arc
    #[arg(long, value_name = "TYPES")]
    pub(crate) string: Option<String>,
    /// What VARIANT is: text (unless given), value
    #[arg(long, value_name = "TYPES")]
    pub(crate) variant: Option<String>,
    /// How records are made besides naming every field: none (unless given), new, builder
    #[arg(long, value_name = "HOW")]
    pub(crate) construct: Option<String>,
    /// Leave a nullable column out: `note`, `t.location.label` or `.main.default.t.note`
    #[arg(long, value_name = "COLUMN")]
    pub(crate) skip: Vec<String>,
    /// Put an attribute before structs: `.=#[must_use]` for all, `t.location=#[derive(Default)]` for one
    #[arg(long = "type-attribute", value_name = "PATH=#[ATTRIBUTE]")]
    pub(crate) type_attributes: Vec<String>,
    /// Put an attribute before fields: `t.id=#[serde(rename = "key")]`
    #[arg(long = "field-attribute", value_name = "PATH=#[ATTRIBUTE]")]
    pub(crate) field_attributes: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Check {
    /// Tables; all that have a snapshot or stand in zerobus.toml unless given
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// Use no network: hold outputs and code to the snapshots
    #[arg(long, conflicts_with_all = ["against", "env"])]
    pub(crate) locked: bool,
    /// Compare with the snapshots of a revision instead of the live tables
    #[arg(long, value_name = "git:REV", conflicts_with = "env")]
    pub(crate) against: Option<String>,
    /// The environment of zerobus.toml whose tables are compared with
    #[arg(long, value_name = "NAME")]
    pub(crate) env: Option<String>,
    /// The folder of snapshots; `schemas` unless zerobus.toml names another
    #[arg(long, value_name = "DIR")]
    pub(crate) schemas: Option<PathBuf>,
    /// The configuration; the nearest zerobus.toml upwards from here unless given
    #[arg(long, value_name = "FILE")]
    pub(crate) config: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) report: Reporting,
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

#[derive(Debug, clap::Args)]
pub(crate) struct Diff {
    /// What producers are compiled against
    #[arg(value_name = "OLD")]
    pub(crate) old: String,
    /// What they write to
    #[arg(value_name = "NEW")]
    pub(crate) new: String,
    #[command(flatten)]
    pub(crate) report: Reporting,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

/// How findings are printed, and when they make the command fail.
#[derive(Debug, clap::Args)]
pub(crate) struct Reporting {
    /// For reading, for programs, or for a CI system
    #[arg(long, value_enum, default_value_t = ReportFormat::Human)]
    pub(crate) format: ReportFormat,
    /// Which findings make the exit status 1
    #[arg(long, value_enum, default_value_t = FailOn::Breaking)]
    pub(crate) fail_on: FailOn,
    /// Files or folders of Rust whose records are pointed at besides
    #[arg(long, value_name = "PATH")]
    pub(crate) code: Vec<PathBuf>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Explain {
    /// Rules; all of them in short unless given
    #[arg(value_name = "ID")]
    pub(crate) rules: Vec<String>,
    /// For reading, or for other programs
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Doctor {
    /// Tables to look at
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
    /// The address of Zerobus (otherwise ZEROBUS_SERVER_ENDPOINT)
    #[arg(long, value_name = "URL")]
    pub(crate) endpoint: Option<String>,
    /// For reading, or for other programs
    #[arg(long, value_enum, default_value_t = Format::Human)]
    pub(crate) format: Format,
    #[command(flatten)]
    pub(crate) connection: Connection,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Init {
    /// The tables to list
    #[arg(value_name = "TABLE")]
    pub(crate) tables: Vec<String>,
}

#[derive(Debug, clap::Args)]
pub(crate) struct Completions {
    /// The shell
    #[arg(value_name = "SHELL", value_enum)]
    pub(crate) shell: clap_complete::Shell,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    Human,
    Json,
    Github,
    Junit,
    Sarif,
    Gitlab,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum FailOn {
    Breaking,
    Any,
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
    #[arg(short, long, value_name = "NAME")]
    pub(crate) profile: Option<String>,
    /// The OAuth client id (otherwise DATABRICKS_CLIENT_ID)
    #[arg(long, value_name = "ID")]
    pub(crate) client_id: Option<String>,
    /// The OAuth client secret; DATABRICKS_CLIENT_SECRET keeps it from other users of this machine
    #[arg(long, value_name = "SECRET", value_parser = secret)]
    pub(crate) client_secret: Option<Secret>,
    /// A file that holds a personal access token (otherwise ZEROBUS_TOKEN_FILE)
    #[arg(long, value_name = "FILE")]
    pub(crate) token_file: Option<PathBuf>,
    /// A command that prints a personal access token (otherwise ZEROBUS_TOKEN_COMMAND)
    #[arg(long, value_name = "COMMAND")]
    pub(crate) token_command: Option<String>,
    /// Send no credentials, to a Unity Catalog server that asks for none (otherwise ZEROBUS_AUTH=none)
    #[arg(long)]
    pub(crate) no_auth: bool,
    /// Allow plain http to another machine
    #[arg(long)]
    pub(crate) allow_plaintext: bool,
    /// Give a call up after so many seconds, all attempts together
    #[arg(
        long,
        value_name = "SECONDS",
        default_value_t = 15,
        hide_default_value = false
    )]
    pub(crate) time_limit: u64,
}

/// Any text is a secret.
fn secret(text: &str) -> Result<Secret, std::convert::Infallible> {
    Ok(Secret::from(text))
}
