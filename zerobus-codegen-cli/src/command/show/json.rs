use serde_json::{Value, json};
use zerobus_schema::mapping::{Mapping, Refusal};
use zerobus_schema::proto::Message;
use zerobus_schema::{ColumnPath, DataType, Fingerprint, StructType, TableSchema, delta};

use super::{message_of, proto_type};
use crate::json::FORMAT_VERSION;

/// One table, as `{"version", "kind", "table", "fingerprint", "schema", "columns", …}`; several, as
/// `{"version", "kind", "tables"}`.
pub(super) fn json<'t>(
    kind: &str,
    tables: impl Iterator<Item = (&'t TableSchema, &'t Mapping)>,
) -> Value {
    let mut tables: Vec<Value> = tables
        .map(|(table, mapping)| describe(table, mapping))
        .collect();
    let mut answer = match tables.as_mut_slice() {
        [table] => table.take(),
        _ => json!({ "tables": tables }),
    };
    if let Some(answer) = answer.as_object_mut() {
        answer.insert("version".to_owned(), json!(FORMAT_VERSION));
        answer.insert("kind".to_owned(), json!(kind));
    }
    answer
}

fn describe(table: &TableSchema, mapping: &Mapping) -> Value {
    let numbered = table.clone().numbered();
    let mut columns = Columns {
        mapping,
        rows: Vec::new(),
    };
    columns.add(
        &ColumnPath::default(),
        &numbered.columns,
        Some(&mapping.message),
    );
    // What is about no column, but the table.
    let whole = mapping
        .refused
        .iter()
        .filter(|refusal| refusal.path.parts().is_empty());
    json!({
        "table": table.table.as_ref().map(ToString::to_string),
        "comment": table.comment,
        "partition_columns": table.partition_columns,
        "fingerprint": Fingerprint::of(table).to_string(),
        "message": mapping.message.name,
        "schema": delta::schema_to_spark_json(&table.columns),
        "columns": columns.rows,
        "refused": whole.map(ToString::to_string).collect::<Vec<_>>(),
    })
}

/// The columns with those within them, each struct before its fields.
struct Columns<'m> {
    mapping: &'m Mapping,
    rows: Vec<Value>,
}

impl Columns<'_> {
    fn add(&mut self, within: &ColumnPath, fields: &StructType, message: Option<&Message>) {
        for column in &fields.fields {
            let path = within.child(&column.name);
            let field = message.and_then(|message| message.field(&column.name));
            let (status, reason) = match field {
                Some(_) => ("mapped", None),
                None => self.missing(within, &path),
            };
            self.rows.push(json!({
                "path": path.to_string(),
                "delta_type": column.data_type.to_string(),
                "proto_type": field.map(proto_type),
                "label": field.map(|field| field.label.as_str()),
                "number": column.number,
                "nullable": column.nullable,
                "status": status,
                "reason": reason,
                "generated": column.is_generated(),
                "comment": column.comment(),
                "note": field.and_then(|field| field.note.as_deref()),
            }));
            let nested = field
                .and_then(message_of)
                .and_then(|name| message?.message(name));
            self.add_within(&path, &column.data_type, nested);
        }
    }

    fn add_within(&mut self, path: &ColumnPath, data_type: &DataType, message: Option<&Message>) {
        match data_type {
            DataType::Struct(fields) => self.add(path, fields, message),
            DataType::Array(array) => {
                self.add_within(&path.child("element"), &array.element, message);
            }
            DataType::Map(map) => {
                self.add_within(&path.child("key"), &map.key, None);
                self.add_within(&path.child("value"), &map.value, message);
            }
            _ => {}
        }
    }

    /// Why a column has no field: something is wrong with itself, within it, or with what it lies in.
    fn missing(&self, within: &ColumnPath, path: &ColumnPath) -> (&'static str, Option<String>) {
        let about = |refusal: &&Refusal| {
            let parts = refusal.path.parts();
            !parts.is_empty()
                && (parts.starts_with(path.parts()) || path.parts().starts_with(parts))
        };
        let omitted = self.mapping.omitted.iter().find(about);
        let refused = self
            .mapping
            .refused
            .iter()
            .filter(about)
            .min_by_key(|refusal| {
                // What is nearest to the column says most about it.
                refusal.path.parts().len().abs_diff(path.parts().len())
            });
        let reason = |refusal: &Refusal| {
            if refusal.path == *path {
                refusal.explanation()
            } else {
                refusal.to_string()
            }
        };
        match (omitted, refused) {
            (_, Some(refusal)) => ("refused", Some(reason(refusal))),
            (Some(refusal), None) => ("skipped", Some(reason(refusal))),
            // Nothing is wrong with it, but with another field of its STRUCT.
            (None, None) => ("refused", Some(format!("{within} is refused as a whole"))),
        }
    }
}
