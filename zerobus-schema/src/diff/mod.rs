//! What has changed between two schemas of a table, and whether a producer minds.
//!
//! The question that [`Diff::is_compatible`] answers: may a producer that is compiled against the old schema go on writing
//! into a table of the new one, without loss and without a change of meaning, its fields matched to columns by name? What
//! a [`Rule`] says of each kind of change is data; a [`Finding`] is one change of one column.
//!
//! ```
//! use zerobus_schema::{ddl, diff};
//!
//! let table = |columns: &str| ddl::parse_create_table(&format!("CREATE TABLE main.default.t ({columns})"));
//! let found = diff::diff(&table("id BIGINT, at TIMESTAMP")?, &table("id BIGINT, at BIGINT, note STRING")?);
//! assert!(!found.is_compatible());
//! let rules: Vec<_> = found.findings.iter().map(|f| (f.rule.id, f.path.to_string())).collect();
//! assert_eq!(rules, [("MEANING_CHANGED", "at".into()), ("COLUMN_ADDED", "note".into())]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod column;
mod compare;
mod fix;
mod judge;
mod rename;
mod rule;

use std::fmt;

pub use self::rule::{DeployFirst, RULES, Rule, Severity, rule};
use crate::path::ColumnPath;
use crate::schema::TableSchema;

/// What is compared besides the columns. Everything unless told.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct DiffOptions {
    /// What belongs to the table as a whole: comment, partitioning, id. A source that does not say (a snapshot, a
    /// bare Delta schema) makes the answer worthless.
    pub table: bool,
    /// Field numbers, where both schemas have them. They mean something between two snapshots of a table.
    pub numbers: bool,
}

impl Default for DiffOptions {
    fn default() -> Self {
        Self {
            table: true,
            numbers: true,
        }
    }
}

/// What has changed.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Diff {
    /// Every change: those of the whole table first, then column by column in the order of the old table, with what
    /// is new at the end.
    pub findings: Vec<Finding>,
}

impl Diff {
    /// Whether a producer of the old schema may go on writing.
    #[must_use]
    pub fn is_compatible(&self) -> bool {
        self.findings
            .iter()
            .all(|finding| finding.rule.severity != Severity::Breaking)
    }
}

/// One change.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Finding {
    /// What kind of change it is.
    pub rule: &'static Rule,
    /// The column, `s.z`, `l.element.m` or `m.value`; empty for the table as a whole.
    pub path: ColumnPath,
    /// What has changed, in a sentence without a full stop.
    pub message: String,
    /// DDL or a line of Rust that settles it; empty where there is nothing to do.
    pub fix: String,
}

impl Finding {
    /// A finding that no comparison of columns makes, such as that a table is gone.
    #[must_use]
    pub fn new(
        rule: &'static Rule,
        path: ColumnPath,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) -> Self {
        Self {
            rule,
            path,
            message: message.into(),
            fix: fix.into(),
        }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.rule.severity, self.rule.id)?;
        if !self.path.parts().is_empty() {
            write!(f, " {}", self.path)?;
        }
        write!(f, ": {}", self.message)
    }
}

/// Compares two schemas of a table with everything that they say.
#[must_use]
pub fn diff(old: &TableSchema, new: &TableSchema) -> Diff {
    diff_with(old, new, &DiffOptions::default())
}

/// Compares two schemas of a table.
#[must_use]
pub fn diff_with(old: &TableSchema, new: &TableSchema, options: &DiffOptions) -> Diff {
    Diff {
        findings: compare::tables(old, new, options),
    }
}
