//! The live table against what records were made for, when a stream opens.

mod described;
mod expected;

use std::fmt;
use std::pin::pin;
use std::time::Duration;

use zerobus_catalog::Workspace;
use zerobus_proto::SchemaCause;
use zerobus_schema::diff::{DiffOptions, Finding, Severity, diff_with};
use zerobus_schema::{ColumnPath, TableName, TableSchema};

pub(crate) use self::expected::Expected;
use crate::error::Error;
use crate::format::Format;
use crate::status::GrpcCode;

/// How long the catalog's answer is waited for, beside the opening of the stream.
const CATALOG_WAIT: Duration = Duration::from_secs(3);

/// Columns of a table that do not take the records of a stream, found when it was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaDrift {
    table: TableName,
    findings: Vec<Finding>,
    causes: Vec<SchemaCause>,
}

impl SchemaDrift {
    fn new(table: TableName, findings: Vec<Finding>) -> Self {
        let mut causes: Vec<SchemaCause> = Vec::new();
        for finding in &findings {
            let cause = SchemaCause::parse(finding.rule.id);
            causes.extend(cause.filter(|cause| !causes.contains(cause)));
        }
        Self {
            table,
            findings,
            causes,
        }
    }

    /// The table.
    #[must_use]
    pub fn table(&self) -> &TableName {
        &self.table
    }

    /// What is breaking, column by column, each with its rule, what has changed and a fix; `zerobus explain` says more
    /// about a rule.
    #[must_use]
    pub fn findings(&self) -> &[Finding] {
        &self.findings
    }

    /// The findings that the service has a word for, in its words, each once.
    #[must_use]
    pub fn causes(&self) -> &[SchemaCause] {
        &self.causes
    }
}

impl fmt::Display for SchemaDrift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "table {} does not take these records: ", self.table)?;
        write_findings(f, &self.findings)?;
        f.write_str(
            "; pull the table's schema again and build against it, or turn check_schema off",
        )
    }
}

impl std::error::Error for SchemaDrift {}

fn write_findings(f: &mut fmt::Formatter<'_>, findings: &[Finding]) -> fmt::Result {
    for (at, finding) in findings.iter().enumerate() {
        let between = if at == 0 { "" } else { "; " };
        let (path, id) = (&finding.path, finding.rule.id);
        if path.parts().is_empty() {
            write!(f, "{between}{} ({id})", finding.message)?;
        } else {
            write!(f, "{between}column {path}: {} ({id})", finding.message)?;
        }
    }
    Ok(())
}

/// What differs, for an event.
struct Shown<'a>(&'a [Finding]);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_findings(f, self.0)
    }
}

/// The question whether a table takes the records of a stream.
pub(crate) struct SchemaCheck<'a> {
    workspace: &'a Workspace,
    table: &'a TableName,
    format: &'a Format,
}

impl<'a> SchemaCheck<'a> {
    pub(crate) fn new(workspace: &'a Workspace, table: &'a TableName, format: &'a Format) -> Self {
        Self {
            workspace,
            table,
            format,
        }
    }

    /// Opens a stream with `open` and asks the catalog meanwhile; before that, when the stream sends as soon as it is
    /// open. A catalog that cannot be read, or not in time, changes nothing.
    pub(crate) async fn open<T>(
        &self,
        open: impl Future<Output = Result<T, Error>>,
        sends_at_once: bool,
    ) -> Result<T, Error> {
        let Some(expected) = &self.format.expected else {
            return open.await;
        };
        let mut judged = pin!(self.judge(expected));
        let mut open = pin!(open);
        if sends_at_once {
            judged.await?;
            return open.await;
        }
        tokio::select! {
            judgement = judged.as_mut() => {
                judgement?;
                open.await
            }
            opened = open.as_mut() => {
                // What the service refuses for, the catalog may name by column.
                let worth_waiting = match &opened {
                    Ok(_) => true,
                    Err(Error::Status { error }) => error.code() == GrpcCode::InvalidArgument,
                    Err(_) => false,
                };
                if worth_waiting {
                    judged.await?;
                }
                opened
            }
        }
    }

    async fn judge(&self, expected: &Expected) -> Result<(), Error> {
        let table = self.table;
        let live = match tokio::time::timeout(CATALOG_WAIT, self.workspace.table(table)).await {
            Ok(Ok(live)) => live,
            Ok(Err(error)) => {
                tracing::warn!(%table, %error, "the table's schema cannot be read; the stream opens without a look at it");
                return Ok(());
            }
            Err(_) => {
                tracing::warn!(%table, after = ?CATALOG_WAIT, "the catalog does not answer; the stream opens without a look at the table's schema");
                return Ok(());
            }
        };
        let Some(differing) = expected.differing(self.format, &live) else {
            return Ok(());
        };
        let (breaking, compatible): (Vec<_>, Vec<_>) = differing
            .into_iter()
            .partition(|finding| finding.rule.severity == Severity::Breaking);
        if !breaking.is_empty() {
            return Err(Error::Drift {
                error: Box::new(SchemaDrift::new(table.clone(), breaking)),
            });
        }
        if !compatible.is_empty() {
            tracing::info!(%table, changes = %Shown(&compatible), "the table's schema is not the one records were made for; none of them breaks");
        }
        Ok(())
    }
}

/// What differs for a producer of `old`. `left_out`: columns that it knows of and does not send.
fn compare(old: &TableSchema, live: &TableSchema, left_out: &[ColumnPath]) -> Vec<Finding> {
    let mut options = DiffOptions::default();
    options.table = false;
    options.numbers = false;
    let mut findings = diff_with(old, live, &options).findings;
    // That they are there is no news.
    findings.retain(|finding| {
        finding.rule.severity == Severity::Breaking || !left_out.contains(&finding.path)
    });
    findings
}
