//! What Rust code calls columns and their types: the same in generated code, in compile errors and in findings of drift.

use crate::mapping;
use crate::schema::StructField;
use crate::types::DataType;

/// Keywords that `r#` makes a name of.
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized",
    "use", "virtual", "where", "while", "yield",
];

/// The line of a record that carries the column: `device_name: Option<String>,`. A nested struct is named after the
/// column. A type that cannot be written is `_`.
///
/// ```
/// use zerobus_schema::{DataType, StructField, rust};
///
/// let column = StructField::nullable("userID", DataType::Long);
/// assert_eq!(rust::field_line(&column), r#"#[zerobus(rename = "userID")] user_id: Option<i64>,"#);
/// ```
#[must_use]
pub fn field_line(column: &StructField) -> String {
    renamed_line(&column.name, column)
}

/// The same under the name that a field has already.
pub(crate) fn renamed_line(field: &str, column: &StructField) -> String {
    let name = field_name(field);
    let rename = if name == column.name {
        String::new()
    } else {
        format!("#[zerobus(rename = {:?})] ", column.name)
    };
    let rust = type_of(&column.data_type, &column.name);
    let collection = matches!(column.data_type, DataType::Array(_) | DataType::Map(_));
    let rust = if column.nullable && !collection {
        format!("Option<{rust}>")
    } else {
        rust
    };
    format!("{rename}{}: {rust},", raw(name))
}

fn type_of(data_type: &DataType, name: &str) -> String {
    match data_type {
        DataType::Array(array) => format!("Vec<{}>", type_of(&array.element, name)),
        DataType::Map(map) => format!(
            "BTreeMap<{}, {}>",
            type_of(&map.key, name),
            type_of(&map.value, name)
        ),
        DataType::Struct(_) => type_name(name),
        scalar => mapping::row(scalar)
            .and_then(|row| row.rust.first())
            .map_or("_", |carrier| carrier.rust)
            .to_owned(),
    }
}

/// A field or module name from a column or table name: snake case, without `r#`.
#[must_use]
pub fn field_name(column: &str) -> String {
    let mut out = String::with_capacity(column.len() + 4);
    let mut chars = column.chars().peekable();
    let mut previous = '_';
    while let Some(c) = chars.next() {
        if c.is_ascii_uppercase() {
            let next_lower = chars.peek().is_some_and(char::is_ascii_lowercase);
            let starts_word = previous.is_ascii_lowercase()
                || previous.is_ascii_digit()
                || (previous.is_ascii_uppercase() && next_lower);
            if starts_word {
                out.push('_');
            }
            out.push(c.to_ascii_lowercase());
        } else if c.is_ascii_alphanumeric() {
            out.push(c);
        } else {
            out.push('_');
        }
        previous = c;
    }
    match out.as_str() {
        "" | "_" => "field_".to_owned(),
        // `r#` makes no name of these.
        "self" | "super" | "crate" => out + "_",
        _ if out.starts_with(|c: char| c.is_ascii_digit()) => format!("_{out}"),
        _ => out,
    }
}

/// The name as it stands in code.
#[must_use]
pub fn raw(name: String) -> String {
    if KEYWORDS.binary_search(&name.as_str()).is_ok() {
        format!("r#{name}")
    } else {
        name
    }
}

/// Whether rustc takes the name for snake case; a column's own may not be.
#[must_use]
pub fn is_snake_case(name: &str) -> bool {
    let inner = name.trim_matches('_');
    !inner.contains("__") && !inner.contains(|c: char| c.is_ascii_uppercase())
}

/// A type name in camel case.
#[must_use]
pub fn type_name(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for word in field_name(text).split('_') {
        let mut chars = word.chars();
        out.extend(chars.next().map(|c| c.to_ascii_uppercase()));
        out.push_str(chars.as_str());
    }
    if out.starts_with(|c: char| c.is_ascii_digit()) {
        out.insert(0, '_');
    }
    match out.as_str() {
        "" => "Field".to_owned(),
        "Self" => "SelfStruct".to_owned(),
        _ => out,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::StructType;

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn types_are_in_camel_case() {
        for (text, name) in [
            ("air_quality", "AirQuality"),
            ("Orders", "Orders"),
            ("2024_sales", "_2024Sales"),
            ("self", "SelfStruct"),
            ("_", "Field"),
        ] {
            assert_eq!(type_name(text), name);
        }
    }

    #[test]
    fn a_line_is_what_one_would_write() {
        let line = |name: &str, data_type| field_line(&StructField::not_null(name, data_type));
        let place = || StructType::new(vec![StructField::not_null("lat", DataType::Double)]);
        for (column, data_type, expected) in [
            ("device_name", DataType::String, "device_name: String,"),
            ("at", DataType::Timestamp, "at: TimestampMicros,"),
            ("type", DataType::Long, "r#type: i64,"),
            (
                "self",
                DataType::Long,
                "#[zerobus(rename = \"self\")] self_: i64,",
            ),
            (
                "user ID",
                DataType::array(DataType::String),
                "#[zerobus(rename = \"user ID\")] user_id: Vec<String>,",
            ),
            (
                "home_address",
                DataType::map(DataType::String, DataType::Struct(place())),
                "home_address: BTreeMap<String, HomeAddress>,",
            ),
        ] {
            assert_eq!(line(column, data_type), expected);
        }
        let nullable = |data_type| field_line(&StructField::nullable("home", data_type));
        assert_eq!(nullable(DataType::Struct(place())), "home: Option<Home>,");
        assert_eq!(
            nullable(DataType::array(DataType::Date)),
            "home: Vec<DateDays>,"
        );
    }
}
