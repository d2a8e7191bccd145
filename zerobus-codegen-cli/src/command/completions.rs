use clap::CommandFactory as _;

use crate::args::{Args, Completions};
use crate::exit::{Exit, Failure};
use crate::output;

/// Prints what a shell reads to complete commands and options.
pub(crate) fn completions(args: &Completions) -> Result<Exit, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Args::command(), "zerobus", &mut script);
    output::data(&script)?;
    Ok(Exit::Fine)
}
