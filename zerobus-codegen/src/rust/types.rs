use zerobus_schema::mapping;
use zerobus_schema::{DataType, StructType};

use super::options::{
    DateTimeTypes, DecimalTypes, MapTypes, RustOptions, StringTypes, VariantTypes,
};

/// The type of a value; `nested` is the name of the struct somewhere in it, and `key` says that it is that of a map, which
/// has to be compared.
pub(super) fn rust_type(options: &RustOptions, data_type: &DataType, nested: &str) -> String {
    match data_type {
        DataType::Struct(_) => nested.to_owned(),
        DataType::Array(array) => format!("Vec<{}>", rust_type(options, &array.element, nested)),
        DataType::Map(map) => {
            let name = match options.map {
                MapTypes::BTreeMap => "BTreeMap",
                MapTypes::HashMap => "HashMap",
            };
            format!(
                "::std::collections::{name}<{}, {}>",
                rust_type(options, &map.key, ""),
                rust_type(options, &map.value, nested)
            )
        }
        DataType::String
        | DataType::CollatedString(_)
        | DataType::Char(_)
        | DataType::Varchar(_) => match options.string {
            StringTypes::String => "String",
            StringTypes::Borrowed => "&'a str",
            StringTypes::Cow => "::std::borrow::Cow<'a, str>",
            StringTypes::Box => "Box<str>",
            StringTypes::Arc => "::std::sync::Arc<str>",
        }
        .to_owned(),
        scalar => carrier(options, scalar),
    }
}

/// One of the mapping's types for a scalar, by the settings.
fn carrier(options: &RustOptions, scalar: &DataType) -> String {
    let feature = match scalar {
        DataType::Date | DataType::Timestamp | DataType::TimestampNtz => match options.date_time {
            DateTimeTypes::Zerobus => None,
            DateTimeTypes::Jiff => Some("jiff"),
            DateTimeTypes::Chrono => Some("chrono"),
            DateTimeTypes::Time => Some("time"),
        },
        DataType::Decimal(_) => match options.decimal {
            DecimalTypes::Text => None,
            DecimalTypes::String => return "String".to_owned(),
            DecimalTypes::RustDecimal => Some("rust_decimal"),
            DecimalTypes::BigDecimal => Some("bigdecimal"),
        },
        DataType::Variant if options.variant == VariantTypes::Value => {
            return "::serde_json::Value".to_owned();
        }
        _ => None,
    };
    let rust = mapping::row(scalar)
        .into_iter()
        .flat_map(|row| row.rust)
        .find(|carrier| match feature {
            Some(feature) => carrier.feature == Some(feature),
            // The first that asks for no other crate.
            None => carrier.feature.is_none() && !carrier.rust.contains("::"),
        })
        .map_or("()", |carrier| carrier.rust);
    let of_ours =
        rust.starts_with(|c: char| c.is_ascii_uppercase()) && !matches!(rust, "String" | "Vec<u8>");
    if of_ours {
        format!("::{}::{rust}", options.record_crate)
    } else if feature.is_some() {
        format!("::{}", rust.replace("<Utc>", "<::chrono::Utc>"))
    } else {
        rust.to_owned()
    }
}

/// Whether values of the type hold something borrowed.
pub(super) fn borrows(options: &RustOptions, data_type: &DataType) -> bool {
    if !matches!(options.string, StringTypes::Borrowed | StringTypes::Cow) {
        return false;
    }
    match data_type {
        DataType::String
        | DataType::CollatedString(_)
        | DataType::Char(_)
        | DataType::Varchar(_) => true,
        DataType::Array(array) => borrows(options, &array.element),
        DataType::Map(map) => borrows(options, &map.key) || borrows(options, &map.value),
        _ => false,
    }
}

/// The struct that a type holds, through arrays and map values.
pub(super) fn nested_struct(data_type: &DataType) -> Option<&StructType> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::Array(array) => nested_struct(&array.element),
        DataType::Map(map) => nested_struct(&map.value),
        _ => None,
    }
}
