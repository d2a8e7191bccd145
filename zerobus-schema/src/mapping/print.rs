use std::fmt::Write as _;

use super::table::TYPES;

/// The type table as Markdown: what the README, the documentation of `zerobus-record` and `zerobus types` show.
#[must_use]
pub fn type_table() -> String {
    let mut out = String::from("| Delta | proto2 | Rust | a value is |\n|---|---|---|---|\n");
    for row in TYPES {
        let rust: Vec<String> = row
            .rust
            .iter()
            .map(|carrier| match carrier.feature {
                Some(feature) => format!("`{}` (feature `{feature}`)", carrier.rust),
                None if carrier.rust.starts_with("a ") => carrier.rust.to_owned(),
                None => format!("`{}`", carrier.rust),
            })
            .collect();
        let value = row.value.unwrap_or("");
        let _ = writeln!(
            out,
            "| `{}` | `{}` | {} | {value} |",
            row.delta,
            row.proto,
            rust.join(", ")
        );
    }
    out
}
