use serde_json::{Value, json};
use zerobus_schema::mapping;

use crate::args::{Format, Types};
use crate::exit::{Exit, Failure};
use crate::json::{FORMAT_VERSION, pretty};
use crate::output;

/// Prints the type table of the mapping.
pub(crate) fn types(args: &Types) -> Result<Exit, Failure> {
    let text = match args.format {
        Format::Human => mapping::type_table(),
        Format::Json => pretty(&table()),
    };
    output::data(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn table() -> Value {
    let types: Vec<Value> = mapping::TYPES
        .iter()
        .map(|row| {
            let rust: Vec<Value> = row
                .rust
                .iter()
                .map(|carrier| json!({ "type": carrier.rust, "feature": carrier.feature }))
                .collect();
            json!({ "delta": row.delta, "proto": row.proto, "rust": rust, "value": row.value })
        })
        .collect();
    json!({ "version": FORMAT_VERSION, "types": types })
}
