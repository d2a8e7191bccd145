use std::collections::{BTreeMap, BTreeSet};

use prost::Message as _;
use prost_types::{DescriptorProto, FieldDescriptorProto};
use serde_json::Value;
use zerobus_record::{ColumnInfo, ColumnSource};
use zerobus_schema::diff::Finding;
use zerobus_schema::{ColumnPath, DataType, Fingerprint, StructType, TableSchema, ddl};

use super::compare;
use super::described::described;
use crate::descriptor::messages_by_name;
use crate::format::Format;

/// The metadata that makes a column one that the table computes.
const GENERATION: &str = "delta.generationExpression";
const IDENTITY: &str = "delta.identity.";

/// What is known of the table that records were made for.
#[derive(Debug, Clone)]
pub(crate) enum Expected {
    /// What a record type was compiled against.
    Compiled {
        fingerprint: Fingerprint,
        columns: &'static [ColumnInfo],
    },
    /// A schema that was read at run time.
    Table(TableSchema),
    /// Nothing but the descriptor.
    Descriptor,
}

impl Expected {
    /// What is different in the live table for these records; none when nothing can be.
    pub(super) fn differing(&self, format: &Format, live: &TableSchema) -> Option<Vec<Finding>> {
        let descriptor = format.descriptor.as_ref()?;
        let message = DescriptorProto::decode(descriptor.as_bytes()).ok()?;
        let known = match self {
            Self::Compiled { fingerprint, .. } if Fingerprint::of(live) == *fingerprint => {
                return None;
            }
            Self::Table(table) if Fingerprint::of(live) == Fingerprint::of(table) => return None,
            Self::Compiled { columns, .. } => compiled(columns).map(|mut known| {
                let filled = Filled::of(columns);
                filled.columns(&ColumnPath::default(), &mut known, &live.columns);
                known
            }),
            Self::Table(table) => Some(table.columns.clone()),
            Self::Descriptor => None,
        };
        let live = bare(live);
        let mut left_out = Vec::new();
        let columns = match known {
            Some(columns) => {
                let columns = with_generation_of(columns, &live.columns);
                let messages = messages_by_name(&message);
                let mut pruning = Pruning {
                    messages: &messages,
                    left_out: &mut left_out,
                };
                pruning.columns(&ColumnPath::default(), columns, &message)
            }
            None => described(&message, &live.columns, &mut left_out),
        };
        let old = TableSchema::new(None, columns);
        Some(compare(&bare(&old), &live, &left_out))
    }
}

/// The columns that a record type was compiled against; none where it does not say them.
fn compiled(columns: &[ColumnInfo]) -> Option<StructType> {
    let top_level = columns.iter().filter(|column| is_top_level(column.path));
    let lines: Vec<String> = top_level
        .clone()
        .map(|column| {
            let null = if column.nullable { "" } else { " NOT NULL" };
            format!("{} {}{null}", column.path, column.data_type)
        })
        .collect();
    if lines.is_empty() {
        return None;
    }
    let mut parsed = ddl::parse_columns(&lines.join(",\n")).ok()?;
    for (field, column) in parsed.fields.iter_mut().zip(top_level) {
        let key = match column.source {
            ColumnSource::Generated => GENERATION.to_owned(),
            ColumnSource::Identity => format!("{IDENTITY}start"),
            _ => continue,
        };
        // That it is computed is known, and how is not.
        field.metadata.insert(key, Value::from("unknown"));
    }
    Some(parsed)
}

/// The columns that records always have a value for, by path.
struct Filled<'a>(BTreeSet<&'a str>);

impl<'a> Filled<'a> {
    fn of(columns: &'a [ColumnInfo]) -> Self {
        let filled = columns.iter().filter(|column| column.never_null);
        Self(filled.map(|column| column.path).collect())
    }

    /// Takes such columns for NOT NULL where they are so in the live table: records fit it either way.
    fn columns(&self, path: &ColumnPath, columns: &mut StructType, live: &StructType) {
        for column in &mut columns.fields {
            let Some(live) = live.field(&column.name) else {
                continue;
            };
            let path = path.child(&column.name);
            column.nullable &= live.nullable || !self.0.contains(path.to_string().as_str());
            self.data_type(&path, &mut column.data_type, &live.data_type);
        }
    }

    fn data_type(&self, path: &ColumnPath, data_type: &mut DataType, live: &DataType) {
        match (data_type, live) {
            (DataType::Struct(fields), DataType::Struct(live)) => self.columns(path, fields, live),
            (DataType::Array(array), DataType::Array(live)) => {
                self.data_type(&path.child("element"), &mut array.element, &live.element);
            }
            (DataType::Map(map), DataType::Map(live)) => {
                self.data_type(&path.child("value"), &mut map.value, &live.value);
            }
            _ => {}
        }
    }
}

/// Whether no dot stands outside of backticks.
fn is_top_level(path: &str) -> bool {
    let mut quoted = false;
    path.chars().all(|c| {
        quoted ^= c == '`';
        quoted || c != '.'
    })
}

/// How a column is computed is not the records' affair: only whether it is.
fn with_generation_of(mut columns: StructType, live: &StructType) -> StructType {
    for column in &mut columns.fields {
        if let Some(live) = live.field(&column.name)
            && column.is_generated()
            && live.is_generated()
        {
            column.metadata.clone_from(&live.metadata);
        }
    }
    columns
}

/// The schema without what does not concern a record: comments, defaults, ids, numbers.
fn bare(table: &TableSchema) -> TableSchema {
    let mut columns = table.columns.clone();
    strip(&mut columns);
    TableSchema::new(table.table.clone(), columns)
}

fn strip(columns: &mut StructType) {
    columns.reserved.clear();
    for column in &mut columns.fields {
        column.number = None;
        column
            .metadata
            .retain(|key, _| key == GENERATION || key.starts_with(IDENTITY));
        strip_type(&mut column.data_type);
    }
}

fn strip_type(data_type: &mut DataType) {
    match data_type {
        DataType::Struct(fields) => strip(fields),
        DataType::Array(array) => strip_type(&mut array.element),
        DataType::Map(map) => {
            strip_type(&mut map.key);
            strip_type(&mut map.value);
        }
        _ => {}
    }
}

/// Takes out what a message does not carry.
struct Pruning<'a> {
    messages: &'a BTreeMap<String, &'a DescriptorProto>,
    left_out: &'a mut Vec<ColumnPath>,
}

impl Pruning<'_> {
    fn columns(
        &mut self,
        path: &ColumnPath,
        columns: StructType,
        message: &DescriptorProto,
    ) -> StructType {
        let fields: BTreeMap<&str, &FieldDescriptorProto> = message
            .field
            .iter()
            .map(|field| (field.name(), field))
            .collect();
        let mut carried = Vec::new();
        for mut column in columns.fields {
            let path = path.child(&column.name);
            match fields.get(column.name.as_str()) {
                Some(field) => {
                    column.data_type = self.data_type(&path, column.data_type, field);
                    carried.push(column);
                }
                None if column.is_generated() => carried.push(column),
                None => self.left_out.push(path),
            }
        }
        StructType::new(carried)
    }

    fn data_type(
        &mut self,
        path: &ColumnPath,
        data_type: DataType,
        field: &FieldDescriptorProto,
    ) -> DataType {
        let messages = self.messages;
        let Some(message) = messages.get(field.type_name()).copied() else {
            return data_type;
        };
        match data_type {
            DataType::Struct(fields) => DataType::Struct(self.columns(path, fields, message)),
            DataType::Array(mut array) => {
                array.element = self.data_type(&path.child("element"), array.element, field);
                DataType::Array(array)
            }
            DataType::Map(mut map) => {
                let value = message.field.iter().find(|field| field.number() == 2);
                if let Some(value) = value {
                    map.value = self.data_type(&path.child("value"), map.value, value);
                }
                DataType::Map(map)
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::dynamic::RecordSchema;

    #[test]
    fn a_dot_in_backticks_is_part_of_a_name() {
        assert!(is_top_level("a") && is_top_level("`a.b`") && is_top_level("`a``.b`"));
        assert!(!is_top_level("a.b") && !is_top_level("`a.b`.c") && !is_top_level("a.element"));
    }

    /// A type that a stream can carry, as SQL.
    fn sql_type() -> impl Strategy<Value = String> {
        let scalar = proptest::sample::select(vec![
            "BOOLEAN",
            "TINYINT",
            "SMALLINT",
            "INT",
            "BIGINT",
            "FLOAT",
            "DOUBLE",
            "DECIMAL(10,2)",
            "STRING",
            "STRING COLLATE UTF8_LCASE",
            "VARCHAR(5)",
            "CHAR(5)",
            "BINARY",
            "DATE",
            "TIMESTAMP",
            "TIMESTAMP_NTZ",
            "VARIANT",
        ]);
        let single = scalar.prop_map(str::to_owned).boxed();
        let any = single.prop_recursive(3, 12, 3, |inner| {
            let fields = proptest::collection::vec((inner, any::<bool>()), 1..3);
            fields.prop_map(|fields| {
                let fields = fields.into_iter().enumerate().map(|(at, (sql, nullable))| {
                    let null = if nullable { "" } else { " NOT NULL" };
                    // An ARRAY in a STRUCT in an ARRAY can be sent, one in another cannot.
                    match at {
                        0 => format!("f{at}: ARRAY<{sql}>{null}"),
                        _ => format!("f{at}: {sql}{null}"),
                    }
                });
                format!("STRUCT<{}>", fields.collect::<Vec<_>>().join(", "))
            })
        });
        prop_oneof![
            any.clone(),
            any.clone().prop_map(|sql| format!("ARRAY<{sql}>")),
            any.prop_map(|sql| format!("MAP<STRING, {sql}>")),
        ]
    }

    fn live() -> impl Strategy<Value = TableSchema> {
        let columns = proptest::collection::vec((sql_type(), any::<bool>()), 1..5);
        columns.prop_map(|columns| {
            let columns = columns
                .into_iter()
                .enumerate()
                .map(|(at, (sql, nullable))| {
                    let null = if nullable { "" } else { " NOT NULL" };
                    format!("c{at} {sql}{null} COMMENT 'x'")
                });
            let columns = columns.collect::<Vec<_>>().join(", ");
            ddl::parse_create_table(&format!("CREATE TABLE a.b.t ({columns})")).unwrap()
        })
    }

    /// The columns as a record type keeps them; of those that may be NULL it always fills these.
    fn compiled_of(table: &TableSchema, filled: &[&str]) -> &'static [ColumnInfo] {
        let mut columns = Vec::new();
        table.visit_fields(&mut |path, field| {
            let path = path.to_string().leak();
            let data_type = field.data_type.to_string().leak();
            let column = ColumnInfo::new(path, data_type, field.nullable);
            columns.push(match filled.contains(&column.path) {
                true => column.never_null(),
                false => column,
            });
        });
        columns.leak()
    }

    /// Makes the column at `wanted` NOT NULL.
    fn tighten(path: &ColumnPath, columns: &mut StructType, wanted: &str) {
        for column in &mut columns.fields {
            let path = path.child(&column.name);
            column.nullable &= path.to_string() != wanted;
            let (path, fields) = match &mut column.data_type {
                DataType::Array(array) => (path.child("element"), &mut array.element),
                DataType::Map(map) => (path.child("value"), &mut map.value),
                plain => (path, plain),
            };
            if let DataType::Struct(fields) = fields {
                tighten(&path, fields, wanted);
            }
        }
    }

    proptest! {
        #[test]
        fn a_table_that_has_not_changed_has_not_drifted(live in live()) {
            let schema = RecordSchema::of(&live).unwrap();
            let format = Format::dynamic(&schema);
            let compiled = |byte| Expected::Compiled {
                // Of another table, so that the columns have to be compared.
                fingerprint: Fingerprint::from_bytes([byte; 32]),
                columns: compiled_of(&live, &[]),
            };
            for expected in [Expected::Descriptor, compiled(0)] {
                prop_assert_eq!(expected.differing(&format, &live), Some(Vec::new()), "{:?}", expected);
            }
            prop_assert_eq!(Expected::Table(live.clone()).differing(&format, &live), None);
        }

        #[test]
        fn a_column_that_became_not_null_breaks_records_that_may_leave_it_null(live in live(), pick: proptest::sample::Index) {
            let mut nullable = Vec::new();
            live.visit_fields(&mut |path, field| {
                if field.nullable {
                    nullable.push(path.to_string());
                }
            });
            prop_assume!(!nullable.is_empty());
            let path = pick.get(&nullable);
            let mut tightened = live.clone();
            tighten(&ColumnPath::default(), &mut tightened.columns, path);
            let format = Format::dynamic(&RecordSchema::of(&live).unwrap());
            let expected = |filled| Expected::Compiled {
                fingerprint: Fingerprint::of(&live),
                columns: compiled_of(&live, filled),
            };
            let found = expected(&[]).differing(&format, &tightened).unwrap();
            let found: Vec<_> = found.iter().map(|f| (f.rule.id, f.path.to_string())).collect();
            prop_assert_eq!(found, [("NULLABILITY_TIGHTENED", path.clone())]);
            prop_assert_eq!(expected(&[path]).differing(&format, &tightened), Some(Vec::new()));
            // Where it still may be NULL, that records always fill it is no news.
            let elsewhere = Expected::Compiled {
                fingerprint: Fingerprint::from_bytes([0; 32]),
                columns: compiled_of(&live, &[path]),
            };
            prop_assert_eq!(elsewhere.differing(&format, &live), Some(Vec::new()));
        }

        #[test]
        fn a_column_that_is_gone_is_found_whatever_is_known(live in live(), pick: proptest::sample::Index) {
            let schema = RecordSchema::of(&live).unwrap();
            let format = Format::dynamic(&schema);
            let mut changed = live.clone();
            let gone = changed.columns.fields.remove(pick.index(live.columns.fields.len()));
            let compiled = Expected::Compiled {
                fingerprint: Fingerprint::of(&live),
                columns: compiled_of(&live, &[]),
            };
            for expected in [Expected::Descriptor, Expected::Table(live.clone()), compiled] {
                let found = expected.differing(&format, &changed).unwrap();
                let found: Vec<_> = found.iter().map(|f| (f.rule.id, f.path.to_string())).collect();
                prop_assert_eq!(found, [("FIELD_NOT_IN_TABLE", gone.name.clone())]);
            }
        }
    }
}
