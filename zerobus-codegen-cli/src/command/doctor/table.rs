use zerobus_catalog::{CatalogError, Workspace};
use zerobus_schema::TableName;
use zerobus_schema::mapping::{self, MappingOptions};

use super::{Findings, Outcome};

/// Looks at a table: whether it is there, whether Zerobus takes it, and whether this client may write to it.
pub(super) async fn examine(workspace: &Workspace, table: &TableName, findings: &mut Findings) {
    let name = table.to_string();
    let odd = [table.catalog(), table.schema(), table.table()]
        .into_iter()
        .find(|part| {
            !part
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        });
    if let Some(part) = odd {
        let text = format!(
            "`{part}` holds more than ASCII letters, digits and underscores, which the service does not take"
        );
        findings.add(&name, Outcome::Failed, text, "rename it");
    }
    let info = match workspace.table_info(table).await {
        Ok(info) => info,
        Err(error) => {
            findings.error(&name, &error);
            if matches!(error, CatalogError::PermissionDenied { .. }) {
                grants(table, findings);
            }
            return;
        }
    };
    let kind = info.table_type.as_deref().unwrap_or("MANAGED");
    let format = info.data_source_format.as_deref().unwrap_or("DELTA");
    if kind.eq_ignore_ascii_case("MANAGED") && format.eq_ignore_ascii_case("DELTA") {
        findings.add(&name, Outcome::Fine, "it is a managed Delta table", "");
    } else {
        let text = format!("it is {kind}, {format}; Zerobus writes to managed Delta tables alone");
        let fix = format!("create a managed table: CREATE TABLE … AS SELECT * FROM {name}");
        findings.add(&name, Outcome::Failed, text, fix);
    }
    match &info.schema {
        Err(error) => findings.error(&name, error),
        Ok(schema) => {
            let mapping = mapping::map(schema, &MappingOptions::default());
            for refusal in &mapping.refused {
                let top = refusal.path.parts().first();
                let column = top.and_then(|top| schema.columns.field(top));
                // A column that may be NULL can be left out of every record.
                let outcome = match column {
                    Some(column) if column.nullable => Outcome::Warning,
                    _ => Outcome::Failed,
                };
                findings.add(&name, outcome, refusal.to_string(), "");
            }
            if mapping.refused.is_empty() {
                let count = schema.columns.fields.len();
                findings.add(
                    &name,
                    Outcome::Fine,
                    format!("all of its {count} columns can be sent"),
                    "",
                );
            }
        }
    }
    match workspace.ingest_token(table).await {
        Ok(_) => findings.add(&name, Outcome::Fine, "this client may write to it", ""),
        Err(CatalogError::NoTableOrGrant { .. }) => {
            grants(table, findings);
        }
        Err(error @ CatalogError::Configuration { .. }) => {
            findings.add(&name, Outcome::Warning, error.to_string(), "");
        }
        Err(error) => findings.error(&name, &error),
    }
}

/// What to grant, as SQL. Inherited grants do not count for the table itself ("Use Zerobus Ingest").
fn grants(table: &TableName, findings: &mut Findings) {
    let quote = |part: &str| format!("`{}`", part.replace('`', "``"));
    let (catalog, schema, own) = (
        quote(table.catalog()),
        quote(table.schema()),
        quote(table.table()),
    );
    let whom = quote(findings.principal.as_deref().unwrap_or("<client id>"));
    let sql = [
        format!("GRANT USE CATALOG ON CATALOG {catalog} TO {whom};"),
        format!("GRANT USE SCHEMA ON SCHEMA {catalog}.{schema} TO {whom};"),
        format!("GRANT SELECT, MODIFY ON TABLE {catalog}.{schema}.{own} TO {whom};"),
    ];
    let text =
        "this client has no grant directly on it; inherited ones and ALL PRIVILEGES do not count";
    findings.add(&table.to_string(), Outcome::Failed, text, sql.join("\n"));
}
