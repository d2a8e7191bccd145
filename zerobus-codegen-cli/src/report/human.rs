use std::fmt::Write as _;
use std::io::IsTerminal as _;

use super::{Entry, Report, TableReport, clean};

/// For reading: one paragraph a finding, below the table it belongs to.
pub(super) fn print(report: &Report) -> String {
    let colours = std::io::stdout().is_terminal()
        && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
    let mut out = String::new();
    for (i, table) in report.tables.iter().enumerate() {
        if i > 0 && !(table.entries.is_empty() && is_short(report, i - 1)) {
            out.push('\n');
        }
        print_table(&mut out, table, colours);
    }
    out
}

fn is_short(report: &Report, i: usize) -> bool {
    report
        .tables
        .get(i)
        .is_some_and(|table| table.entries.is_empty())
}

fn print_table(out: &mut String, table: &TableReport, colours: bool) {
    let name = clean(&table.name);
    if table.entries.is_empty() {
        let _ = writeln!(out, "{name}: nothing to report");
        return;
    }
    let breaking = table.entries.iter().filter(|e| e.is_breaking()).count();
    let _ = writeln!(
        out,
        "{name}: {breaking} breaking, {} compatible",
        table.entries.len() - breaking
    );
    for entry in &table.entries {
        print_entry(out, entry, colours);
    }
}

fn print_entry(out: &mut String, entry: &Entry, colours: bool) {
    let rule = entry.finding.rule;
    let (on, off) = match (colours, entry.is_breaking() && entry.approved.is_none()) {
        (true, true) => ("\u{1b}[1;31m", "\u{1b}[0m"),
        (true, false) => ("\u{1b}[32m", "\u{1b}[0m"),
        _ => ("", ""),
    };
    let _ = writeln!(out, "  {on}{}{off} {}", rule.severity, rule.id);
    let _ = writeln!(out, "    {}", entry.title());
    for place in &entry.places {
        let _ = writeln!(out, "    at {}:{}", clean(&place.uri()), place.line);
    }
    if let Some(reason) = &entry.approved {
        let _ = writeln!(out, "    approved: {}", clean(reason));
    }
    if rule.deploy_first != zerobus_schema::diff::DeployFirst::Either {
        let _ = writeln!(out, "    {}", rule.deploy_first.advice());
    }
    for line in entry.finding.fix.lines() {
        let _ = writeln!(out, "    fix: {}", clean(line));
    }
}
