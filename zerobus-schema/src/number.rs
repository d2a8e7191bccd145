use std::collections::BTreeSet;

use crate::schema::{Reserved, StructField, StructType, TableSchema};
use crate::types::DataType;

/// The largest field number protobuf has, 2^29 - 1.
pub const FIELD_NUMBER_MAX: u32 = 536_870_911;

/// Whether protobuf allows a field this number: from 1, and not in 19000-19999, which it keeps for itself.
#[must_use]
pub const fn is_usable_field_number(number: u32) -> bool {
    number >= 1 && number <= FIELD_NUMBER_MAX && !(number >= 19_000 && number <= 19_999)
}

impl TableSchema {
    /// Gives a number to every field that has none, nested ones too.
    ///
    /// In a struct where no field has one, a field gets its place, counted from 1. In any other a field gets the
    /// next number above all that are in use or reserved, so that no number ever comes back.
    #[must_use]
    pub fn numbered(mut self) -> Self {
        number_struct(&mut self.columns);
        self
    }

    /// Takes over the numbers that fields of the same path have in `previous`, and reserves the numbers and
    /// names of those that are gone. Numbers that this schema brings along give way to the kept ones.
    #[must_use]
    pub fn with_numbers_of(mut self, previous: &Self) -> Self {
        inherit_struct(&mut self.columns, &previous.columns);
        self.numbered()
    }
}

fn number_struct(fields: &mut StructType) {
    let mut used: BTreeSet<u32> = fields
        .reserved
        .iter()
        .map(|reserved| reserved.number)
        .collect();
    for field in &mut fields.fields {
        // A number that cannot stand, or stands twice, is none.
        field.number = field
            .number
            .filter(|&n| is_usable_field_number(n) && used.insert(n));
    }
    let mut next = used.last().map_or(1, |&last| last.saturating_add(1));
    for field in &mut fields.fields {
        if field.number.is_none() {
            if (19_000..20_000).contains(&next) {
                next = 20_000;
            }
            field.number = Some(next);
            next = next.saturating_add(1);
        }
        for_each_struct(&mut field.data_type, &mut number_struct);
    }
}

fn inherit_struct(fields: &mut StructType, previous: &StructType) {
    for field in &mut fields.fields {
        field.number = None;
        if let Some(old) = previous.field(&field.name) {
            field.number = old.number;
            inherit_type(&mut field.data_type, &old.data_type);
        }
    }
    let mut reserved: BTreeSet<Reserved> = previous.reserved.iter().cloned().collect();
    let gone = |old: &&StructField| !fields.fields.iter().any(|field| field.name == old.name);
    reserved.extend(previous.fields.iter().filter(gone).filter_map(|old| {
        Some(Reserved {
            number: old.number?,
            name: old.name.clone(),
        })
    }));
    fields.reserved = reserved.into_iter().collect();
}

fn inherit_type(data_type: &mut DataType, previous: &DataType) {
    match (data_type, previous) {
        (DataType::Struct(fields), DataType::Struct(old)) => inherit_struct(fields, old),
        (DataType::Array(array), DataType::Array(old)) => {
            inherit_type(&mut array.element, &old.element);
        }
        (DataType::Map(map), DataType::Map(old)) => inherit_type(&mut map.value, &old.value),
        _ => {}
    }
}

fn for_each_struct(data_type: &mut DataType, visit: &mut dyn FnMut(&mut StructType)) {
    match data_type {
        DataType::Struct(fields) => visit(fields),
        DataType::Array(array) => for_each_struct(&mut array.element, visit),
        // A struct as a key has no place in protobuf, so its fields need no numbers.
        DataType::Map(map) => for_each_struct(&mut map.value, visit),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(names: &[&str]) -> TableSchema {
        let fields = names
            .iter()
            .map(|name| StructField::nullable(*name, DataType::Long))
            .collect();
        TableSchema::new(None, StructType::new(fields))
    }

    fn numbers(table: &TableSchema) -> Vec<(&str, u32)> {
        let pair = |field: &'_ StructField| field.number.unwrap();
        table
            .columns
            .fields
            .iter()
            .map(|f| (f.name.as_str(), pair(f)))
            .collect()
    }

    #[test]
    fn a_new_table_is_numbered_by_place() {
        assert_eq!(
            numbers(&table(&["a", "b", "c"]).numbered()),
            [("a", 1), ("b", 2), ("c", 3)]
        );
    }

    #[test]
    fn numbers_outlive_reordering_and_never_come_back() {
        let first = table(&["a", "b", "c"]).numbered();
        let second = table(&["c", "x", "a"]).with_numbers_of(&first);
        assert_eq!(numbers(&second), [("c", 3), ("x", 4), ("a", 1)]);
        assert_eq!(
            second.columns.reserved,
            [Reserved {
                number: 2,
                name: "b".into()
            }]
        );
        let third = table(&["a", "c"]).with_numbers_of(&second);
        let fourth = table(&["a", "c", "y"]).with_numbers_of(&third);
        assert_eq!(numbers(&fourth), [("a", 1), ("c", 3), ("y", 5)]);
    }

    #[test]
    fn nested_structs_keep_theirs_too() {
        let nest = |names: &[&str]| {
            let inner = DataType::array(DataType::Struct(table(names).columns));
            TableSchema::new(
                None,
                StructType::new(vec![StructField::nullable("s", inner)]),
            )
        };
        let second = nest(&["b", "a"]).with_numbers_of(&nest(&["a"]).numbered());
        let mut seen = Vec::new();
        second
            .visit_fields(&mut |path, field| seen.push((path.to_string(), field.number.unwrap())));
        assert_eq!(
            seen,
            [
                ("s".into(), 1),
                ("s.element.b".into(), 2),
                ("s.element.a".into(), 1)
            ]
        );
    }

    #[test]
    fn numbers_protobuf_keeps_for_itself_are_stepped_over() {
        let mut wide = table(&["a", "b", "c"]);
        wide.columns.fields[0].number = Some(18_999);
        assert_eq!(
            numbers(&wide.numbered()),
            [("a", 18_999), ("b", 20_000), ("c", 20_001)]
        );
        let mut twice = table(&["a", "b"]);
        twice.columns.fields[0].number = Some(7);
        twice.columns.fields[1].number = Some(7);
        assert_eq!(numbers(&twice.numbered()), [("a", 7), ("b", 8)]);
    }
}
