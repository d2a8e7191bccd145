//! What the fuzz targets share: a plain program around each of them, and what must hold of whatever was read.

use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs};

use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{Fingerprint, TableSchema, ddl, delta, diff};

/// `TARGET [--rounds N] [PATH…]`: gives the target each file named, those of folders too, or the standard input; and N
/// inputs made of each by small changes, the same ones in every run.
pub fn main(target: fn(&[u8])) -> ExitCode {
    let mut paths = Vec::new();
    let mut rounds = 0;
    let mut arguments = env::args_os().skip(1);
    while let Some(argument) = arguments.next() {
        if argument != "--rounds" {
            paths.push(PathBuf::from(argument));
            continue;
        }
        let number = arguments
            .next()
            .and_then(|text| text.to_str()?.parse().ok());
        let Some(number) = number else {
            eprintln!("--rounds takes a number");
            return ExitCode::from(2);
        };
        rounds = number;
    }
    match run(&paths, rounds, target) {
        Ok(count) => {
            println!("{count} inputs, no failure");
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::from(3)
        }
    }
}

fn run(paths: &[PathBuf], rounds: u32, target: fn(&[u8])) -> io::Result<usize> {
    let mut inputs = Vec::new();
    if paths.is_empty() {
        let mut input = Vec::new();
        io::stdin().read_to_end(&mut input)?;
        inputs.push(input);
    }
    for path in paths {
        gather(path, &mut inputs)?;
    }
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let mut count = 0;
    for input in &inputs {
        target(input);
        let mut changed = input.clone();
        for round in 0..rounds {
            // Changes add up, but not until nothing of the input is left.
            if round % 8 == 0 {
                changed.clone_from(input);
            }
            change(&mut changed, &inputs, &mut random);
            target(&changed);
        }
        count += 1 + usize::try_from(rounds).unwrap_or(usize::MAX);
    }
    Ok(count)
}

fn gather(path: &Path, inputs: &mut Vec<Vec<u8>>) -> io::Result<()> {
    if !path.is_dir() {
        inputs.push(fs::read(path)?);
        return Ok(());
    }
    let mut paths = Vec::new();
    for entry in fs::read_dir(path)? {
        paths.push(entry?.path());
    }
    paths.sort();
    paths.iter().try_for_each(|path| gather(path, inputs))
}

/// One small change: a byte, a piece taken out, said twice or taken from another input.
fn change(input: &mut Vec<u8>, inputs: &[Vec<u8>], random: &mut Random) {
    const PIECES: [&str; 24] = [
        "(",
        ")",
        "<",
        ">",
        ",",
        ":",
        "`",
        "'",
        "\"",
        "/*",
        "*/",
        "--",
        "{",
        "}",
        "[",
        "]",
        "\\",
        "\n",
        "0",
        "null",
        "NOT NULL",
        "ARRAY<",
        "STRUCT<",
        "\u{10ffff}",
    ];
    let from = random.below(input.len() + 1);
    let to = from + random.below((input.len() - from).min(64) + 1);
    let piece = input[from..to].to_vec();
    match random.below(5) {
        0 => drop(input.drain(from..to)),
        1 => insert(input, from, &piece),
        2 => insert(input, from, PIECES[random.below(PIECES.len())].as_bytes()),
        3 => {
            let other = &inputs[random.below(inputs.len())];
            let start = random.below(other.len() + 1);
            let end = start + random.below((other.len() - start).min(64) + 1);
            insert(input, from, &other[start..end]);
        }
        _ => {
            if let Some(byte) = input.get_mut(from) {
                *byte ^= 1 << random.below(7);
            }
        }
    }
}

fn insert(input: &mut Vec<u8>, at: usize, piece: &[u8]) {
    input.splice(at..at, piece.iter().copied());
}

/// Marsaglia's xorshift: enough to be different, and the same in every run.
struct Random(u64);

impl Random {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap_or(0) % bound
    }
}

/// What must hold of every table that was read, whatever it was read from.
pub fn check(table: &TableSchema) {
    let fingerprint = Fingerprint::of(table);
    let written = delta::schema_to_json(&table.columns);
    // Field numbers are the snapshot's, not Delta's.
    let read = delta::schema_from_json(&written).map(|columns| delta::schema_to_json(&columns));
    assert_eq!(read.as_ref(), Ok(&written));

    let mut options = MappingOptions::default();
    options.skip_unsupported = true;
    let message = mapping::map(table, &options).message;
    assert!(!message.descriptor().is_empty());
    assert!(message.to_proto().starts_with("syntax"));

    assert_eq!(diff::diff(table, table).findings, []);
    assert_eq!(Fingerprint::of(table), fingerprint);
    let _ = ddl::create_table(table);
}

/// The input as text, where it is text.
pub fn text(data: &[u8]) -> Option<&str> {
    std::str::from_utf8(data).ok()
}
