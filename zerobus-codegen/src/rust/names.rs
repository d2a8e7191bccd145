use std::collections::BTreeSet;

use zerobus_schema::rust::{field_name, raw};

/// Names that generated code uses, or that a reader would mistake for what they usually mean.
const TAKEN_TYPES: [&str; 14] = [
    "Box", "BTreeMap", "Clone", "Copy", "Debug", "Default", "Err", "None", "Ok", "Option",
    "Result", "Some", "String", "Vec",
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

#[cfg(test)]
mod tests {
    use super::*;

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
}
