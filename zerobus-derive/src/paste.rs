//! Field lines for missing columns, ready to paste.

use zerobus_schema::{DataType, StructField, mapping};

/// The line, or two, that give a record this column.
pub(crate) fn field(column: &StructField) -> String {
    let ident = ident(&column.name);
    let plain = ident.strip_prefix("r#").unwrap_or(&ident);
    let rename = if plain == column.name {
        String::new()
    } else {
        format!("#[zerobus(rename = {:?})] ", column.name)
    };
    let rust = rust(&column.name, &column.data_type);
    if column.nullable {
        format!("{rename}{ident}: Option<{rust}>,")
    } else {
        format!("{rename}{ident}: {rust},")
    }
}

/// The Rust type that code would have for the type of a column of this name.
fn rust(name: &str, data_type: &DataType) -> String {
    match data_type {
        DataType::Array(array) => format!("Vec<{}>", rust(name, &array.element)),
        DataType::Map(map) => {
            format!(
                "BTreeMap<{}, {}>",
                rust(name, &map.key),
                rust(name, &map.value)
            )
        }
        DataType::Struct(_) => crate::case::Case::Pascal.of_field(name),
        scalar => mapping::row(scalar)
            .and_then(|row| row.rust.first())
            .map_or("_", |carrier| carrier.rust)
            .to_owned(),
    }
}

/// A name for the field: the column's in snake case, out of the way of keywords.
fn ident(column: &str) -> String {
    let mut ident = String::new();
    let mut after_lower = false;
    for c in column.chars() {
        if c.is_uppercase() && after_lower {
            ident.push('_');
        }
        after_lower = c.is_lowercase() || c.is_ascii_digit();
        ident.extend(c.to_lowercase());
    }
    if syn::parse_str::<syn::Ident>(&ident).is_ok() {
        ident
    } else if syn::parse_str::<syn::Ident>(&format!("r#{ident}")).is_ok() {
        format!("r#{ident}")
    } else {
        format!("{ident}_")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use zerobus_schema::StructType;

    #[test]
    fn a_line_is_what_one_would_write() {
        let line = |name: &str, data_type| field(&StructField::not_null(name, data_type));
        assert_eq!(
            line("device_name", DataType::String),
            "device_name: String,"
        );
        assert_eq!(line("at", DataType::Timestamp), "at: TimestampMicros,");
        assert_eq!(line("type", DataType::Long), "r#type: i64,");
        assert_eq!(
            line("self", DataType::Long),
            "#[zerobus(rename = \"self\")] self_: i64,"
        );
        assert_eq!(
            line("userID", DataType::array(DataType::String)),
            "#[zerobus(rename = \"userID\")] user_id: Vec<String>,"
        );
        let fields = StructType::new(vec![StructField::not_null("lat", DataType::Double)]);
        assert_eq!(
            line(
                "home_address",
                DataType::map(DataType::String, DataType::Struct(fields))
            ),
            "home_address: BTreeMap<String, HomeAddress>,"
        );
    }
}
