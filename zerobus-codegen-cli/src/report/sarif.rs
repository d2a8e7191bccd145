use serde_json::{Value, json};
use zerobus_schema::diff::{RULES, Severity};

use super::{Entry, Place, Report, TableReport, ci, clean};
use crate::json::pretty;

/// SARIF 2.1.0 (OASIS): every rule with its text, a result a finding.
pub(super) fn print(report: &Report) -> String {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|rule| {
            json!({
                "id": rule.id,
                "shortDescription": { "text": rule.summary },
                "fullDescription": { "text": rule.explanation },
                "help": { "text": format!("{} Deployment: {}.", rule.explanation, rule.deploy_first.advice()) },
                "defaultConfiguration": { "level": level(rule.severity) },
            })
        })
        .collect();
    let results: Vec<Value> = report
        .entries()
        .map(|(table, entry)| result(table, entry))
        .collect();
    let notifications: Vec<Value> = report
        .errors
        .iter()
        .map(|(_, error)| json!({ "level": "error", "message": { "text": clean(error) } }))
        .collect();
    pretty(&json!({
        "$schema": "https://json.schemastore.org/sarif-2.1.0.json",
        "version": "2.1.0",
        "runs": [{
            "tool": { "driver": {
                "name": "zerobus",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "invocations": [{
                "executionSuccessful": report.errors.is_empty(),
                "toolExecutionNotifications": notifications,
            }],
            "columnKind": "unicodeCodePoints",
            "results": results,
        }],
    }))
}

const fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Breaking => "error",
        _ => "note",
    }
}

fn result(table: &TableReport, entry: &Entry) -> Value {
    let finding = &entry.finding;
    let index = RULES.iter().position(|rule| rule.id == finding.rule.id);
    let mut text = format!("{}: {}", clean(&table.name), entry.title());
    for line in finding.fix.lines() {
        text.push_str(&format!("\nfix: {}", clean(line)));
    }
    let path = finding.path.to_string();
    let dot = if path.is_empty() { "" } else { "." };
    let logical = json!([{ "fullyQualifiedName": clean(&format!("{}{dot}{path}", table.name)) }]);
    let mut places = entry.places.iter();
    let mut location = places.next().map_or_else(|| json!({}), physical);
    if let Some(location) = location.as_object_mut() {
        location.insert("logicalLocations".to_owned(), logical);
    }
    let file = entry.places.first().map(Place::uri).unwrap_or_default();
    let mut result = json!({
        "ruleId": finding.rule.id,
        "ruleIndex": index,
        "level": level(finding.rule.severity),
        "message": { "text": text },
        "locations": [location],
        "partialFingerprints": { "zerobus/v1": ci::fingerprint(table, entry, &file) },
    });
    if let Some(object) = result.as_object_mut() {
        let related: Vec<Value> = places.map(physical).collect();
        if !related.is_empty() {
            object.insert("relatedLocations".to_owned(), json!(related));
        }
        if let Some(reason) = &entry.approved {
            let suppression = json!([{ "kind": "external", "justification": clean(reason) }]);
            object.insert("suppressions".to_owned(), suppression);
        }
    }
    result
}

fn physical(place: &Place) -> Value {
    json!({
        "physicalLocation": {
            "artifactLocation": { "uri": uri(&place.uri()) },
            "region": { "startLine": place.line },
        },
    })
}

/// A path as a URI reference.
fn uri(path: &str) -> String {
    let mut out = String::new();
    for byte in path.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}
