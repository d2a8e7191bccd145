//! Structs, arrays and maps in each other: written through a stream, read back and compared value by value.

mod compare;
mod record;
mod rows;
mod samples;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use serde_json::Value;
use zerobus_client::{Client, TableName, ZerobusRecord as _};
use zerobus_local::LocalZerobus;

use compare::Comparison;
use record::Parcel;
use samples::SAMPLES;

type Error = Box<dyn std::error::Error>;

/// The row that is printed: small, with something missing on each level.
const SHOWN: usize = 2;

const HELP: &str = "\
Writes rows with structs, arrays and maps in each other and compares what is read back.

Usage: nested-types [--records N] [--data DIR]

  --records N   how many records to send (default 1000)
  --data DIR    where the tables lie, a folder without them (default: a new temporary one)
";

#[tokio::main]
async fn main() -> ExitCode {
    let (records, data) = match options() {
        Ok(Some(options)) => options,
        Ok(None) => return ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nested-types: {error}");
            return ExitCode::from(2);
        }
    };
    match run(records, &data).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("nested-types: {error}");
            ExitCode::FAILURE
        }
    }
}

fn options() -> Result<Option<(usize, PathBuf)>, lexopt::Error> {
    use lexopt::prelude::{Long, Short, ValueExt};

    let mut records = 1000;
    let mut data =
        std::env::temp_dir().join(format!("zerobus-nested-types-{}", std::process::id()));
    let mut parser = lexopt::Parser::from_env();
    while let Some(argument) = parser.next()? {
        match argument {
            Long("records") => records = parser.value()?.parse()?,
            Long("data") => data = parser.value()?.into(),
            Long("help") | Short('h') => {
                print!("{HELP}");
                return Ok(None);
            }
            other => return Err(other.unexpected()),
        }
    }
    Ok(Some((records, data)))
}

/// Sends the samples over and over and compares each row with what was sent; an error when one differs.
async fn run(records: usize, data: &Path) -> Result<(), Error> {
    let server = LocalZerobus::builder()
        .data(data)
        .seed_sql(include_str!("../parcels.sql"))
        .start()
        .await?;
    let table = server.table_dir(&TableName::parse(Parcel::TABLE)?);
    if !read_back(&table)?.is_empty() {
        return Err(format!("{} has rows already; name another folder", table.display()).into());
    }
    let expected = stream(&server.url(), records).await?;
    server.shutdown().await;

    // In the order of the log, rows come as they were sent.
    let found = read_back(&table)?;
    println!(
        "{:<34} {:>8} {:>8} {:>8}",
        "parcels", "rows", "values", "differ"
    );
    let mut differences = Vec::new();
    for (at, (kind, _)) in SAMPLES.iter().enumerate() {
        let rows = expected.iter().zip(&found).skip(at).step_by(SAMPLES.len());
        let mut comparison = Comparison::default();
        for (expected, found) in rows.clone() {
            comparison.add(
                &format!("id {}", expected["id"]),
                Some(expected),
                Some(found),
            );
        }
        println!(
            "{kind:<34} {:>8} {:>8} {:>8}",
            rows.len(),
            comparison.values,
            comparison.differences.len()
        );
        differences.extend(comparison.differences);
    }
    if let Some(row) = found.get(SHOWN) {
        println!("\none of them, as it is in the table, NULLs left out:\n{row:#}");
    }
    println!("\nsent         {}", expected.len());
    println!("read back    {}", found.len());
    println!("table        {}", table.display());
    if expected.len() != found.len() || !differences.is_empty() {
        for difference in differences.iter().take(20) {
            eprintln!("{difference}");
        }
        return Err("what was read back is not what was sent".into());
    }
    Ok(())
}

/// Streams this many parcels, kind after kind, and returns the rows that are to be read back.
async fn stream(url: &str, records: usize) -> Result<Vec<Value>, Error> {
    // Any id and secret do on the local server.
    let client = Client::builder()
        .endpoint(url)
        .workspace_url(url)
        .oauth("nested-types", "local")
        .build()?;
    let mut stream = client.stream::<Parcel<'_>>().open().await?;
    let mut rows = Vec::new();
    for ((_, sample), id) in SAMPLES.iter().cycle().zip(0..).take(records) {
        let (parcel, row) = sample(id);
        stream.ingest_record(&parcel).await?;
        rows.push(row);
    }
    stream.flush().await?;
    stream.close().await?;
    Ok(rows)
}

fn read_back(table: &Path) -> Result<Vec<Value>, Error> {
    let mut rows = Vec::new();
    for batch in read_delta::rows(table)? {
        rows.extend(rows::rows(batch?)?);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_read_back_is_what_was_sent() {
        let data = tempfile::tempdir().unwrap();
        run(SAMPLES.len() * 20, data.path()).await.unwrap();
    }
}
