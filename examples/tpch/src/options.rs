use std::path::PathBuf;

const HELP: &str = "\
Streams LINEITEM of TPC-H into a Delta table and compares its sums with what was sent.

Usage: tpch [--scale F] [--data DIR] [--url URL]

  --scale F    the scale factor: 1 is 6,001,215 rows (default 0.01)
  --data DIR   where the tables lie (default: a new temporary folder)
  --url URL    a local server that already runs, with --data naming its folder
               (default: a server inside this process)
";

#[derive(Debug)]
pub(crate) struct Options {
    pub(crate) scale: f64,
    pub(crate) data: PathBuf,
    pub(crate) url: Option<String>,
}

/// What the command line asks for; `None` after printing the help.
pub(crate) fn parse() -> Result<Option<Options>, lexopt::Error> {
    use lexopt::prelude::{Long, Short, ValueExt};

    let mut scale = 0.01;
    let mut data = None;
    let mut url = None;
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("scale") => scale = parser.value()?.parse()?,
            Long("data") => data = Some(PathBuf::from(parser.value()?)),
            Long("url") => url = Some(parser.value()?.string()?),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    // Beyond a scale of 100,000 the keys no longer fit the generator.
    if !(0.0..=100_000.0).contains(&scale) {
        return Err("--scale is a number from 0 to 100000".into());
    }
    if url.is_some() && data.is_none() {
        return Err(
            "with --url, name the server's folder with --data: the table is read back from it"
                .into(),
        );
    }
    let temporary = || std::env::temp_dir().join(format!("zerobus-tpch-{}", std::process::id()));
    Ok(Some(Options {
        scale,
        data: data.unwrap_or_else(temporary),
        url,
    }))
}
