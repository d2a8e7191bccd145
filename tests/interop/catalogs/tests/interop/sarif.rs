//! What `--format sarif` prints, read and written again by types that are made from SARIF's schema: nothing is lost, so every
//! property is one that the schema knows, with a value that it allows.

use serde_json::Value;
use serde_sarif::sarif::Sarif;

#[test]
fn a_report_is_what_the_schema_of_sarif_says() {
    let text = include_str!("../../../../../zerobus-codegen-cli/tests/golden/diff.sarif");
    let typed: Sarif = serde_json::from_str(text).unwrap();
    let again = serde_json::to_value(&typed).unwrap();
    let plain: Value = serde_json::from_str(text).unwrap();
    assert_eq!(again, plain);
    assert!(!typed.runs[0].results.as_ref().unwrap().is_empty());
}
