use std::collections::BTreeSet;

/// Names that generated code uses, or that a reader would mistake for what they usually mean.
const TAKEN_TYPES: [&str; 14] = [
    "Box", "BTreeMap", "Clone", "Copy", "Debug", "Default", "Err", "None", "Ok", "Option",
    "Result", "Some", "String", "Vec",
];

/// Keywords that `r#` makes a name of.
const KEYWORDS: [&str; 49] = [
    "abstract", "as", "async", "await", "become", "box", "break", "const", "continue", "do", "dyn",
    "else", "enum", "extern", "false", "final", "fn", "for", "gen", "if", "impl", "in", "let",
    "loop", "macro", "match", "mod", "move", "mut", "override", "priv", "pub", "ref", "return",
    "static", "struct", "trait", "true", "try", "type", "typeof", "union", "unsafe", "unsized",
    "use", "virtual", "where", "while", "yield",
];

/// Names given out so far in one scope; none is given twice.
#[derive(Debug)]
pub(crate) struct Names {
    taken: BTreeSet<String>,
    /// What stands between a name and its number.
    separator: &'static str,
}

impl Names {
    /// A scope for types.
    pub(crate) fn of_types() -> Self {
        Self {
            taken: TAKEN_TYPES.iter().map(|name| (*name).to_owned()).collect(),
            separator: "",
        }
    }

    /// A scope for fields or modules.
    pub(crate) fn of_values() -> Self {
        Self {
            taken: BTreeSet::new(),
            separator: "_",
        }
    }

    /// `name`, or `name` with the first free number behind it.
    pub(crate) fn give(&mut self, name: &str) -> String {
        let separator = if name.ends_with('_') {
            ""
        } else {
            self.separator
        };
        let mut given = name.to_owned();
        let mut count = 2;
        while !self.taken.insert(given.clone()) {
            given = format!("{name}{separator}{count}");
            count += 1;
        }
        given
    }

    /// Whether the name has been given.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.taken.contains(name)
    }

    /// The field names of the columns: each its own, those that need no change unchanged.
    pub(crate) fn of_fields(columns: &[&str]) -> Vec<String> {
        let mut names = Self::of_values();
        // Whoever is fine as it is comes first, so that no other column takes its name.
        let mut fields: Vec<Option<String>> = columns
            .iter()
            .map(|column| {
                let name = field_name(column);
                (name == *column).then(|| names.give(&name))
            })
            .collect();
        for (column, field) in columns.iter().zip(&mut fields) {
            field.get_or_insert_with(|| names.give(&field_name(column)));
        }
        fields.into_iter().flatten().map(raw).collect()
    }
}

/// A field or module name from a column or table name: snake case, without `r#`.
pub(crate) fn field_name(column: &str) -> String {
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
pub(crate) fn raw(name: String) -> String {
    if KEYWORDS.binary_search(&name.as_str()).is_ok() {
        format!("r#{name}")
    } else {
        name
    }
}

/// Whether rustc takes the name for snake case; a column's own may not be.
pub(crate) fn is_snake_case(name: &str) -> bool {
    let inner = name.trim_matches('_');
    !inner.contains("__") && !inner.contains(|c: char| c.is_ascii_uppercase())
}

/// A type name in camel case.
pub(crate) fn type_name(text: &str) -> String {
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

    #[test]
    fn keywords_are_sorted_for_the_search() {
        assert!(KEYWORDS.is_sorted());
    }

    #[test]
    fn columns_never_become_one_field() {
        let fields = |columns: &[&str]| Names::of_fields(columns);
        assert_eq!(
            fields(&["userID", "user_id", "UserId"]),
            ["user_id_2", "user_id", "user_id_3"]
        );
        assert_eq!(
            fields(&["_id", "id", "id_", "a__b"]),
            ["_id", "id", "id_", "a__b"]
        );
        assert_eq!(
            fields(&["self", "self_", "Self"]),
            ["self_2", "self_", "self_3"]
        );
        assert_eq!(
            fields(&["_", "__", "type", "Type"]),
            ["field_", "__", "r#type", "type_2"]
        );
        assert_eq!(fields(&["HTTPServer", "x2Y"]), ["http_server", "x2_y"]);
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
}
