//! Rules as a file and `PUT /faults` have them.

use std::fmt;

use serde_json::Value;
use zerobus_schema::TableName;

use super::{Fault, FaultRule};

/// Rules at most, so that a list from outside is bounded.
const RULES_MAX: usize = 1_000;

/// Why a list of faults was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct FaultError {
    message: String,
}

impl FaultRule {
    /// Reads `{"faults": [{"fault": "delay_ack", "millis": 200, "table": "c.s.t", "stream": "…", "after": 0,
    /// "times": 1, "probability": 1.0, "seed": 0}]}`; everything but `fault`, and `millis` where there is a time, may be left out.
    /// `"nth": 3` is short for `"after": 2, "times": 1`.
    ///
    /// # Errors
    /// [`FaultError`] names the rule and what is wrong with it.
    pub fn parse_list(text: &str) -> Result<Vec<Self>, FaultError> {
        let value: Value = serde_json::from_str(text)
            .map_err(|error| FaultError::new(format!("no JSON: {error}")))?;
        let list = value.get("faults").and_then(Value::as_array);
        let list =
            list.ok_or_else(|| FaultError::new("expected {\"faults\": [...]}".to_owned()))?;
        if list.len() > RULES_MAX {
            return Err(FaultError::new(format!(
                "at most {RULES_MAX} rules are taken"
            )));
        }
        let rules = list.iter().enumerate();
        rules
            .map(|(at, rule)| {
                Self::parse(rule)
                    .map_err(|problem| FaultError::new(format!("faults[{at}]: {problem}")))
            })
            .collect()
    }

    fn parse(rule: &Value) -> Result<Self, String> {
        let rule = rule.as_object().ok_or("expected an object")?;
        const KEYS: [&str; 9] = [
            "fault",
            "millis",
            "table",
            "stream",
            "after",
            "times",
            "nth",
            "probability",
            "seed",
        ];
        if let Some(key) = rule.keys().find(|key| !KEYS.contains(&key.as_str())) {
            return Err(format!(
                "unknown key {key:?}; there are {}",
                KEYS.join(", ")
            ));
        }
        let number = |key| match rule.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(value) => value
                .as_u64()
                .map(Some)
                .ok_or_else(|| format!("{key}: expected a whole number from 0, found {value}")),
        };
        let name = rule.get("fault").and_then(Value::as_str);
        let name = name.ok_or("`fault` must name one")?;
        let mut parsed = Self::new(Fault::named(name, number("millis")?)?);
        if let Some(table) = rule.get("table").filter(|table| !table.is_null()) {
            let name = TableName::parse(table.as_str().unwrap_or_default());
            parsed.table = Some(name.map_err(|error| format!("table: {error}"))?);
        }
        if let Some(stream) = rule.get("stream").filter(|stream| !stream.is_null()) {
            let id = stream.as_str().filter(|id| !id.is_empty());
            let id = id.ok_or_else(|| format!("stream: expected a stream's id, found {stream}"))?;
            parsed.stream = Some(id.to_owned());
        }
        parsed.after = number("after")?.unwrap_or_default();
        parsed.times = number("times")?;
        match number("nth")? {
            None => {}
            Some(0) => return Err("nth: counted from 1".to_owned()),
            Some(_) if parsed.after > 0 || parsed.times.is_some() => {
                return Err("nth: says when and how often, without `after` and `times`".to_owned());
            }
            Some(nth) => parsed = parsed.nth(nth),
        }
        parsed.seed = number("seed")?.unwrap_or_default();
        if let Some(probability) = rule.get("probability").filter(|value| !value.is_null()) {
            let within = probability.as_f64().filter(|p| (0.0..=1.0).contains(p));
            parsed.probability = within
                .ok_or_else(|| format!("probability: expected 0 to 1, found {probability}"))?;
        }
        Ok(parsed)
    }
}

impl FaultError {
    fn new(message: String) -> Self {
        Self { message }
    }
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for FaultError {}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::faults::Faults;

    #[test]
    fn every_name_is_read_and_told_as_it_is() {
        for name in Fault::NAMES {
            let millis = if ["delay_ack", "close_signal"].contains(&name) {
                ", \"millis\": 5"
            } else {
                ""
            };
            let text = format!(
                "{{\"faults\": [{{\"fault\": \"{name}\"{millis}, \"table\": \"c.s.t\", \"stream\": \"1\", \"times\": 2}}]}}"
            );
            let rules = FaultRule::parse_list(&text).unwrap();
            assert_eq!(rules[0].fault.name(), name);
            let told = Faults::new(rules.clone()).to_json();
            assert_eq!(told["faults"][0]["fired"], 0);
            let mut told = told["faults"][0].clone();
            told.as_object_mut()
                .unwrap()
                .retain(|key, _| key != "seen" && key != "fired");
            assert_eq!(
                FaultRule::parse_list(&json!({"faults": [told]}).to_string()).unwrap(),
                rules
            );
        }
    }

    #[test]
    fn a_list_with_a_mistake_names_it() {
        for (rule, problem) in [
            (
                json!({"fault": "nothing"}),
                "faults[0]: there is no fault \"nothing\"; there are unavailable, ",
            ),
            (json!({}), "`fault` must name one"),
            (json!({"fault": "delay_ack"}), "delay_ack needs `millis`"),
            (
                json!({"fault": "internal", "millis": 1}),
                "internal takes no `millis`",
            ),
            (
                json!({"fault": "internal", "tabel": "a.b.c"}),
                "unknown key \"tabel\"",
            ),
            (
                json!({"fault": "internal", "table": "t"}),
                "table: `t` is not a table name",
            ),
            (
                json!({"fault": "internal", "times": -1}),
                "times: expected a whole number from 0, found -1",
            ),
            (
                json!({"fault": "internal", "nth": 0}),
                "nth: counted from 1",
            ),
            (
                json!({"fault": "internal", "nth": 2, "times": 3}),
                "nth: says when and how often",
            ),
            (
                json!({"fault": "internal", "probability": 2}),
                "probability: expected 0 to 1, found 2",
            ),
            (
                json!({"fault": "internal", "stream": 1}),
                "stream: expected a stream's id, found 1",
            ),
            (json!(1), "expected an object"),
        ] {
            let error = FaultRule::parse_list(&json!({"faults": [rule]}).to_string()).unwrap_err();
            assert!(error.to_string().contains(problem), "{error}");
        }
        assert!(FaultRule::parse_list("[]").is_err());
        assert!(FaultRule::parse_list("{").is_err());
    }
}
