use serde_json::{Value, json};
use zerobus_schema::diff::{self, RULES, Rule};

use crate::args::{Explain, Format};
use crate::exit::{Exit, Failure};
use crate::json::{FORMAT_VERSION, pretty};
use crate::output;

/// Prints what a rule means, or all of them in short.
pub(crate) fn explain(args: &Explain) -> Result<Exit, Failure> {
    let rules: Vec<&Rule> = if args.rules.is_empty() {
        RULES.to_vec()
    } else {
        args.rules
            .iter()
            .map(|id| find(id))
            .collect::<Result<_, _>>()?
    };
    let text = match args.format {
        Format::Json => pretty(&json!({
            "version": FORMAT_VERSION,
            "rules": rules.iter().map(|rule| machine(rule)).collect::<Vec<_>>(),
        })),
        Format::Human if args.rules.is_empty() => list(&rules),
        Format::Human => rules
            .iter()
            .map(|rule| human(rule))
            .collect::<Vec<_>>()
            .join("\n"),
    };
    output::data(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn find(id: &str) -> Result<&'static Rule, Failure> {
    // Ids are also met with dashes, as other tools write theirs.
    diff::rule(&id.replace('-', "_")).ok_or_else(|| {
        let wanted = id.to_ascii_uppercase();
        let near: Vec<&str> = RULES
            .iter()
            .map(|rule| rule.id)
            .filter(|known| {
                wanted
                    .split(['_', '-'])
                    .any(|word| word.len() > 3 && known.contains(word))
            })
            .collect();
        let hint = if near.is_empty() {
            "`zerobus explain` lists all of them".to_owned()
        } else {
            format!("there are {}", near.join(", "))
        };
        Failure::usage(format!("there is no rule `{}`; {hint}", id.escape_debug()))
    })
}

fn machine(rule: &Rule) -> Value {
    json!({
        "id": rule.id,
        "severity": rule.severity.as_str(),
        "deploy_first": rule.deploy_first.as_str(),
        "summary": rule.summary,
        "explanation": rule.explanation,
    })
}

fn list(rules: &[&Rule]) -> String {
    let width = rules.iter().map(|rule| rule.id.len()).max().unwrap_or(0);
    rules
        .iter()
        .map(|rule| {
            format!(
                "{:width$}  {:10}  {}\n",
                rule.id,
                rule.severity.as_str(),
                rule.summary
            )
        })
        .collect()
}

fn human(rule: &Rule) -> String {
    format!(
        "{} ({})\n\n{}.\n\n{}\n\nDeployment: {}.\n",
        rule.id,
        rule.severity,
        capital(rule.summary),
        wrap(rule.explanation, 90),
        rule.deploy_first.advice()
    )
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut length = 0;
    for word in text.split(' ') {
        let count = word.chars().count();
        if length > 0 && length + 1 + count > width {
            out.push('\n');
            length = 0;
        } else if length > 0 {
            out.push(' ');
            length += 1;
        }
        out.push_str(word);
        length += count;
    }
    out
}
