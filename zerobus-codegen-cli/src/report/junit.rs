use std::fmt::Write as _;

use super::{Entry, Report, clean};
use crate::args::FailOn;

/// A suite a table, a case a finding; a table without findings has one case, which passes.
pub(super) fn print(report: &Report, fail_on: FailOn) -> String {
    let fails = |entry: &&Entry| entry.fails(fail_on);
    let cases = |entries: &[Entry]| entries.len().max(1);
    let errors = report.errors.len();
    let found: usize = report.tables.iter().map(|t| cases(&t.entries)).sum();
    let all = found + errors;
    let failed = report
        .entries()
        .filter(|(_, entry)| entry.fails(fail_on))
        .count();
    let mut out = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"zerobus\" tests=\"{all}\" failures=\"{failed}\" errors=\"{errors}\">\n"
    );
    for table in &report.tables {
        let name = escape(&table.name);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"{}\" failures=\"{}\" errors=\"0\">",
            cases(&table.entries),
            table.entries.iter().filter(fails).count()
        );
        if table.entries.is_empty() {
            let _ = writeln!(
                out,
                "    <testcase classname=\"{name}\" name=\"nothing to report\"/>"
            );
        }
        for entry in &table.entries {
            case(&mut out, &name, entry, entry.fails(fail_on));
        }
        out.push_str("  </testsuite>\n");
    }
    for (table, error) in &report.errors {
        let name = escape(table);
        let _ = writeln!(
            out,
            "  <testsuite name=\"{name}\" tests=\"1\" failures=\"0\" errors=\"1\">\n    <testcase classname=\"{name}\" name=\"could not be told\">\n      <error message=\"{}\"/>\n    </testcase>\n  </testsuite>",
            escape(error)
        );
    }
    out.push_str("</testsuites>\n");
    out
}

fn case(out: &mut String, table: &str, entry: &Entry, fails: bool) {
    let finding = &entry.finding;
    let name = format!("{} {}", finding.rule.id, finding.path);
    let _ = write!(
        out,
        "    <testcase classname=\"{table}\" name=\"{}\"",
        escape(name.trim_end())
    );
    if let Some(place) = entry.places.first() {
        let _ = write!(
            out,
            " file=\"{}\" line=\"{}\"",
            escape(&place.uri()),
            place.line
        );
    }
    let title = escape(&entry.title());
    let mut text = escape(finding.rule.explanation);
    for line in finding.fix.lines() {
        let _ = write!(text, "\nfix: {}", escape(line));
    }
    if fails {
        let _ = writeln!(
            out,
            ">\n      <failure message=\"{title}\" type=\"{}\">{text}</failure>\n    </testcase>",
            finding.rule.severity
        );
    } else {
        let approved = entry.approved.as_ref();
        let approved =
            approved.map_or_else(String::new, |why| format!("\napproved: {}", escape(why)));
        let _ = writeln!(
            out,
            ">\n      <system-out>{title}{approved}\n{text}</system-out>\n    </testcase>"
        );
    }
}

fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            // XML 1.0 has no such characters, not even escaped.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
