use std::path::Path;

use zerobus_schema::diff::{self, Finding};
use zerobus_schema::{ColumnPath, TableName};

use super::date::{self, Date};
use crate::report::{Entry, Place, Report, TableReport};

/// A finding that somebody has looked at and lets pass for a while.
#[derive(Debug)]
pub(crate) struct Approval {
    pub(super) rule: &'static str,
    /// As findings show it; empty for the table as a whole.
    pub(super) path: String,
    /// Any table unless given.
    pub(super) table: Option<TableName>,
    pub(super) reason: String,
    /// The last day on which it holds.
    pub(super) expires: Date,
    pub(super) line: usize,
}

impl Approval {
    fn covers(&self, table: &str, finding: &Finding) -> bool {
        self.rule == finding.rule.id
            && self.path == finding.path.to_string()
            && self.concerns(table)
    }

    fn concerns(&self, table: &str) -> bool {
        self.table
            .as_ref()
            .is_none_or(|name| name.to_string() == table)
    }

    fn shown(&self) -> String {
        let path = if self.path.is_empty() {
            String::new()
        } else {
            format!(" of {}", self.path)
        };
        format!("the approval of {}{path}", self.rule)
    }
}

/// Approvals, applied to a report.
#[derive(Debug)]
pub(crate) struct Approvals<'a> {
    pub(crate) list: &'a [Approval],
    /// The file they stand in.
    pub(crate) file: Option<&'a Path>,
}

impl Approvals<'_> {
    /// Marks what is approved, and adds what is wrong with the approvals themselves: those past their date, and, where
    /// drift was `sought`, those that approve nothing. Without a table of its own an approval may be about any of them,
    /// so that takes a report that is `complete`.
    pub(crate) fn apply(&self, report: &mut Report, complete: bool, sought: bool) {
        let today = date::today();
        let mut entries = Vec::new();
        for approval in self.list {
            let expired = approval.expires < today;
            let mut used = false;
            for table in &mut report.tables {
                for entry in &mut table.entries {
                    if approval.covers(&table.name, &entry.finding) {
                        used = true;
                        if !expired {
                            entry.approved = Some(approval.reason.clone());
                        }
                    }
                }
            }
            let compared = approval.table.as_ref().is_some_and(|name| {
                let name = name.to_string();
                report.tables.iter().any(|table| table.name == name)
            });
            let judged = sought && (complete || compared);
            let (year, month, day) = approval.expires;
            let (rule, message) = if expired {
                let text = format!(
                    "{} ended on {year:04}-{month:02}-{day:02}",
                    approval.shown()
                );
                ("APPROVAL_EXPIRED", text)
            } else if !used && judged {
                (
                    "APPROVAL_UNUSED",
                    format!("{} approves nothing", approval.shown()),
                )
            } else {
                continue;
            };
            if let Some(rule) = diff::rule(rule) {
                let place = self.file.map(|file| Place {
                    file: file.to_owned(),
                    line: approval.line,
                });
                entries.push(Entry {
                    finding: Finding::new(rule, ColumnPath::default(), message, ""),
                    places: place.into_iter().collect(),
                    approved: None,
                });
            }
        }
        if !entries.is_empty() {
            report.tables.push(TableReport {
                name: super::FILE.to_owned(),
                entries,
            });
        }
    }
}
