use std::collections::BTreeSet;

/// Whether a column's name can be the name of a protobuf field (and is one the service takes).
pub(super) fn is_field_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// A message name from any text: what an identifier cannot hold becomes an underscore.
pub(super) fn message_name(text: &str) -> String {
    let mut name: String = text
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        name.insert(0, '_');
    }
    name
}

/// The name protobuf's compilers demand of the entry message of a map field.
pub(super) fn entry_name(field: &str) -> String {
    format!("{}Entry", camel_case(field))
}

/// A name for the message of a STRUCT column: its name in camel case, moved out of the way of `taken`.
pub(super) fn nested_name(field: &str, taken: &BTreeSet<String>) -> String {
    let mut base = camel_case(field);
    if !base.starts_with(|c: char| c.is_ascii_alphabetic()) {
        base.insert_str(0, "Struct");
    }
    let mut name = base.clone();
    let mut count = 1;
    while taken.contains(&name) {
        name = if count == 1 {
            format!("{base}Struct")
        } else {
            format!("{base}Struct{count}")
        };
        count += 1;
    }
    name
}

fn camel_case(field: &str) -> String {
    let mut out = String::with_capacity(field.len());
    let mut upper = true;
    for c in field.chars() {
        if c == '_' {
            upper = true;
        } else {
            out.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    out
}
