//! The figures as Markdown.

use std::fmt::Write as _;

use zerobus_benches::machine;
use zerobus_benches::measure::Outcome;

use crate::case::{Acks, Call, Case, Load, Writer};
use crate::suite::{SIZES, Suite};

const LOCK: &str = include_str!("../../../Cargo.lock");

/// The version of the official SDK that was built against.
pub fn sdk_version() -> &'static str {
    let package = LOCK
        .split("name = \"databricks-zerobus-ingest-sdk\"")
        .nth(1);
    let version = package.and_then(|package| package.split('"').nth(1));
    version.unwrap_or("unknown")
}

pub fn markdown(suite: &Suite) -> String {
    let mut out = String::new();
    let sdk = sdk_version();
    out.push_str(&format!(
        "<!-- Written by benches/client. -->\n\
         # `zerobus-client` beside the official SDK {sdk}\n\n\
         Each measurement is a sender and a discarding server, each a process pinned to a core of its own, the sender on tokio's\n\
         default runtime. *Floor* is a plain tonic stream with batches of 64 KiB that were encoded before: what the transport alone\n\
         takes. Medians of {} rounds of {} s; records/s as the wall clock has them, *CPU* the sender's CPU seconds for a million\n\
         records, *memory* the most that it had beside what it started with.\n\n\
         {}. `benches/client` takes the figures again.\n",
        suite.rounds,
        suite.seconds,
        machine::description(),
    ));
    if suite.disturbed > 0 {
        let _ = writeln!(
            out,
            "\nOther processes took more than 5 % of a core in every round of {} measurements.",
            suite.disturbed
        );
    }
    for (title, call) in [
        ("One call for each record", Call::Single),
        ("One call for 100 records", Call::Batch(100)),
        ("One call for 1,000 records", Call::Batch(1_000)),
    ] {
        by_size(&mut out, suite, title, call);
    }
    other_calls(&mut out, suite);
    latency(&mut out, suite);
    memory(&mut out, suite);
    out
}

fn by_size(out: &mut String, suite: &Suite, title: &str, call: Call) {
    let _ = write!(
        out,
        "\n## {title}\n\n\
         | record | records/s | MB/s | CPU | memory | SDK: records/s | MB/s | CPU | memory | records/s, times the SDK's | floor: MB/s | CPU |\n\
         |---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|---:|\n"
    );
    for bytes in SIZES {
        let of = |writer, call| suite.of(&Case::full(writer, call, bytes, suite.seconds));
        let (ours, sdk) = (of(Writer::Ours, call), of(Writer::Sdk, call));
        let floor = of(Writer::Floor, Call::Single);
        let rate = |it: &Outcome| rate(it.records_per_second());
        let megabytes =
            |it: &Outcome| format!("{:.0}", it.records_per_second() * bytes as f64 / 1e6);
        let cpu = |it: &Outcome| format!("{:.3}", it.cpu_per_million());
        let peak = |it: &Outcome| format!("{:.0} MB", it.peak_bytes as f64 / 1e6);
        let times = ours.zip(sdk).map(|(ours, sdk)| {
            format!(
                "{:.1}",
                ours.records_per_second() / sdk.records_per_second()
            )
        });
        row(
            out,
            &[
                Some(format!("{bytes} B")),
                ours.map(rate),
                ours.map(megabytes),
                ours.map(cpu),
                ours.map(peak),
                sdk.map(rate),
                sdk.map(megabytes),
                sdk.map(cpu),
                sdk.map(peak),
                times,
                floor.map(megabytes),
                floor.map(cpu),
            ],
        );
    }
}

fn other_calls(out: &mut String, suite: &Suite) {
    out.push_str(
        "\n## Other calls, records of 100 B\n\n\
         | | records/s | CPU | SDK: records/s | CPU | records/s, times the SDK's |\n|---|---:|---:|---:|---:|---:|\n",
    );
    let full = |writer, call| Case::full(writer, call, 100, suite.seconds);
    let lagging = |writer| Case {
        acks: Acks::Lagging,
        ..full(writer, Call::Single)
    };
    let cases = [
        (
            "one call for each record",
            [Writer::Ours, Writer::Sdk].map(|writer| full(writer, Call::Single)),
        ),
        (
            "the same, each ack 500,000 records late",
            [Writer::Ours, Writer::Sdk].map(lagging),
        ),
        (
            "JSON text",
            [Writer::Ours, Writer::Sdk].map(|writer| full(writer, Call::Json)),
        ),
        (
            "dynamic records, filled in by name",
            [Writer::Ours, Writer::Sdk].map(|writer| full(writer, Call::Dynamic)),
        ),
        (
            "each record acked before the next",
            [Writer::Ours, Writer::Sdk].map(|writer| full(writer, Call::Wait)),
        ),
    ];
    for (what, cases) in cases {
        let [ours, sdk] = cases.map(|case| suite.of(&case));
        let cpu = |it: &Outcome| format!("{:.3}", it.cpu_per_million());
        row(
            out,
            &[
                Some(what.to_owned()),
                ours.map(|it| rate(it.records_per_second())),
                ours.map(cpu),
                sdk.map(|it| rate(it.records_per_second())),
                sdk.map(cpu),
                ours.zip(sdk).map(|(ours, sdk)| {
                    format!(
                        "{:.1}",
                        ours.records_per_second() / sdk.records_per_second()
                    )
                }),
            ],
        );
    }
}

fn latency(out: &mut String, suite: &Suite) {
    out.push_str(
        "\n## From call to ack, records of 100 B\n\n\
         Each millisecond its share of the records. What the timer for that takes is not in the share of a core.\n\n\
         | | load | share of a core | p50 | p99 |\n|---|---|---:|---:|---:|\n",
    );
    let millis = |micros: f64| format!("{:.2} ms", micros / 1e3);
    for (case, outcome) in &suite.measured {
        let load = match case.load {
            Load::Rate { records, .. } => format!("{} records/s", rate(records)),
            Load::Full { .. } if case.call == Call::Wait => "one at a time".to_owned(),
            _ => continue,
        };
        row(
            out,
            &[
                Some(name(case.writer)),
                Some(load),
                Some(format!(
                    "{:.1} %",
                    100.0 * outcome.cpu_seconds / outcome.seconds
                )),
                outcome.p50.map(millis),
                outcome.p99.map(millis),
            ],
        );
    }
}

fn memory(out: &mut String, suite: &Suite) {
    out.push_str(
        "\n## A million records of 100 B that are not acked\n\n\
         | | memory | times the encoded records |\n|---|---:|---:|\n",
    );
    for (case, outcome) in &suite.measured {
        if let Load::Held { records } = case.load {
            let encoded = records as f64 * case.bytes as f64;
            row(
                out,
                &[
                    Some(name(case.writer)),
                    Some(format!("{:.0} MB", outcome.end_bytes as f64 / 1e6)),
                    Some(format!("{:.2}", outcome.end_bytes as f64 / encoded)),
                ],
            );
        }
    }
}

pub fn name(writer: Writer) -> String {
    match writer {
        Writer::Ours => "zerobus-client".to_owned(),
        Writer::Sdk => format!("SDK {}", sdk_version()),
        Writer::Floor => "floor".to_owned(),
    }
}

/// To three digits.
fn rate(records: f64) -> String {
    match records {
        0.0..1e4 => format!("{records:.0}"),
        1e4..1e6 => format!("{:.0} k", records / 1e3),
        _ => format!("{:.2} M", records / 1e6),
    }
}

fn row(out: &mut String, cells: &[Option<String>]) {
    let cells: Vec<&str> = cells
        .iter()
        .map(|cell| cell.as_deref().unwrap_or("–"))
        .collect();
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}
