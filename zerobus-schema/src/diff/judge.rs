use super::rule::{self, Rule};
use crate::mapping::{row, scalar};
use crate::types::DataType;

/// What a change of one scalar type to another means: the rules it falls under, each with what to say. None for types
/// that are the same.
pub(super) fn scalars(old: &DataType, new: &DataType) -> Vec<(&'static Rule, String)> {
    if old == new {
        return Vec::new();
    }
    let change = format!("{old} has become {new}");
    if let (Some(old), Some(new)) = (Text::of(old), Text::of(new)) {
        return texts(&old, &new, &change);
    }
    if let (DataType::Decimal(old), DataType::Decimal(new)) = (old, new) {
        let before = |d: crate::types::DecimalType| d.precision() - d.scale();
        let mut found = Vec::new();
        if before(*new) < before(*old) {
            let text = format!(
                "{change}: digits before the point are {}, were {}",
                before(*new),
                before(*old)
            );
            found.push((&rule::PRECISION_REDUCED, text));
        }
        if new.scale() < old.scale() {
            let text = format!(
                "{change}: digits behind the point are {}, were {}",
                new.scale(),
                old.scale()
            );
            found.push((&rule::SCALE_REDUCED, text));
        }
        if found.is_empty() {
            found.push((&rule::PRECISION_EXTENDED, change));
        }
        return found;
    }
    if let (Some(old), Some(new)) = (int32_width(old), int32_width(new)) {
        let rule = if new > old {
            &rule::TYPE_WIDENED
        } else {
            &rule::TYPE_NARROWED
        };
        return vec![(rule, format!("{change}; both travel as int32"))];
    }
    let (one, other) = (wire(old), wire(new));
    if one == other && scalar(old).is_some() {
        let text = format!("{change}; both travel as {one}, with another meaning");
        return vec![(&rule::MEANING_CHANGED, text)];
    }
    if row(new).is_none() {
        let text = format!("{change}, which no stream can carry");
        return vec![(&rule::TYPE_INCOMPATIBLE, text)];
    }
    let asks = format!("records announce {one}, the service asks for {other}");
    vec![match (old, new) {
        (DataType::Long, _) if int32_width(new).is_some() => (
            &rule::TYPE_NARROWED,
            format!("{change}: {asks}, and larger values do not fit"),
        ),
        (_, DataType::Long) if int32_width(old).is_some() => (
            &rule::TYPE_INCOMPATIBLE,
            format!("{change}: the values read alike on the wire, but {asks}"),
        ),
        _ => (&rule::TYPE_INCOMPATIBLE, format!("{change}: {asks}")),
    }]
}

/// What a type travels as, in words.
fn wire(data_type: &DataType) -> &'static str {
    match (data_type, scalar(data_type)) {
        (_, Some(scalar)) => scalar.as_str(),
        (DataType::Array(_), _) => "a repeated field",
        (DataType::Map(_), _) => "a map",
        (DataType::Struct(_), _) => "a message",
        _ => "nothing",
    }
}

/// The bits of an integer that travels as int32.
fn int32_width(data_type: &DataType) -> Option<u8> {
    match data_type {
        DataType::Byte => Some(8),
        DataType::Short => Some(16),
        DataType::Integer => Some(32),
        _ => None,
    }
}

/// A type of the STRING family: what it takes, and how it compares.
struct Text<'a> {
    /// In characters; `None` without a limit.
    length: Option<u32>,
    padded: bool,
    collation: Option<&'a str>,
}

impl<'a> Text<'a> {
    fn of(data_type: &'a DataType) -> Option<Self> {
        let plain = Self {
            length: None,
            padded: false,
            collation: None,
        };
        match data_type {
            DataType::String => Some(plain),
            DataType::CollatedString(collation) => Some(Self {
                collation: Some(collation),
                ..plain
            }),
            DataType::Varchar(n) => Some(Self {
                length: Some(*n),
                ..plain
            }),
            DataType::Char(n) => Some(Self {
                length: Some(*n),
                padded: true,
                ..plain
            }),
            _ => None,
        }
    }

    fn limit(&self) -> u32 {
        self.length.unwrap_or(u32::MAX)
    }
}

fn texts(old: &Text<'_>, new: &Text<'_>, change: &str) -> Vec<(&'static Rule, String)> {
    let mut found = Vec::new();
    if new.limit() < old.limit() {
        let text = format!("{change}: at most {} characters", new.limit());
        found.push((&rule::LENGTH_REDUCED, text));
    } else if new.limit() > old.limit() {
        found.push((&rule::LENGTH_EXTENDED, change.to_owned()));
    } else if new.padded != old.padded {
        found.push((&rule::STRING_KIND_CHANGED, change.to_owned()));
    }
    if new.collation != old.collation {
        let name = |text: &Text<'_>| text.collation.unwrap_or("UTF8_BINARY").to_owned();
        let text = format!("the collation {} has become {}", name(old), name(new));
        found.push((&rule::COLLATION_CHANGED, text));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ddl::parse_type;

    fn rules(old: &str, new: &str) -> Vec<&'static str> {
        let (old, new) = (parse_type(old).unwrap(), parse_type(new).unwrap());
        scalars(&old, &new)
            .iter()
            .map(|(rule, _)| rule.id)
            .collect()
    }

    #[test]
    fn every_widening_is_judged_for_wire_and_service() {
        for (old, new, rule) in [
            ("TINYINT", "SMALLINT", "TYPE_WIDENED"),
            ("TINYINT", "INT", "TYPE_WIDENED"),
            ("SMALLINT", "INT", "TYPE_WIDENED"),
            // One wire format, two proto types.
            ("INT", "BIGINT", "TYPE_INCOMPATIBLE"),
            ("FLOAT", "DOUBLE", "TYPE_INCOMPATIBLE"),
            ("INT", "DOUBLE", "TYPE_INCOMPATIBLE"),
            ("INT", "DECIMAL(10,0)", "TYPE_INCOMPATIBLE"),
            ("DATE", "TIMESTAMP_NTZ", "TYPE_INCOMPATIBLE"),
            ("DECIMAL(10,2)", "DECIMAL(12,2)", "PRECISION_EXTENDED"),
            ("DECIMAL(10,2)", "DECIMAL(12,4)", "PRECISION_EXTENDED"),
            ("DECIMAL(10,2)", "DECIMAL(10,4)", "PRECISION_REDUCED"),
            ("VARCHAR(5)", "VARCHAR(6)", "LENGTH_EXTENDED"),
            ("CHAR(5)", "VARCHAR(6)", "LENGTH_EXTENDED"),
            ("VARCHAR(5)", "STRING", "LENGTH_EXTENDED"),
        ] {
            assert_eq!(rules(old, new), [rule], "{old} to {new}");
        }
    }

    #[test]
    fn what_shrinks_or_means_something_else_is_found() {
        for (old, new, expected) in [
            ("INT", "SMALLINT", &["TYPE_NARROWED"][..]),
            ("BIGINT", "INT", &["TYPE_NARROWED"]),
            ("TIMESTAMP", "TIMESTAMP_NTZ", &["MEANING_CHANGED"]),
            ("TIMESTAMP", "BIGINT", &["MEANING_CHANGED"]),
            ("BIGINT", "TIMESTAMP_NTZ", &["MEANING_CHANGED"]),
            ("DATE", "INT", &["MEANING_CHANGED"]),
            ("SMALLINT", "DATE", &["MEANING_CHANGED"]),
            ("STRING", "DECIMAL(5,2)", &["MEANING_CHANGED"]),
            ("DECIMAL(5,2)", "VARCHAR(9)", &["MEANING_CHANGED"]),
            ("STRING", "VARIANT", &["MEANING_CHANGED"]),
            ("STRING", "BINARY", &["TYPE_INCOMPATIBLE"]),
            ("BOOLEAN", "INT", &["TYPE_INCOMPATIBLE"]),
            ("INT", "INTERVAL DAY", &["TYPE_INCOMPATIBLE"]),
            ("INT", "ARRAY<INT>", &["TYPE_INCOMPATIBLE"]),
            ("STRING", "VARCHAR(9)", &["LENGTH_REDUCED"]),
            ("CHAR(9)", "CHAR(8)", &["LENGTH_REDUCED"]),
            ("CHAR(9)", "VARCHAR(9)", &["STRING_KIND_CHANGED"]),
            (
                "STRING",
                "STRING COLLATE UTF8_LCASE",
                &["COLLATION_CHANGED"],
            ),
            (
                "DECIMAL(10,2)",
                "DECIMAL(5,1)",
                &["PRECISION_REDUCED", "SCALE_REDUCED"],
            ),
            (
                "VARCHAR(3)",
                "STRING COLLATE UNICODE",
                &["LENGTH_EXTENDED", "COLLATION_CHANGED"],
            ),
        ] {
            assert_eq!(rules(old, new), expected, "{old} to {new}");
        }
    }
}
