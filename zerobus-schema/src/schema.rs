use std::collections::BTreeMap;

use serde_json::Value;

use crate::name::TableRef;
use crate::path::ColumnPath;
use crate::types::DataType;

/// The metadata of a field, as Delta keeps it: any JSON value under each key.
pub type Metadata = BTreeMap<String, Value>;

/// The schema of a table: what a reader of this crate yields.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableSchema {
    /// The table's name, as far as the source knew it.
    pub table: Option<TableRef>,
    /// The columns, in table order.
    pub columns: StructType,
    /// What the table is for, where the source said so.
    pub comment: Option<String>,
    /// The columns that the table is partitioned by, outermost first.
    pub partition_columns: Vec<String>,
    /// Table properties, sorted by key.
    pub properties: BTreeMap<String, String>,
    /// What tells the table from another one that takes its name later: the `table_id` of a catalog, the `id` of a
    /// Delta log. Ids of different origin are not comparable.
    pub id: Option<String>,
}

impl TableSchema {
    /// A table with these columns and nothing else known of it.
    #[must_use]
    pub fn new(table: Option<TableRef>, columns: StructType) -> Self {
        Self {
            table,
            columns,
            comment: None,
            partition_columns: Vec::new(),
            properties: BTreeMap::new(),
            id: None,
        }
    }

    /// Calls `visit` for every field, nested ones too, parents before children, in table order.
    pub fn visit_fields<'a>(&'a self, visit: &mut dyn FnMut(&ColumnPath, &'a StructField)) {
        visit_struct(&ColumnPath::default(), &self.columns, visit);
    }
}

fn visit_struct<'a>(
    path: &ColumnPath,
    fields: &'a StructType,
    visit: &mut dyn FnMut(&ColumnPath, &'a StructField),
) {
    for field in &fields.fields {
        let path = path.child(&field.name);
        visit(&path, field);
        visit_type(&path, &field.data_type, visit);
    }
}

fn visit_type<'a>(
    path: &ColumnPath,
    data_type: &'a DataType,
    visit: &mut dyn FnMut(&ColumnPath, &'a StructField),
) {
    match data_type {
        DataType::Struct(fields) => visit_struct(path, fields, visit),
        DataType::Array(array) => visit_type(&path.child("element"), &array.element, visit),
        DataType::Map(map) => {
            visit_type(&path.child("key"), &map.key, visit);
            visit_type(&path.child("value"), &map.value, visit);
        }
        _ => {}
    }
}

/// The fields of a STRUCT, or the columns of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct StructType {
    /// The fields, in order.
    pub fields: Vec<StructField>,
    /// Numbers and names of fields that were dropped and are never given again.
    pub reserved: Vec<Reserved>,
}

impl StructType {
    /// A struct of these fields, with nothing reserved.
    #[must_use]
    pub fn new(fields: Vec<StructField>) -> Self {
        Self {
            fields,
            reserved: Vec::new(),
        }
    }

    /// The field of this name; names differ by more than case in every valid table.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&StructField> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A number and name that a dropped column leaves behind.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reserved {
    /// The protobuf field number the column had.
    pub number: u32,
    /// The name the column had.
    pub name: String,
}

/// A column, or a field of a STRUCT.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct StructField {
    /// The name, exactly as the table has it.
    pub name: String,
    /// The type.
    pub data_type: DataType,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Delta's metadata (comment, column mapping, generation expression …), without what [`DataType`] says.
    pub metadata: Metadata,
    /// The protobuf field number it was given, where a source gave it one.
    pub number: Option<u32>,
}

impl StructField {
    /// A field that may be NULL.
    #[must_use]
    pub fn nullable(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            name: name.into(),
            data_type,
            nullable: true,
            metadata: Metadata::new(),
            number: None,
        }
    }

    /// A field that may not be NULL.
    #[must_use]
    pub fn not_null(name: impl Into<String>, data_type: DataType) -> Self {
        Self {
            nullable: false,
            ..Self::nullable(name, data_type)
        }
    }

    /// What was written about the column.
    #[must_use]
    pub fn comment(&self) -> Option<&str> {
        self.metadata.get("comment").and_then(Value::as_str)
    }

    /// The expression of a GENERATED ALWAYS AS column.
    #[must_use]
    pub fn generation_expression(&self) -> Option<&str> {
        self.metadata
            .get("delta.generationExpression")
            .and_then(Value::as_str)
    }

    /// Whether the table gives the column its numbers (GENERATED … AS IDENTITY).
    #[must_use]
    pub fn is_identity(&self) -> bool {
        self.metadata.contains_key("delta.identity.start")
            || self.metadata.contains_key("delta.identity.step")
    }

    /// Whether the table itself computes the column, so that no record may carry it: GENERATED ALWAYS AS, an
    /// expression or IDENTITY. A column that is GENERATED BY DEFAULT AS IDENTITY takes what a record carries.
    #[must_use]
    pub fn is_generated(&self) -> bool {
        let explicit = self.metadata.get("delta.identity.allowExplicitInsert");
        self.generation_expression().is_some()
            || (self.is_identity() && explicit.and_then(Value::as_bool) != Some(true))
    }
}
