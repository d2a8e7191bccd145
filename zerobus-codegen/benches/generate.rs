//! What `zerobus generate proto` does, from the text of a table to that of its message: a table of 2,000 columns, and 200
//! tables of 50. `cargo bench -p zerobus-codegen`.

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use zerobus_codegen::{MappingOptions, Source, proto};

const ROUNDS: usize = 20;

const TYPES: [&str; 10] = [
    "STRING NOT NULL",
    "BIGINT",
    "TIMESTAMP",
    "DECIMAL(18,4)",
    "ARRAY<STRING>",
    "MAP<STRING, BIGINT>",
    "STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, label: STRING>",
    "VARIANT",
    "ARRAY<STRUCT<name: STRING, at: TIMESTAMP>>",
    "DATE COMMENT 'the day it was measured'",
];

fn table(number: usize, columns: usize) -> String {
    let mut ddl = format!("CREATE TABLE main.bench.t{number} (\n");
    for (column, data_type) in (0..columns).zip(TYPES.iter().cycle()) {
        let comma = if column == 0 { "" } else { ",\n" };
        let _ = write!(ddl, "{comma}  column_{column} {data_type}");
    }
    ddl.push_str("\n)");
    ddl
}

/// The text of every message, which is what the command writes.
fn generate(texts: &[String]) -> Result<usize, Box<dyn std::error::Error>> {
    let mut bytes = 0;
    for text in texts {
        let source = Source::read(black_box(text), "bench.sql")?;
        bytes += proto(source.table()?, &MappingOptions::default())?.len();
    }
    Ok(bytes)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let wide = [table(0, 2_000)];
    let many: Vec<String> = (0..200).map(|number| table(number, 50)).collect();
    for (name, texts) in [
        ("1 table of 2,000 columns", &wide[..]),
        ("200 tables of 50 columns", &many),
    ] {
        let mut rounds = Vec::new();
        let mut bytes = 0;
        for _ in 0..ROUNDS {
            let start = Instant::now();
            bytes = generate(texts)?;
            rounds.push(start.elapsed());
        }
        rounds.sort();
        let median = rounds.get(ROUNDS / 2).copied().unwrap_or(Duration::ZERO);
        println!(
            "{name}: {:.1} ms, {bytes} bytes of .proto",
            median.as_secs_f64() * 1e3
        );
    }
    Ok(())
}
