//! The figures as a picture: bars that read on light and dark alike.

use std::fmt::Write as _;

use crate::case::{Call, Case, Writer};
use crate::report::name;
use crate::suite::{SIZES, Suite};

const WIDTH: f64 = 760.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 150.0;
const TOP: f64 = 56.0;
const BAR: f64 = 14.0;
const GAP: f64 = 16.0;
const TEXT: &str = "#7d8590";

/// MB/s of single-record calls, by size.
pub fn svg(suite: &Suite) -> String {
    let writers = [
        (Writer::Ours, "fill=\"#2f81f7\""),
        (Writer::Sdk, "fill=\"#d29922\""),
        (
            Writer::Floor,
            "fill=\"none\" stroke=\"#7d8590\" stroke-dasharray=\"3 2\"",
        ),
    ];
    let megabytes = |writer, bytes| {
        let case = Case::full(writer, Call::Single, bytes, suite.seconds);
        let outcome = suite.of(&case)?;
        Some(outcome.records_per_second() * bytes as f64 / 1e6)
    };
    let most = SIZES
        .iter()
        .flat_map(|bytes| writers.map(|(writer, _)| megabytes(writer, *bytes).unwrap_or(0.0)))
        .fold(1.0, f64::max);
    let group = writers.len() as f64 * BAR + GAP;
    let height = TOP + SIZES.len() as f64 * group;

    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{height}\" viewBox=\"0 0 {WIDTH} {height}\" \
         font-family=\"system-ui, sans-serif\" font-size=\"12\">\n\
         <title>MB/s of records, one call for each, by their size</title>\n\
         <text x=\"{LEFT}\" y=\"18\" fill=\"{TEXT}\">MB/s of records, one call for each, client and server on a core each</text>\n"
    );
    for (at, (writer, style)) in writers.iter().enumerate() {
        let x = LEFT + at as f64 * 170.0;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"28\" width=\"12\" height=\"12\" {style}/>\
             <text x=\"{}\" y=\"38\" fill=\"{TEXT}\">{}</text>",
            x + 18.0,
            match writer {
                Writer::Floor => "the transport alone".to_owned(),
                writer => name(*writer),
            }
        );
    }
    for (row, bytes) in SIZES.iter().enumerate() {
        let top = TOP + row as f64 * group;
        let _ = writeln!(
            out,
            "<text x=\"{}\" y=\"{:.1}\" text-anchor=\"end\" fill=\"{TEXT}\">{bytes} B</text>",
            LEFT - 8.0,
            top + 1.5 * BAR + 4.0
        );
        let sdk = megabytes(Writer::Sdk, *bytes);
        for (at, (writer, style)) in writers.iter().enumerate() {
            let Some(value) = megabytes(*writer, *bytes) else {
                continue;
            };
            let y = top + at as f64 * BAR;
            let width = (value / most * (WIDTH - LEFT - RIGHT)).max(1.0);
            let times = match (writer, sdk) {
                (Writer::Ours, Some(sdk)) => format!(" · {:.1} times the SDK's", value / sdk),
                _ => String::new(),
            };
            let _ = writeln!(
                out,
                "<rect x=\"{LEFT}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" {style}/>\
                 <text x=\"{:.1}\" y=\"{:.1}\" fill=\"{TEXT}\">{value:.0}{times}</text>",
                y + 1.0,
                BAR - 2.0,
                LEFT + width + 6.0,
                y + BAR - 3.5,
            );
        }
    }
    out.push_str("</svg>\n");
    out
}
