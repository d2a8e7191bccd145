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
