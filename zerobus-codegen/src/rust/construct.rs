use std::fmt::Write as _;

use zerobus_schema::DataType;

use super::options::Construct;
use super::print::{ALLOW, PrintedField};

/// What makes a struct besides naming every field of it.
pub(super) fn print(
    out: &mut String,
    construct: Construct,
    name: &str,
    lifetime: &str,
    fields: &[PrintedField<'_>],
) {
    match construct {
        Construct::None => {}
        Construct::New => constructor(out, name, lifetime, fields),
        Construct::Builder => builder(out, name, lifetime, fields),
    }
}

fn is_collection(field: &PrintedField<'_>) -> bool {
    matches!(
        field.column.data_type,
        DataType::Array(_) | DataType::Map(_)
    )
}

/// Whether it is text that has to be given, which comes in many types.
fn is_text(field: &PrintedField<'_>) -> bool {
    let text = matches!(
        field.column.data_type,
        DataType::String | DataType::CollatedString(_) | DataType::Char(_) | DataType::Varchar(_)
    );
    text && is_required(field)
}

/// Whether a value has to be given.
fn is_required(field: &PrintedField<'_>) -> bool {
    !field.column.nullable && !is_collection(field)
}

fn constructor(out: &mut String, name: &str, lifetime: &str, fields: &[PrintedField<'_>]) {
    let parameters: Vec<String> = fields
        .iter()
        .filter(|field| is_required(field))
        .map(|field| format!("{}: {}", field.name, field.rust))
        .collect();
    let _ = write!(
        out,
        "\n{ALLOW}impl{lifetime} {name}{lifetime} {{\n    /// One with these values; what may be NULL is, and collections are empty.\n    #[must_use]\n    pub fn new({}) -> Self {{\n        Self {{\n",
        parameters.join(", ")
    );
    for field in fields {
        let _ = match (is_required(field), is_collection(field)) {
            (true, _) => writeln!(out, "            {},", field.name),
            (_, true) => writeln!(
                out,
                "            {}: ::core::default::Default::default(),",
                field.name
            ),
            _ => writeln!(out, "            {}: None,", field.name),
        };
    }
    out.push_str("        }\n    }\n}\n");
}

fn builder(out: &mut String, name: &str, lifetime: &str, fields: &[PrintedField<'_>]) {
    let _ = write!(
        out,
        "\n{ALLOW}impl{lifetime} {name}{lifetime} {{\n    /// Begins one in which nothing is set.\n    #[must_use]\n    pub fn builder() -> {name}Builder{lifetime} {{\n        {name}Builder::default()\n    }}\n}}\n"
    );
    let _ = write!(
        out,
        "\n/// Makes a [`{name}`].\n#[rustfmt::skip]\n#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, non_snake_case)]\n#[derive(Debug, Clone, Default)]\npub struct {name}Builder{lifetime} {{\n"
    );
    for field in fields {
        let rust = if is_required(field) {
            format!("Option<{}>", field.rust)
        } else {
            field.rust.clone()
        };
        let _ = writeln!(out, "    {}: {rust},", field.name);
    }
    let _ = write!(
        out,
        "}}\n\n#[rustfmt::skip]\n#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic, non_snake_case)]\nimpl{lifetime} {name}Builder{lifetime} {{\n"
    );
    for field in fields {
        let bare = field.name.strip_prefix("r#").unwrap_or(&field.name);
        // A number that went through `Into` would have to be written with its type.
        let (takes, given) = if is_text(field) {
            (format!("impl Into<{}>", field.rust), "value.into()")
        } else {
            (field.rust.clone(), "value")
        };
        let value = if is_required(field) {
            format!("Some({given})")
        } else {
            given.to_owned()
        };
        let _ = write!(
            out,
            "    /// Sets {}.\n    #[must_use]\n    pub fn with_{bare}(mut self, value: {takes}) -> Self {{\n        self.{} = {value};\n        self\n    }}\n\n",
            super::markdown::code(&field.column.name),
            field.name,
        );
    }
    let required: Vec<&PrintedField<'_>> = fields.iter().filter(|f| is_required(f)).collect();
    let _ = write!(
        out,
        "    /// The finished one.\n    ///\n    /// # Errors\n    /// Which NOT NULL column has no value.\n    pub fn build(self) -> Result<{name}{lifetime}, &'static str> {{\n"
    );
    let _ = writeln!(out, "        Ok({name} {{");
    for field in fields {
        if required.iter().any(|other| other.name == field.name) {
            let text = format!("column {} is NOT NULL and has no value", field.column.name);
            let _ = writeln!(
                out,
                "            {0}: self.{0}.ok_or({text:?})?,",
                field.name
            );
        } else {
            let _ = writeln!(out, "            {0}: self.{0},", field.name);
        }
    }
    out.push_str("        })\n    }\n}\n");
}
