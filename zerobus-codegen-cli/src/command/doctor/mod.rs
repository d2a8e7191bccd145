mod endpoint;
mod table;
mod values;

use std::fmt::Write as _;

use serde_json::{Value, json};
use zerobus_catalog::{CatalogError, Workspace};
use zerobus_schema::TableName;

use crate::args::{Doctor, Format};
use crate::exit::{Exit, Failure};
use crate::json::{FORMAT_VERSION, pretty};
use crate::output;

/// A clock that is further off than this makes tokens expire early or not count yet.
const SKEW_MAX: i64 = 60;

/// Prints every value of the configuration with where it comes from, and tries each of them out.
pub(crate) fn doctor(args: &Doctor) -> Result<Exit, Failure> {
    let tables = args
        .tables
        .iter()
        .map(|name| TableName::parse(name).map_err(Failure::usage))
        .collect::<Result<Vec<_>, _>>()?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Failure::failed)?;
    let mut given = args.connection.given();
    given.endpoint = args.endpoint.clone();
    let mut findings = Findings::default();
    let values = values::values(&given, &mut findings);
    match args.connection.workspace(given) {
        Ok(workspace) => runtime.block_on(examine(&workspace, &tables, &mut findings)),
        Err(error) => {
            findings.add("configuration", Outcome::Failed, error.to_string(), "");
            if !tables.is_empty() {
                let text = "the tables were not looked at: there is no workspace to ask";
                findings.add("table", Outcome::Skipped, text, "");
            }
        }
    }
    let text = match args.format {
        Format::Human => human(&values, &findings),
        Format::Json => machine(&values, &findings),
    };
    output::data(text.as_bytes())?;
    Ok(findings.exit())
}

async fn examine(workspace: &Workspace, tables: &[TableName], findings: &mut Findings) {
    match workspace.clock_skew().await {
        Ok(skew) => {
            findings.add(
                "workspace",
                Outcome::Fine,
                format!("{} answers", workspace.url()),
                "",
            );
            match skew {
                Some(skew) if skew.abs() > SKEW_MAX => {
                    let way = if skew > 0 { "behind" } else { "ahead of" };
                    let text = format!(
                        "this machine's clock is {} seconds {way} the workspace's",
                        skew.abs()
                    );
                    findings.add("clock", Outcome::Failed, text, "set the clock by NTP");
                }
                Some(_) => findings.add("clock", Outcome::Fine, "the clock is right", ""),
                None => findings.add(
                    "clock",
                    Outcome::Skipped,
                    "the workspace does not tell the time",
                    "",
                ),
            }
        }
        Err(error) => {
            findings.error("workspace", &error);
            // Nothing else can be asked; each would take its time to fail.
            endpoint::examine(workspace, findings).await;
            return;
        }
    }
    let authenticated = match workspace.authenticate().await {
        Ok(()) => {
            findings.add("credentials", Outcome::Fine, "the catalog can be asked", "");
            true
        }
        Err(error) => {
            findings.error("credentials", &error);
            false
        }
    };
    endpoint::examine(workspace, findings).await;
    for table in tables {
        if authenticated {
            table::examine(workspace, table, findings).await;
        } else {
            let text = format!("{table} was not looked at: there is no token for the catalog");
            findings.add("table", Outcome::Skipped, text, "");
        }
    }
}

/// How a look at something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    Fine,
    /// May be wrong, or may matter later.
    Warning,
    Failed,
    /// Not known, because of something else.
    Unknown,
    Skipped,
}

impl Outcome {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Skipped => "skipped",
        }
    }
}

#[derive(Debug)]
struct Check {
    name: String,
    outcome: Outcome,
    message: String,
    /// SQL, or what to do; empty where nothing is wrong.
    fix: String,
}

#[derive(Debug, Default)]
struct Findings {
    checks: Vec<Check>,
    /// Whom to grant something.
    principal: Option<String>,
}

impl Findings {
    fn add(
        &mut self,
        name: &str,
        outcome: Outcome,
        message: impl Into<String>,
        fix: impl Into<String>,
    ) {
        self.checks.push(Check {
            name: name.to_owned(),
            outcome,
            message: message.into(),
            fix: fix.into(),
        });
    }

    /// A call that did not do: what may be well another time is not known.
    fn error(&mut self, name: &str, error: &CatalogError) {
        let outcome = if error.is_retryable() {
            Outcome::Unknown
        } else {
            Outcome::Failed
        };
        self.add(name, outcome, error.to_string(), "");
    }

    fn exit(&self) -> Exit {
        let any = |outcome| self.checks.iter().any(|check| check.outcome == outcome);
        if any(Outcome::Unknown) {
            Exit::Failed
        } else if any(Outcome::Failed) {
            Exit::Findings
        } else {
            Exit::Fine
        }
    }
}

fn human(values: &[values::Setting], findings: &Findings) -> String {
    let mut out = String::new();
    let width = values
        .iter()
        .map(|value| value.name.len())
        .max()
        .unwrap_or(0);
    for value in values {
        let shown = value.value.as_deref().unwrap_or("-");
        let _ = writeln!(
            out,
            "{:width$}  {}  ({})",
            value.name,
            clean(shown),
            clean(&value.source)
        );
    }
    out.push('\n');
    let width = findings
        .checks
        .iter()
        .map(|check| check.name.len())
        .max()
        .unwrap_or(0);
    for check in &findings.checks {
        let _ = writeln!(
            out,
            "{:7}  {:width$}  {}",
            check.outcome.as_str(),
            check.name,
            clean(&check.message)
        );
        for line in check.fix.lines() {
            let _ = writeln!(out, "         {:width$}  {}", "", clean(line));
        }
    }
    out
}

fn machine(values: &[values::Setting], findings: &Findings) -> String {
    let values: Vec<Value> = values
        .iter()
        .map(|value| json!({ "name": value.name, "value": value.value, "source": value.source }))
        .collect();
    let checks: Vec<Value> = findings
        .checks
        .iter()
        .map(|check| {
            json!({
                "name": check.name,
                "status": check.outcome.as_str(),
                "message": check.message,
                "fix": check.fix,
            })
        })
        .collect();
    pretty(&json!({
        "version": FORMAT_VERSION,
        "ok": findings.exit() == Exit::Fine,
        "values": values,
        "checks": checks,
    }))
}

/// What services say may hold anything.
fn clean(text: &str) -> String {
    text.chars()
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
