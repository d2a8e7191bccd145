//! Two JSON values, leaf by leaf.

use serde_json::Value;

/// What a comparison has come to so far.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// How many single values were compared, those that are not there included.
    pub(crate) values: usize,
    /// Where the two differ, and how.
    pub(crate) differences: Vec<String>,
}

impl Comparison {
    /// Compares all that lies at `path`; `None` is what is not there.
    pub(crate) fn add(&mut self, path: &str, expected: Option<&Value>, found: Option<&Value>) {
        match (expected, found) {
            (Some(Value::Object(expected)), Some(Value::Object(found))) => {
                self.values += 1;
                for (key, expected) in expected {
                    self.add(&format!("{path}.{key}"), Some(expected), found.get(key));
                }
                for (key, found) in found.iter().filter(|(key, _)| !expected.contains_key(*key)) {
                    self.add(&format!("{path}.{key}"), None, Some(found));
                }
            }
            (Some(Value::Array(expected)), Some(Value::Array(found))) => {
                self.values += 1;
                for at in 0..expected.len().max(found.len()) {
                    self.add(&format!("{path}[{at}]"), expected.get(at), found.get(at));
                }
            }
            (expected, found) => {
                self.values += 1;
                if expected != found {
                    self.differences.push(format!(
                        "{path}: expected {}, found {}",
                        text(expected),
                        text(found)
                    ));
                }
            }
        }
    }
}

fn text(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_difference_is_told_with_its_place() {
        let expected = json!({ "a": [1, { "b": "x" }], "gone": null, "same": [true] });
        let found = json!({ "a": [1, { "b": "y" }, 3], "new": {}, "same": [true] });
        let mut comparison = Comparison::default();
        comparison.add("row", Some(&expected), Some(&found));
        assert_eq!(
            comparison.differences,
            [
                "row.a[1].b: expected \"x\", found \"y\"",
                "row.a[2]: expected nothing, found 3",
                "row.gone: expected null, found nothing",
                "row.new: expected nothing, found {}",
            ]
        );
    }
}
