//! Findings, and the forms they are printed in.

mod ci;
mod human;
mod json;
mod junit;
mod locate;
mod sarif;

use std::path::PathBuf;

use zerobus_schema::diff::{Finding, Severity};

use crate::args::{FailOn, ReportFormat};
use crate::exit::Exit;

pub(crate) use locate::{Code, Text};

/// Findings about any number of tables.
#[derive(Debug, Default)]
pub(crate) struct Report {
    pub(crate) tables: Vec<TableReport>,
    /// Whether there could have been several tables: then each finding names its own.
    pub(crate) several: bool,
    /// What could not be told: the table or file, and why.
    pub(crate) errors: Vec<(String, String)>,
}

/// The findings about one table.
#[derive(Debug)]
pub(crate) struct TableReport {
    /// The table, or what stands for it.
    pub(crate) name: String,
    pub(crate) entries: Vec<Entry>,
}

/// A finding, where it is, and whether somebody has approved it.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) finding: Finding,
    /// The place in the schema, then those in code.
    pub(crate) places: Vec<Place>,
    /// The reason of its approval.
    pub(crate) approved: Option<String>,
}

/// A line of a file, from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    pub(crate) line: usize,
}

impl Place {
    /// The path with slashes, as annotations have it.
    fn uri(&self) -> String {
        let path = self.file.to_string_lossy().replace('\\', "/");
        path.strip_prefix("./").unwrap_or(&path).to_owned()
    }
}

impl Entry {
    pub(crate) fn is_breaking(&self) -> bool {
        self.finding.rule.severity == Severity::Breaking
    }

    /// Whether it makes the command fail.
    fn fails(&self, fail_on: FailOn) -> bool {
        self.approved.is_none() && (fail_on == FailOn::Any || self.is_breaking())
    }

    /// The finding on one line, with its path.
    fn title(&self) -> String {
        let finding = &self.finding;
        if finding.path.parts().is_empty() {
            clean(&finding.message)
        } else {
            clean(&format!("{}: {}", finding.path, finding.message))
        }
    }
}

impl Report {
    /// Whether no finding is breaking, approved or not. What could not be told is never compatible.
    pub(crate) fn is_compatible(&self) -> bool {
        self.errors.is_empty() && self.entries().all(|(_, entry)| !entry.is_breaking())
    }

    pub(crate) fn exit(&self, fail_on: FailOn) -> Exit {
        if self.entries().any(|(_, entry)| entry.fails(fail_on)) {
            Exit::Findings
        } else {
            Exit::Fine
        }
    }

    fn entries(&self) -> impl Iterator<Item = (&TableReport, &Entry)> {
        self.tables
            .iter()
            .flat_map(|table| table.entries.iter().map(move |entry| (table, entry)))
    }

    /// The report as text that ends with a newline, or is empty.
    pub(crate) fn print(&self, format: ReportFormat, fail_on: FailOn) -> String {
        match format {
            ReportFormat::Human => human::print(self),
            ReportFormat::Json => json::print(self),
            ReportFormat::Github => ci::github(self),
            ReportFormat::Gitlab => ci::gitlab(self),
            ReportFormat::Junit => junit::print(self, fail_on),
            ReportFormat::Sarif => sarif::print(self),
        }
    }
}

/// Names and comments come from elsewhere: nothing in them may steer a terminal or break a line.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
