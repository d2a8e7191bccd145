//! What the local server makes of records: acked when they are in a Delta table and on the disk.
//!
//! `local SERVER [--data DIR] [--seconds S] [--rounds N] [--out DIR]` measures the binary SERVER, a `zerobus-local`, on
//! tables in DIR, and writes `local.md`.

mod case;
mod run;
mod tables;

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use case::{Case, TABLES, table};
use serde_json::Value;
use tables::Stored;
use zerobus_benches::machine;
use zerobus_benches::measure::{Outcome, Sides};
use zerobus_benches::spawn::Pinned;

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    match args.as_slice() {
        ["run", case, seconds, url, sides] => send(case, seconds, url, sides),
        [server, flags @ ..] => measure_all(Path::new(server), flags),
        [] => usage(),
    }
}

fn usage() -> ! {
    eprintln!("usage: local SERVER [--data DIR] [--seconds S] [--rounds N] [--out DIR]");
    std::process::exit(2);
}

/// What the sender's process does.
fn send(case: &str, seconds: &str, url: &str, sides: &str) {
    let case: Case = serde_json::from_str(case).expect("a case");
    let seconds = seconds.parse().expect("a number");
    let sides = serde_json::from_str(sides).expect("the sides");
    let runtime = tokio::runtime::Runtime::new().expect("it is Linux");
    // What is sent from here on is counted on both sides, so it waits until the tables were looked at.
    let warm = || {
        println!("warm");
        let mut line = String::new();
        std::io::stdin().read_line(&mut line).expect("it is told");
    };
    let run = run::run(case, seconds, url, sides, warm);
    let outcome = runtime.block_on(run);
    println!("{}", serde_json::to_string(&outcome).expect("it is plain"));
}

/// What one measurement found, on both sides.
#[derive(Debug, Clone)]
struct Measured {
    outcome: Outcome,
    stored: Stored,
    server_peak: u64,
}

fn measure_all(server: &Path, flags: &[&str]) {
    let (mut seconds, mut rounds) = (5.0, 3);
    let (mut out, mut data) = (PathBuf::from("results"), std::env::temp_dir());
    for flag in flags.chunks(2) {
        match flag {
            ["--data", folder] => data = PathBuf::from(folder),
            ["--seconds", time] => seconds = time.parse().expect("a number of seconds"),
            ["--rounds", count] => rounds = count.parse().expect("a number of rounds"),
            ["--out", folder] => out = PathBuf::from(folder),
            _ => usage(),
        }
    }
    let data = data.join(format!("zerobus-bench-{}", std::process::id()));
    let cases = Case::all();
    let mut measured: Vec<Vec<Measured>> = vec![Vec::new(); cases.len()];
    for round in 0..rounds {
        for (case, measured) in cases.iter().zip(&mut measured) {
            let found = measure(server, &data, *case, seconds);
            let _ = fs::remove_dir_all(&data);
            eprintln!(
                "round {round}: {}: {:.0} records/s, p99 {:.2} ms",
                case.name(),
                found.outcome.records_per_second(),
                found.outcome.p99.unwrap_or(f64::NAN) / 1e3
            );
            measured.push(found);
        }
    }
    let report = report(&cases, &measured, seconds, rounds);
    print!("{report}");
    let path = out.join("local.md");
    if let Err(error) = fs::write(&path, report) {
        eprintln!("{}: {error}", path.display());
        std::process::exit(1);
    }
}

fn measure(server: &Path, data: &Path, case: Case, seconds: f64) -> Measured {
    let cores = machine::cores().expect("Linux tells");
    let [server_core, sender_core, ..] = cores[..] else {
        panic!("two cores are needed, one for each process");
    };
    fs::create_dir_all(data).expect("the folder can be made");
    let seed = data.join("seed.sql");
    fs::write(&seed, ddl()).expect("the folder can be written to");
    let mut command = Command::new(server);
    command.arg("--data").arg(data).arg("--seed").arg(&seed);
    command.args(["--listen", "127.0.0.1:0"]);
    let mut server =
        Pinned::start(&mut command, server_core, Stdio::null()).expect("the server starts");
    let ready = server.line().expect("it tells its address");
    let ready: Value = serde_json::from_str(&ready).expect("its ready line is JSON");
    let url = ready["url"]
        .as_str()
        .expect("the ready line has the address");

    let program = std::env::current_exe().expect("it runs");
    let sides = Sides {
        core: sender_core,
        server_core,
        server: server.id(),
    };
    let mut sender = Command::new(program);
    let text = serde_json::to_string(&case).expect("it is plain");
    sender.args([
        "run",
        &text,
        &seconds.to_string(),
        url,
        &serde_json::to_string(&sides).expect("it is plain"),
    ]);
    let mut sender = Pinned::start(&mut sender, sender_core, Stdio::inherit()).expect("it starts");

    assert_eq!(sender.line().expect("it starts"), "warm");
    let before = tables::stored(data).expect("the tables are there");
    sender.tell("go").expect("it waits");
    let outcome = sender.line().expect("it measures");
    let after = tables::stored(data).expect("the tables are there");

    let outcome: Outcome = serde_json::from_str(&outcome).expect("it is one");
    let rows = after.rows - before.rows;
    assert_eq!(
        rows, outcome.records,
        "{case:?}: acked, and not in the table"
    );
    Measured {
        outcome,
        stored: Stored {
            versions: after.versions - before.versions,
            files: after.files.saturating_sub(before.files),
            rows,
        },
        server_peak: machine::memory(Some(server.id())).expect("it runs").peak,
    }
}

/// The columns of `bench.encode.orders`, as many tables as are written to.
fn ddl() -> String {
    let all = include_str!("../../../schemas/bench.sql");
    let end = all.find(";").map_or(all.len(), |end| end + 1);
    (0..TABLES)
        .map(|at| all[..end].replace("bench.encode.orders", &table(at)))
        .collect()
}

fn report(cases: &[Case], measured: &[Vec<Measured>], seconds: f64, rounds: usize) -> String {
    let mut out = format!(
        "<!-- Written by benches/local. -->\n\
         # `zerobus-local`: records into Delta tables\n\n\
         Orders of 100 B in 8 columns, streamed by `zerobus-client`; a record is acked when it is in the table and on the disk. The\n\
         server and the client are a process each, pinned to a core of their own. Medians of {rounds} rounds of {seconds} s. *CPU* is\n\
         CPU seconds for a million records, times are from the call to the ack, *versions* and *files* those of a second, *memory*\n\
         the most that the server's process had. After each round the rows in the tables are as many as were acked.\n\n\
         {}. `benches/local` takes the figures again.\n\n\
         | records | records/s | CPU: client | server | p50 | p99 | versions | files | rows a version | memory |\n\
         |---|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n",
        machine::description(),
    );
    for (case, measured) in cases.iter().zip(measured) {
        let outcomes: Vec<Outcome> = measured.iter().map(|it| it.outcome.clone()).collect();
        let outcome = Outcome::median(&outcomes);
        let of = |figure: fn(&Measured) -> f64| {
            let mut figures: Vec<f64> = measured.iter().map(figure).collect();
            figures.sort_by(f64::total_cmp);
            figures[figures.len() / 2]
        };
        let millis = |micros: Option<f64>| format!("{:.1} ms", micros.unwrap_or(f64::NAN) / 1e3);
        let rate = outcome.records_per_second();
        let _ = writeln!(
            out,
            "| {} | {} | {:.3} | {:.3} | {} | {} | {:.0} | {:.0} | {:.0} | {:.0} MB |",
            case.name(),
            if rate >= 1e6 {
                format!("{:.2} M", rate / 1e6)
            } else {
                format!("{rate:.0}")
            },
            outcome.cpu_seconds,
            outcome.server_cpu_seconds,
            millis(outcome.p50),
            millis(outcome.p99),
            of(|it| it.stored.versions as f64 / it.outcome.seconds),
            of(|it| it.stored.files as f64 / it.outcome.seconds),
            of(|it| it.stored.rows as f64 / it.stored.versions.max(1) as f64),
            of(|it| it.server_peak as f64 / 1e6),
        );
    }
    out
}
