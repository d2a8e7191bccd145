//! How long a record takes to encode: the derive of the toolkit against prost's derive, serde_json and the official SDK's
//! dynamic records.
//!
//! `encode` prints times; `encode ROW WRITER N` encodes one row N times, for callgrind.

use std::hint::black_box;
use std::time::{Duration, Instant};

use prost::Message;
use serde::Serialize;
#[cfg(feature = "sdk")]
use zerobus_benches::dynamic;
use zerobus_benches::rows;
use zerobus_record::ZerobusRecord;

/// One way to encode one row; it says how many bytes it wrote.
struct Case {
    row: &'static str,
    writer: &'static str,
    encode: Box<dyn FnMut(u32) -> usize>,
}

fn main() {
    let mut cases = cases();
    let args: Vec<String> = std::env::args().skip(1).collect();
    match args.as_slice() {
        [] => print_times(&mut cases),
        [row, writer, count] => {
            let count = count.parse().expect("a number of times");
            let case = cases
                .iter_mut()
                .find(|case| case.row == row && case.writer == writer)
                .expect("a row and a writer of the table");
            (case.encode)(count);
        }
        _ => eprintln!("usage: encode [ROW WRITER N]"),
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    add::<_, rows::WireOrder>(&mut cases, "orders", rows::order());
    add::<_, rows::WireDocument>(&mut cases, "1 KB", rows::document());
    add::<_, rows::WireLineItem>(&mut cases, "lineitem", rows::line_item());
    add::<_, rows::WireTrip>(&mut cases, "nested", rows::trip());
    #[cfg(feature = "sdk")]
    {
        add_sdk(&mut cases, "orders", rows::order());
        add_sdk(&mut cases, "1 KB", rows::document());
        add_sdk(&mut cases, "lineitem", rows::line_item());
        add_sdk(&mut cases, "nested", rows::trip());
    }
    cases
}

/// The same row for each writer, into a buffer that is used again.
fn add<R, W>(cases: &mut Vec<Case>, name: &'static str, row: R)
where
    R: ZerobusRecord + Serialize + Clone + Into<W> + 'static,
    W: Message + 'static,
{
    let wire: W = row.clone().into();
    let mut ours = Vec::new();
    row.encode(&mut ours).expect("every value fits");
    assert_eq!(ours, wire.encode_to_vec(), "{name}: not the same message");

    let json = row.clone();
    push(cases, name, "derive", move |out| {
        black_box(&row).encode(out).expect("every value fits");
    });
    push(cases, name, "prost", move |out| {
        black_box(&wire).encode(out).expect("a Vec grows");
    });
    push(cases, name, "serde_json", move |out| {
        serde_json::to_writer(out, black_box(&json)).expect("a Vec grows");
    });
}

#[cfg(feature = "sdk")]
fn add_sdk<R: ZerobusRecord + dynamic::Fill + 'static>(
    cases: &mut Vec<Case>,
    name: &'static str,
    row: R,
) {
    let descriptor = dynamic::descriptor::<R>();
    let mut ours = Vec::new();
    row.encode(&mut ours).expect("every value fits");
    // Its maps come in an order of their own.
    assert_eq!(
        ours.len(),
        dynamic::encode(&descriptor, &row).len(),
        "{name}"
    );
    push(cases, name, "sdk dynamic", move |out| {
        out.extend_from_slice(&dynamic::encode(&descriptor, black_box(&row)));
    });
}

fn push(
    cases: &mut Vec<Case>,
    row: &'static str,
    writer: &'static str,
    mut encode: impl FnMut(&mut Vec<u8>) + 'static,
) {
    let mut out = Vec::with_capacity(64 * 1024);
    let encode = move |count| {
        for _ in 0..count {
            out.clear();
            encode(&mut out);
            black_box(&out);
        }
        out.len()
    };
    cases.push(Case {
        row,
        writer,
        encode: Box::new(encode),
    });
}

/// Times in rounds, each writer once a round, so that what else the machine does falls on all alike; the least counts.
fn print_times(cases: &mut [Case]) {
    const ROUNDS: usize = 40;
    let counts: Vec<u32> = cases.iter_mut().map(calibrate).collect();
    let mut least = vec![f64::MAX; cases.len()];
    for _ in 0..ROUNDS {
        for ((case, &count), least) in cases.iter_mut().zip(&counts).zip(&mut least) {
            let start = Instant::now();
            (case.encode)(count);
            *least = least.min(start.elapsed().as_secs_f64() / f64::from(count));
        }
    }
    println!(
        "{:<10} {:<12} {:>7} {:>9} {:>9}",
        "row", "writer", "bytes", "ns", "of prost"
    );
    for at in 0..cases.len() {
        let prost = cases
            .iter()
            .position(|case| case.row == cases[at].row && case.writer == "prost")
            .expect("prost writes every row");
        let ratio = least[at] / least[prost];
        let bytes = (cases[at].encode)(1);
        println!(
            "{:<10} {:<12} {bytes:>7} {:>9.1} {ratio:>9.2}",
            cases[at].row,
            cases[at].writer,
            least[at] * 1e9,
        );
    }
}

/// How often to encode so that it takes about two milliseconds.
fn calibrate(case: &mut Case) -> u32 {
    let mut count = 16;
    loop {
        let start = Instant::now();
        (case.encode)(count);
        if start.elapsed() > Duration::from_millis(2) || count > 1 << 24 {
            return count;
        }
        count *= 2;
    }
}
