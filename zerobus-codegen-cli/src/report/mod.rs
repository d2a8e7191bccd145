//! Findings, and the forms they are printed in.

mod ci;
mod human;
mod json;
mod junit;
mod locate;
mod sarif;

use std::path::{Component, Path, PathBuf};

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
    pub(crate) fn print(&mut self, format: ReportFormat, fail_on: FailOn) -> String {
        if !matches!(format, ReportFormat::Human | ReportFormat::Json) {
            // A CI system knows files by their place in the repository, wherever the command runs in it.
            if let Some(root) = Root::find() {
                let entries = self.tables.iter_mut().flat_map(|table| &mut table.entries);
                for place in entries.flat_map(|entry| &mut entry.places) {
                    place.file = root.relative(&place.file);
                }
            }
        }
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

/// The repository that the current folder lies in.
struct Root {
    here: PathBuf,
    root: PathBuf,
}

impl Root {
    fn find() -> Option<Self> {
        let here = std::env::current_dir().ok()?;
        let root = here
            .ancestors()
            .find(|folder| folder.join(".git").exists())?;
        Some(Self {
            root: root.to_owned(),
            here,
        })
    }

    /// The path from the root, where it lies below it.
    fn relative(&self, file: &Path) -> PathBuf {
        let mut path = PathBuf::new();
        for part in self.here.join(file).components() {
            match part {
                Component::ParentDir => {
                    path.pop();
                }
                Component::CurDir => {}
                part => path.push(part),
            }
        }
        match path.strip_prefix(&self.root) {
            Ok(relative) => relative.to_owned(),
            Err(_) => file.to_owned(),
        }
    }
}

/// Names and comments come from elsewhere: nothing in them may steer a terminal or break a line.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_from_the_root_of_the_repository() {
        let root = Root {
            here: "/repo/crates/ingest".into(),
            root: "/repo".into(),
        };
        for (file, told) in [
            ("schemas/t.json", "crates/ingest/schemas/t.json"),
            ("../schemas/t.json", "crates/schemas/t.json"),
            ("./../../t.json", "t.json"),
            ("/repo/x/t.json", "x/t.json"),
            ("/elsewhere/t.json", "/elsewhere/t.json"),
        ] {
            assert_eq!(root.relative(Path::new(file)), Path::new(told), "{file}");
        }
    }
}
