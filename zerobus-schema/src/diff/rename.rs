use std::collections::BTreeSet;

use serde_json::Value;

use crate::schema::{StructField, StructType};

/// Beyond this many pairs nobody has renamed columns: the table is another one.
const PAIRS_MAX: usize = 4_096;

/// A column that is gone and one that is new, which seem to be the same.
pub(super) struct Rename<'a> {
    pub(super) old: &'a StructField,
    pub(super) new: &'a StructField,
    /// How that is known.
    pub(super) reason: &'static str,
}

/// Pairs what is gone with what is new, surest signs first; no column is paired twice.
pub(super) fn find<'a>(old: &'a StructType, new: &'a StructType) -> Vec<Rename<'a>> {
    let gone = without(old, new);
    let added = without(new, old);
    let mut found: Vec<Rename<'a>> = Vec::new();
    if gone.is_empty() || gone.len().saturating_mul(added.len()) > PAIRS_MAX {
        return found;
    }
    let signs: [(&'static str, Sign); 4] = [
        (
            "Delta's column mapping gives both the same id",
            |one, other, _| {
                let id = column_mapping_id(one.1);
                id.is_some() && id == column_mapping_id(other.1)
            },
        ),
        (
            "a guess: the names differ in case alone",
            |one, other, _| one.1.name.to_lowercase() == other.1.name.to_lowercase(),
        ),
        (
            "a guess: the type and the place are the same",
            |one, other, _| one.0 == other.0 && alike(one.1, other.1),
        ),
        (
            "a guess: no other column of this type is gone or new",
            |one, other, (gone, added)| {
                let only = |fields: &[Placed<'_>]| {
                    let same = fields.iter().filter(|field| alike(field.1, one.1));
                    same.count() == 1
                };
                alike(one.1, other.1) && only(gone) && only(added)
            },
        ),
    ];
    let mut taken = (BTreeSet::new(), BTreeSet::new());
    for (reason, same) in signs {
        for one in &gone {
            for other in &added {
                if taken.0.contains(&one.0)
                    || taken.1.contains(&other.0)
                    || contradicted(one.1, other.1)
                    || !same(*one, *other, (&gone, &added))
                {
                    continue;
                }
                taken.0.insert(one.0);
                taken.1.insert(other.0);
                found.push(Rename {
                    old: one.1,
                    new: other.1,
                    reason,
                });
            }
        }
    }
    found
}

/// A field and its place in its struct.
type Placed<'a> = (usize, &'a StructField);
/// Whether a field that is gone is one that is new, among all that are gone and new.
type Sign = fn(Placed<'_>, Placed<'_>, (&[Placed<'_>], &[Placed<'_>])) -> bool;

/// The fields that the other struct has not.
fn without<'a>(fields: &'a StructType, other: &StructType) -> Vec<Placed<'a>> {
    let names: BTreeSet<&str> = other
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    fields
        .fields
        .iter()
        .enumerate()
        .filter(|(_, field)| !names.contains(field.name.as_str()))
        .collect()
}

fn alike(one: &StructField, other: &StructField) -> bool {
    one.is_generated() == other.is_generated()
        && one.data_type.to_string() == other.data_type.to_string()
}

/// Two ids that differ are two columns, whatever they look like.
fn contradicted(one: &StructField, other: &StructField) -> bool {
    match (column_mapping_id(one), column_mapping_id(other)) {
        (Some(one), Some(other)) => one != other,
        _ => false,
    }
}

/// Delta's identity of a column (PROTOCOL.md, "Column Mapping").
pub(super) fn column_mapping_id(field: &StructField) -> Option<i64> {
    field
        .metadata
        .get("delta.columnMapping.id")
        .and_then(Value::as_i64)
}
