//! What a record costs the client of the toolkit, the official SDK, and the transport alone, side by side.
//!
//! `client [--rounds N] [--seconds S] [--out DIR]` measures everything and writes `client.md` and `client.svg`;
//! `client one CASE` measures one case, given as JSON, and prints what it found.

mod case;
mod discard;
mod floor;
mod ours;
mod plot;
mod process;
mod report;
mod run;
#[cfg(feature = "sdk")]
mod sdk;
mod suite;

use std::path::{Path, PathBuf};

use suite::Suite;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["serve", acks, framed] => process::serve(acks, framed),
        ["run", case, url, sides] => process::send(case, url, sides),
        ["one", case] => {
            let case = serde_json::from_str(case).expect("a case as JSON");
            println!("{:#?}", process::measure(&case));
        }
        flags => measure_all(flags),
    }
}

fn measure_all(flags: &[&str]) {
    let (mut rounds, mut seconds, mut out) = (5, 1.0, PathBuf::from("results"));
    for flag in flags.chunks(2) {
        match flag {
            ["--rounds", count] => rounds = count.parse().expect("a number of rounds"),
            ["--seconds", time] => seconds = time.parse().expect("a number of seconds"),
            ["--out", folder] => out = PathBuf::from(folder),
            _ => {
                eprintln!("usage: client [--rounds N] [--seconds S] [--out DIR]");
                std::process::exit(2);
            }
        }
    }
    let suite = Suite::run(rounds, seconds);
    write(&out.join("client.md"), &report::markdown(&suite));
    write(&out.join("client.svg"), &plot::svg(&suite));
    print!("{}", report::markdown(&suite));
}

fn write(path: &Path, text: &str) {
    if let Err(error) = std::fs::write(path, text) {
        eprintln!("{}: {error}", path.display());
        std::process::exit(1);
    }
}
