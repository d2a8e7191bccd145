//! `read-delta DIR [ROWS]`: prints the version, the count and the first rows of a Delta table.

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let Some(table) = arguments.next().map(PathBuf::from) else {
        eprintln!("usage: read-delta DIR [ROWS]");
        return ExitCode::from(2);
    };
    let limit = arguments
        .next()
        .and_then(|text| text.to_str()?.parse().ok())
        .unwrap_or(10);
    match print(&table, limit) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("read-delta: {error}");
            ExitCode::from(3)
        }
    }
}

fn print(table: &std::path::Path, limit: usize) -> Result<(), Box<dyn std::error::Error>> {
    let log = read_delta::DeltaLog::read(table)?;
    let mut count = 0;
    let mut first = Vec::new();
    for batch in read_delta::rows(table)? {
        let batch = batch?;
        if count < limit {
            first.push(batch.clone());
        }
        count += batch.num_rows();
    }
    println!(
        "version {}, {} files, {count} rows",
        log.version,
        log.files.len()
    );
    println!("{}", read_delta::render(&first, limit)?);
    Ok(())
}
