use std::collections::BTreeSet;
use std::fmt::Write as _;

use super::model::{Field, FieldKind, MapValue, Message};

impl Message {
    /// The text of a `.proto` file that declares this message and nothing else.
    ///
    /// Comments of columns become `//` lines, whatever they hold; the meaning of a value (units, limits) stands behind
    /// its field.
    #[must_use]
    pub fn to_proto(&self) -> String {
        self.to_proto_in(None)
    }

    /// The same text, in a package: `com.example.events`.
    #[must_use]
    pub fn to_proto_in(&self, package: Option<&str>) -> String {
        let mut out = String::from("syntax = \"proto2\";\n\n");
        if let Some(package) = package {
            let _ = writeln!(out, "package {package};\n");
        }
        print_message(&mut out, self, 0);
        out
    }
}

fn print_message(out: &mut String, message: &Message, depth: usize) {
    let indent = "  ".repeat(depth);
    let _ = writeln!(out, "{indent}message {} {{", message.name);
    for nested in &message.messages {
        print_message(out, nested, depth + 1);
        out.push('\n');
    }
    if !message.reserved.is_empty() {
        let numbers: Vec<String> = message
            .reserved
            .iter()
            .map(|r| r.number.to_string())
            .collect();
        let _ = writeln!(out, "{indent}  reserved {};", numbers.join(", "));
        let names: Vec<String> = reserved_names(message)
            .map(|name| format!("\"{name}\""))
            .collect();
        if !names.is_empty() {
            let _ = writeln!(out, "{indent}  reserved {};", names.join(", "));
        }
    }
    let shared = SharedJsonNames::of(message);
    for field in &message.fields {
        print_field(out, field, shared.explicit(field), &indent);
    }
    let _ = writeln!(out, "{indent}}}");
}

/// The names to reserve: not those that a new column has taken up again, and none that is no identifier.
pub(super) fn reserved_names(message: &Message) -> impl Iterator<Item = &str> {
    let names: BTreeSet<&str> = message
        .reserved
        .iter()
        .map(|reserved| reserved.name.as_str())
        .filter(|name| message.field(name).is_none())
        .filter(|name| name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_'))
        .filter(|name| name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_'))
        .collect();
    names.into_iter()
}

/// The names in JSON that two or more fields would have (`fooBar` and `foo_bar`), which some compilers refuse: such
/// fields get their own name as the explicit one.
pub(super) struct SharedJsonNames(BTreeSet<String>);

impl SharedJsonNames {
    pub(super) fn of(message: &Message) -> Self {
        let mut seen = BTreeSet::new();
        let names = message.fields.iter().map(|field| json_name(&field.name));
        Self(names.filter(|name| !seen.insert(name.clone())).collect())
    }

    /// The name to give a field explicitly, where it needs one.
    pub(super) fn explicit<'f>(&self, field: &'f Field) -> Option<&'f str> {
        let shared = self.0.contains(&json_name(&field.name));
        shared.then_some(field.name.as_str())
    }
}

/// The name that compilers give a field in JSON.
fn json_name(field: &str) -> String {
    let mut name = String::with_capacity(field.len());
    let mut upper = false;
    for c in field.chars() {
        if c == '_' {
            upper = true;
        } else {
            name.push(if upper { c.to_ascii_uppercase() } else { c });
            upper = false;
        }
    }
    name
}

fn print_field(out: &mut String, field: &Field, json_name: Option<&str>, indent: &str) {
    // A comment may hold anything; a line break of any kind must not end it early.
    for line in field
        .comment
        .iter()
        .flat_map(|comment| comment.split(['\n', '\r', '\u{2028}', '\u{2029}', '\u{85}']))
    {
        let line: String = line.chars().filter(|c| !c.is_control()).collect();
        let _ = writeln!(out, "{}", format!("{indent}  // {line}").trim_end());
    }
    let (name, number) = (&field.name, field.number);
    let label = field.label.as_str();
    let _ = match &field.kind {
        FieldKind::Scalar(scalar) => {
            write!(
                out,
                "{indent}  {label} {} {name} = {number}",
                scalar.as_str()
            )
        }
        FieldKind::Message(message) => {
            write!(out, "{indent}  {label} {message} {name} = {number}")
        }
        FieldKind::Map { key, value, .. } => {
            let value = match value {
                MapValue::Scalar(scalar) => scalar.as_str(),
                MapValue::Message(message) => message,
            };
            write!(
                out,
                "{indent}  map<{}, {value}> {name} = {number}",
                key.as_str()
            )
        }
    };
    if let Some(json_name) = json_name {
        let _ = write!(out, " [json_name = \"{json_name}\"]");
    }
    out.push(';');
    match &field.note {
        Some(note) => {
            let _ = writeln!(out, " // {note}");
        }
        None => out.push('\n'),
    }
}
