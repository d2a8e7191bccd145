use std::fmt;

use sha2::{Digest, Sha256};

use crate::schema::TableSchema;
use crate::types::DataType;

/// The SHA-256 of what a table asks of a record: two tables with one fingerprint take the same records.
///
/// What counts, per column in table order, nested ones included: the path, the type with its parameters, whether it
/// may be NULL, whether the table generates it. What does not: the table's name, comments, defaults, ids, field
/// numbers, properties, and whether elements and map values may be NULL (no stream can send such a NULL).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 32]);

impl Fingerprint {
    /// The fingerprint of a table.
    #[must_use]
    pub fn of(schema: &TableSchema) -> Self {
        let mut hash = Sha256::new();
        hash.update(b"zerobus fingerprint 1\n");
        schema.visit_fields(&mut |path, field| {
            let shape = match &field.data_type {
                // The fields of a struct speak for themselves, on lines of their own.
                DataType::Struct(_) => "STRUCT".to_owned(),
                other => skeleton(other),
            };
            let null = if field.nullable { "NULL" } else { "NOT NULL" };
            let generated = match (field.generation_expression(), field.is_generated()) {
                (Some(_), _) => " GENERATED",
                (None, true) => " IDENTITY",
                (None, false) => "",
            };
            hash.update(format!("{path} {shape} {null}{generated}\n"));
        });
        Self(hash.finalize().into())
    }

    /// The fingerprint that these bytes are.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

fn skeleton(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "STRUCT".to_owned(),
        DataType::Array(array) => format!("ARRAY<{}>", skeleton(&array.element)),
        DataType::Map(map) => format!("MAP<{}, {}>", skeleton(&map.key), skeleton(&map.value)),
        scalar => scalar.to_string(),
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::{StructField, StructType};

    fn table(fields: Vec<StructField>) -> Fingerprint {
        Fingerprint::of(&TableSchema::new(None, StructType::new(fields)))
    }

    #[test]
    fn only_the_contract_counts() {
        let base = table(vec![StructField::nullable("a", DataType::Long)]);
        let mut noted = StructField::nullable("a", DataType::Long);
        noted.metadata.insert("comment".into(), "a note".into());
        noted.number = Some(9);
        assert_eq!(base, table(vec![noted]));
        assert_ne!(
            base,
            table(vec![StructField::not_null("a", DataType::Long)])
        );
        assert_ne!(
            base,
            table(vec![StructField::nullable("a", DataType::Integer)])
        );
        assert_ne!(
            base,
            table(vec![StructField::nullable("A", DataType::Long)])
        );
        let mut identity = StructField::nullable("a", DataType::Long);
        identity
            .metadata
            .insert("delta.identity.start".into(), 1.into());
        assert_ne!(base, table(vec![identity]));
    }

    #[test]
    fn what_lies_in_a_struct_counts() {
        let inner = |nullable| {
            let lat = StructField {
                nullable,
                ..StructField::nullable("lat", DataType::Double)
            };
            DataType::array(DataType::Struct(StructType::new(vec![lat])))
        };
        assert_ne!(
            table(vec![StructField::nullable("p", inner(true))]),
            table(vec![StructField::nullable("p", inner(false))])
        );
    }

    #[test]
    fn a_fingerprint_stays_what_it_is() {
        // Snapshots and compiled code out there hold these bytes.
        let print = table(vec![
            StructField::not_null("device_name", DataType::String),
            StructField::nullable("temp", DataType::Integer),
        ]);
        assert_eq!(
            print.to_string(),
            "d597d9f0718f8ac6b3c2668e98a07872a350fec62ee8e829464d0989986df4ea"
        );
    }
}
