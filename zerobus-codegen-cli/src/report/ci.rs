use std::fmt::Write as _;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Entry, Place, Report, TableReport, clean};
use crate::json::pretty;

/// Workflow commands of GitHub Actions: an annotation a place.
pub(super) fn github(report: &Report) -> String {
    let mut out = String::new();
    for (table, entry) in report.entries() {
        let level = match (entry.is_breaking(), &entry.approved) {
            (true, None) => "error",
            _ => "notice",
        };
        let title = property(&format!("{} {}", entry.finding.rule.id, clean(&table.name)));
        let text = message(&described(entry));
        if entry.places.is_empty() {
            let _ = writeln!(out, "::{level} title={title}::{text}");
        }
        for place in &entry.places {
            let _ = writeln!(
                out,
                "::{level} file={},line={},title={title}::{text}",
                property(&place.uri()),
                place.line
            );
        }
    }
    for (table, error) in &report.errors {
        let title = property(&format!("could not be told {}", clean(table)));
        let _ = writeln!(out, "::error title={title}::{}", message(error));
    }
    out
}

/// The message, the order of deployment and the fix, on lines of their own.
fn described(entry: &Entry) -> String {
    let finding = &entry.finding;
    let mut text = entry.title();
    if let Some(reason) = &entry.approved {
        let _ = write!(text, "\napproved: {}", clean(reason));
    }
    if finding.rule.deploy_first != zerobus_schema::diff::DeployFirst::Either {
        let _ = write!(text, "\n{}", finding.rule.deploy_first.advice());
    }
    for line in finding.fix.lines() {
        let _ = write!(text, "\nfix: {}", clean(line));
    }
    text
}

/// As GitHub's toolkit escapes what follows the last `::`.
fn message(text: &str) -> String {
    text.replace('%', "%25")
        .replace('\r', "%0D")
        .replace('\n', "%0A")
}

/// As GitHub's toolkit escapes the value of a property.
fn property(text: &str) -> String {
    message(text).replace(':', "%3A").replace(',', "%2C")
}

/// A Code Quality report of GitLab: each place is an issue with a fingerprint of its own.
pub(super) fn gitlab(report: &Report) -> String {
    let mut issues = Vec::new();
    for (table, entry) in report.entries() {
        if entry.approved.is_some() {
            continue;
        }
        if entry.places.is_empty() {
            // An issue must lie somewhere.
            let nowhere = Place {
                file: table.name.clone().into(),
                line: 1,
            };
            issues.push(issue(table, entry, &nowhere));
        }
        let places = entry.places.iter();
        issues.extend(places.map(|place| issue(table, entry, place)));
    }
    for (table, error) in &report.errors {
        let mut hash = Sha256::new();
        hash.update(format!("{table}\0{error}"));
        issues.push(json!({
            "description": format!("could not be told: {}", clean(error)),
            "check_name": "ERROR",
            "fingerprint": hex(&hash.finalize()),
            "severity": "blocker",
            "location": { "path": clean(table), "lines": { "begin": 1 } },
        }));
    }
    pretty(&Value::Array(issues))
}

fn issue(table: &TableReport, entry: &Entry, place: &Place) -> Value {
    let finding = &entry.finding;
    json!({
        "description": format!("{}: {}", clean(&table.name), entry.title()),
        "check_name": finding.rule.id,
        "fingerprint": fingerprint(table, entry, &place.uri()),
        "severity": if entry.is_breaking() { "critical" } else { "info" },
        "location": { "path": place.uri(), "lines": { "begin": place.line } },
        "content": { "body": finding.rule.explanation },
    })
}

/// What a finding is known by from one run to the next: not its line, which moves.
pub(super) fn fingerprint(table: &TableReport, entry: &Entry, file: &str) -> String {
    let finding = &entry.finding;
    let mut hash = Sha256::new();
    for part in [
        table.name.as_str(),
        finding.rule.id,
        &finding.path.to_string(),
        &finding.message,
        file,
    ] {
        hash.update(part.as_bytes());
        hash.update([0]);
    }
    hex(&hash.finalize())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
