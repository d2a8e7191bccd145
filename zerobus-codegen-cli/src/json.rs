use std::fmt::Write as _;

use serde_json::Value;

/// The version of everything that `--format json` prints. A key may be added within a version; none changes its meaning or
/// goes away.
pub(crate) const FORMAT_VERSION: u32 = 1;

/// Pretty JSON with a final newline and sorted keys, whatever features of `serde_json` other crates switch on.
pub(crate) fn pretty(value: &Value) -> String {
    let mut out = String::new();
    write(&mut out, value, 0);
    out.push('\n');
    out
}

fn write(out: &mut String, value: &Value, depth: usize) {
    let indent = "  ".repeat(depth + 1);
    let close = "  ".repeat(depth);
    match value {
        Value::Array(items) if !items.is_empty() => {
            for (i, item) in items.iter().enumerate() {
                let _ = write!(out, "{}\n{indent}", if i == 0 { "[" } else { "," });
                write(out, item, depth + 1);
            }
            let _ = write!(out, "\n{close}]");
        }
        Value::Object(entries) if !entries.is_empty() => {
            let mut entries: Vec<_> = entries.iter().collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            for (i, (key, item)) in entries.into_iter().enumerate() {
                let start = if i == 0 { "{" } else { "," };
                let _ = write!(out, "{start}\n{indent}{}: ", Value::from(key.as_str()));
                write(out, item, depth + 1);
            }
            let _ = write!(out, "\n{close}}}");
        }
        scalar => {
            let _ = write!(out, "{scalar}");
        }
    }
}
