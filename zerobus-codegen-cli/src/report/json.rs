use serde_json::{Value, json};

use super::Report;
use crate::json::pretty;

/// `{"compatible": bool, "findings": [{"rule", "severity", "path", "message", "deploy_first", "fix"}]}`. The path is empty
/// for what is about the whole table, and the fix where there is nothing to do. A finding names its `table` where there
/// could be several, its `file` and `line` where it has them, and says with what reason it was `approved`. `errors` is there
/// when something could not be told; then nothing is called compatible.
pub(super) fn print(report: &Report) -> String {
    let findings: Vec<Value> = report
        .entries()
        .map(|(table, entry)| {
            let finding = &entry.finding;
            let mut value = json!({
                "rule": finding.rule.id,
                "severity": finding.rule.severity.as_str(),
                "path": finding.path.to_string(),
                "message": finding.message,
                "deploy_first": finding.rule.deploy_first.as_str(),
                "fix": finding.fix,
            });
            if let Some(object) = value.as_object_mut() {
                if report.several {
                    object.insert("table".to_owned(), json!(table.name));
                    if let Some(place) = entry.places.first() {
                        object.insert("file".to_owned(), json!(place.uri()));
                        object.insert("line".to_owned(), json!(place.line));
                    }
                }
                if let Some(reason) = &entry.approved {
                    object.insert("approved".to_owned(), json!(reason));
                }
            }
            value
        })
        .collect();
    let mut answer = json!({ "compatible": report.is_compatible(), "findings": findings });
    if let (Some(object), false) = (answer.as_object_mut(), report.errors.is_empty()) {
        let errors = report.errors.iter();
        let errors: Vec<Value> = errors
            .map(|(table, message)| json!({ "table": table, "message": message }))
            .collect();
        object.insert("errors".to_owned(), json!(errors));
    }
    pretty(&answer)
}
