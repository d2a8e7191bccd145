use std::path::PathBuf;

const HELP: &str = "\
Streams typed records into a Delta table on this machine and reads them back.

Usage: quickstart [--records N] [--data DIR]

  --records N   how many records to send (default 100000)
  --data DIR    where the tables lie (default: a new temporary folder)
";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) records: u64,
    pub(crate) data: PathBuf,
}

/// What the command line asks for; `None` after printing the help.
pub(crate) fn parse() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::{Long, Short, ValueExt};

    let mut records = 100_000;
    let mut data = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("records") => records = parser.value()?.parse()?,
            Long("data") => data = Some(PathBuf::from(parser.value()?)),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    let temporary =
        || std::env::temp_dir().join(format!("zerobus-quickstart-{}", std::process::id()));
    Ok(Some(Options {
        records,
        data: data.unwrap_or_else(temporary),
    }))
}
