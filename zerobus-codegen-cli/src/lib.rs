//! The command line `zerobus`.
//!
//! Data goes to the standard output, everything else to the standard error. The exit status says what happened, see
//! [`Exit`]; it is a contract, as is what `--format json` prints.

mod args;
mod command;
mod exit;
mod git;
mod help;
mod input;
mod json;
mod output;
mod outputs;
mod project;
mod proto_file;
mod report;
mod rust_settings;

use std::ffi::OsString;

use clap::Parser as _;

use args::{Args, Command};
pub use exit::Exit;

/// Runs the command with these arguments, the program's name first.
pub fn run(args: impl IntoIterator<Item = impl Into<OsString> + Clone>) -> Exit {
    let args = match Args::try_parse_from(args) {
        Ok(args) => args,
        Err(error) => {
            // Help and version come this way too, and go to the standard output.
            let status = if error.use_stderr() {
                Exit::Usage
            } else {
                Exit::Fine
            };
            return match error.print() {
                Ok(()) => status,
                Err(_) => Exit::Failed,
            };
        }
    };
    let result = match &args.command {
        Command::Pull(pull) => command::pull(pull),
        Command::Generate(generate) => command::generate(generate),
        Command::Show(show) => command::show(show),
        Command::Types(types) => command::types(types),
        Command::Check(check) => command::check(check),
        Command::Diff(diff) => command::diff(diff),
        Command::Explain(explain) => command::explain(explain),
        Command::Replay(replay) => command::replay(replay),
        Command::Doctor(doctor) => command::doctor(doctor),
        Command::Init(init) => command::init(init),
        Command::Completions(completions) => command::completions(completions),
    };
    result.unwrap_or_else(|failure| failure.report())
}
