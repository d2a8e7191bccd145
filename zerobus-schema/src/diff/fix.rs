use crate::mapping;
use crate::name::TableRef;
use crate::path::{ColumnPath, write_identifier};
use crate::schema::{StructField, TableSchema};
use crate::types::DataType;

/// Writes what settles a finding: statements about one table, and fields of its record.
pub(super) struct Fixes {
    table: String,
}

impl Fixes {
    pub(super) fn new(old: &TableSchema, new: &TableSchema) -> Self {
        let name = new.table.as_ref().or(old.table.as_ref());
        Self {
            table: name.map_or_else(|| "the_table".to_owned(), quoted),
        }
    }

    pub(super) fn drop_not_null(&self, path: &ColumnPath) -> String {
        self.alter(&format!("ALTER COLUMN {path} DROP NOT NULL"))
    }

    pub(super) fn add_column(&self, path: &ColumnPath, column: &StructField) -> String {
        self.alter(&format!("ADD COLUMN {path} {}", column.data_type))
    }

    pub(super) fn drop_column(&self, path: &ColumnPath) -> String {
        self.alter(&format!("DROP COLUMN {path}"))
    }

    pub(super) fn rename_column(&self, path: &ColumnPath, name: &str) -> String {
        self.alter(&format!("RENAME COLUMN {path} TO {}", identifier(name)))
    }

    pub(super) fn set_type(&self, path: &ColumnPath, data_type: &DataType) -> String {
        self.alter(&format!("ALTER COLUMN {path} TYPE {data_type}"))
    }

    fn alter(&self, what: &str) -> String {
        format!("ALTER TABLE {} {what};", self.table)
    }
}

fn quoted(table: &TableRef) -> String {
    let parts: Vec<String> = table.parts().iter().map(|part| identifier(part)).collect();
    parts.join(".")
}

fn identifier(name: &str) -> String {
    let mut out = String::new();
    // Writing into a `String` cannot fail.
    let _ = write_identifier(&mut out, name);
    out
}

/// The line of a record that carries the column.
pub(super) fn field(column: &StructField) -> String {
    let rust = rust_type(&column.data_type, &column.name);
    let collection = matches!(column.data_type, DataType::Array(_) | DataType::Map(_));
    let rust = if column.nullable && !collection {
        format!("Option<{rust}>")
    } else {
        rust
    };
    named_field(&column.name, &rust)
}

/// The line of a record that fills `column` from the field that `old` had.
pub(super) fn renamed_field(old: &str, column: &StructField) -> String {
    let attribute = format!("#[zerobus(rename = {:?})] ", column.name);
    let line = field(&StructField {
        name: old.to_owned(),
        ..column.clone()
    });
    let (_, line) = line.rsplit_once("] ").unwrap_or(("", &line));
    format!("{attribute}{line}")
}

fn named_field(column: &str, rust: &str) -> String {
    let attribute = format!("#[zerobus(rename = {column:?})] ");
    let snake = column.starts_with(|c: char| c.is_ascii_lowercase())
        && column
            .chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_');
    if !snake {
        let word = |c: char| {
            if c.is_ascii_alphanumeric() {
                c.to_ascii_lowercase()
            } else {
                '_'
            }
        };
        let ident: String = column.chars().map(word).collect();
        return format!("{attribute}pub {ident}: {rust},");
    }
    match column {
        "self" | "super" | "crate" => format!("{attribute}pub {column}_: {rust},"),
        _ if KEYWORDS.contains(&column) => format!("pub r#{column}: {rust},"),
        _ => format!("pub {column}: {rust},"),
    }
}

fn rust_type(data_type: &DataType, name: &str) -> String {
    match data_type {
        DataType::Array(array) => format!("Vec<{}>", rust_type(&array.element, name)),
        DataType::Map(map) => format!(
            "BTreeMap<{}, {}>",
            rust_type(&map.key, name),
            rust_type(&map.value, name)
        ),
        DataType::Struct(_) => name
            .split(|c: char| !c.is_ascii_alphanumeric())
            .flat_map(|word| {
                let mut chars = word.chars();
                let first = chars.next().map(|c| c.to_ascii_uppercase());
                first.into_iter().chain(chars)
            })
            .collect(),
        scalar => mapping::row(scalar)
            .and_then(|row| row.rust.first())
            .map_or("_", |carrier| carrier.rust)
            .to_owned(),
    }
}

/// Words that a field can only be called with `r#` before them.
const KEYWORDS: [&str; 46] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "unsafe", "use", "virtual",
    "where", "while",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_can_be_pasted() {
        let line = |name: &str, data_type| field(&StructField::not_null(name, data_type));
        assert_eq!(line("at", DataType::Timestamp), "pub at: TimestampMicros,");
        assert_eq!(line("type", DataType::Long), "pub r#type: i64,");
        assert_eq!(
            line("user ID", DataType::array(DataType::String)),
            "#[zerobus(rename = \"user ID\")] pub user_id: Vec<String>,"
        );
        assert_eq!(
            field(&StructField::nullable(
                "home_address",
                DataType::Struct(Default::default())
            )),
            "pub home_address: Option<HomeAddress>,"
        );
    }
}
