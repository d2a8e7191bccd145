use zerobus_schema::mapping;
use zerobus_schema::{DataType, StructField};

/// The lines of a column's documentation: its type, what a value is, and what the table says of it.
pub(super) fn column(column: &StructField) -> Vec<String> {
    let mut line = code(&sql(&column.data_type));
    if !column.nullable {
        line.push_str(" NOT NULL");
    }
    if let Some(value) = mapping::row(innermost(&column.data_type)).and_then(|row| row.value) {
        line.push_str(": ");
        line.push_str(&escape(value));
    }
    let mut lines = vec![line];
    if let Some(comment) = column.comment() {
        lines.push(String::new());
        lines.extend(comment.lines().map(|line| escape(line.trim())));
    }
    lines
}

/// The type as SQL, with the fields of a STRUCT left to the struct generated for it.
fn sql(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "STRUCT".to_owned(),
        DataType::Array(array) => format!("ARRAY<{}>", sql(&array.element)),
        DataType::Map(map) => format!("MAP<{}, {}>", sql(&map.key), sql(&map.value)),
        other => other.to_string(),
    }
}

/// The type whose values a reader of the code must know how to fill.
fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Array(array) => innermost(&array.element),
        DataType::Map(map) => innermost(&map.value),
        other => other,
    }
}

/// Text as code within Markdown, where it can stand there.
pub(super) fn code(text: &str) -> String {
    let escaped = escape(text);
    if text.contains('`') || escaped.len() < text.len() {
        escaped
    } else {
        format!("`{text}`")
    }
}

/// Text as Markdown that says just that: a table's comments may hold anything, and neither links, HTML, code that would be
/// tested, nor characters that turn the reading direction may come of it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    // rustdoc complains of a bare URL, and sees none that is escaped.
    for (i, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            ':' if text.get(i..).is_some_and(|rest| rest.starts_with("://")) => out.push_str("\\:"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
