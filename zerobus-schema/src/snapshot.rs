use std::fmt;

use serde_json::{Map, Value, json};

use crate::delta;
use crate::error::SchemaError;
use crate::fingerprint::Fingerprint;
use crate::json;
use crate::name::TableRef;
use crate::number::is_usable_field_number;
use crate::path::ColumnPath;
use crate::schema::{Reserved, StructType, TableSchema};
use crate::types::DataType;

/// The format version that this release writes, and the newest that it reads.
pub const SNAPSHOT_VERSION: u64 = 1;

/// The checked-in schema of a table: `schemas/<catalog>.<schema>.<table>.json`.
///
/// The file holds a format version, the table's name, the Delta schema as Spark writes it, and the protobuf
/// number of every field together with the numbers and names that dropped fields leave behind. It holds no time
/// and nothing that changes by itself: one schema is one sequence of bytes.
///
/// ```
/// use zerobus_schema::{Snapshot, ddl};
///
/// let table = ddl::parse_create_table("CREATE TABLE main.default.t (id BIGINT NOT NULL)")?;
/// let snapshot = Snapshot::new(table);
/// assert_eq!(Snapshot::parse(&snapshot.to_json())?, snapshot);
/// assert_eq!(snapshot.file_name().as_deref(), Some("main.default.t.json"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    schema: TableSchema,
}

impl Snapshot {
    /// The snapshot of a table that has none yet: every field that has no number gets one.
    ///
    /// Only what a snapshot file holds is kept: the name and the columns.
    #[must_use]
    pub fn new(schema: TableSchema) -> Self {
        Self {
            schema: TableSchema::new(schema.table, schema.columns).numbered(),
        }
    }

    /// The snapshot that follows `self` when the table is now `schema`: numbers once given are kept, those of dropped
    /// fields are reserved.
    #[must_use]
    pub fn update(&self, schema: TableSchema) -> Self {
        let schema = TableSchema::new(schema.table, schema.columns);
        Self {
            schema: schema.with_numbers_of(&self.schema),
        }
    }

    /// Reads a snapshot file.
    ///
    /// # Errors
    /// [`SnapshotError`] when the text is not a snapshot, of a newer format, or contradicts itself.
    pub fn parse(text: &str) -> Result<Self, SnapshotError> {
        let value = json::parse(text).map_err(SnapshotError::Schema)?;
        let object = value
            .as_object()
            .filter(|object| object.contains_key("zerobus_snapshot"))
            .ok_or(SnapshotError::NotASnapshot)?;
        match object.get("zerobus_snapshot").and_then(Value::as_u64) {
            Some(SNAPSHOT_VERSION) => {}
            Some(found) => return Err(SnapshotError::Version { found }),
            None => return Err(SnapshotError::NotASnapshot),
        }
        let table = match object.get("table") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) => {
                Some(TableRef::parse(name).map_err(|error| schema_error(error.to_string()))?)
            }
            Some(other) => {
                return Err(schema_error(format!(
                    "expected `table` to be a string or null, found {}",
                    json::kind(other)
                )));
            }
        };
        let columns = object
            .get("schema")
            .ok_or_else(|| schema_error("it has no `schema`".to_owned()))?;
        let mut columns = delta::schema_from_json(columns).map_err(SnapshotError::Schema)?;
        let none = Map::new();
        let numbers = match object.get("numbers") {
            None | Some(Value::Null) => &none,
            Some(Value::Object(numbers)) => numbers,
            Some(other) => {
                return Err(schema_error(format!(
                    "expected `numbers` to be an object, found {}",
                    json::kind(other)
                )));
            }
        };
        read_numbers(&ColumnPath::default(), &mut columns, numbers)?;
        Ok(Self {
            schema: TableSchema::new(table, columns),
        })
    }

    /// The file's text: pretty JSON with a final newline, the same bytes for the same schema.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::new();
        let table = self.schema.table.as_ref().map(ToString::to_string);
        let entries = [
            ("zerobus_snapshot", json!(SNAPSHOT_VERSION)),
            ("table", json!(table)),
            ("schema", delta::schema_to_json(&self.schema.columns)),
            (
                "numbers",
                Value::Object(write_numbers(&self.schema.columns)),
            ),
        ];
        json::write_object(
            &mut out,
            entries.iter().map(|(key, value)| (*key, value)),
            0,
        );
        out.push('\n');
        out
    }

    /// The schema, every field with its number.
    #[must_use]
    pub fn schema(&self) -> &TableSchema {
        &self.schema
    }

    /// What the table asks of a record, as one hash.
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        Fingerprint::of(&self.schema)
    }

    /// The file's name in `schemas/`; `None` while the table has no full name.
    #[must_use]
    pub fn file_name(&self) -> Option<String> {
        let name = self.schema.table.as_ref()?.to_full().ok()?;
        Some(format!("{name}.json"))
    }
}

/// `{"fields": {"a": 1, "s": {"number": 2, "fields": {…}}}, "reserved": {"old": 3}}`: one object per struct, below the
/// field that holds it, whatever arrays and maps lie between.
fn write_numbers(fields: &StructType) -> Map<String, Value> {
    let mut numbers = Map::new();
    for field in &fields.fields {
        let mut entry = Map::new();
        if let Some(nested) = nested_struct(&field.data_type) {
            entry = write_numbers(nested);
        }
        let value = if entry.is_empty() {
            json!(field.number)
        } else {
            entry.insert("number".to_owned(), json!(field.number));
            Value::Object(entry)
        };
        numbers.insert(field.name.clone(), value);
    }
    let mut out = Map::new();
    out.insert("fields".to_owned(), numbers.into());
    if !fields.reserved.is_empty() {
        let reserved: Vec<Value> = fields
            .reserved
            .iter()
            .map(|reserved| json!({ "number": reserved.number, "name": reserved.name }))
            .collect();
        out.insert("reserved".to_owned(), reserved.into());
    }
    out
}

fn read_numbers(
    path: &ColumnPath,
    fields: &mut StructType,
    numbers: &Map<String, Value>,
) -> Result<(), SnapshotError> {
    let mut used = std::collections::BTreeSet::new();
    let mut take = |path: &ColumnPath, value: Option<&Value>| {
        let number = value
            .and_then(Value::as_u64)
            .and_then(|number| u32::try_from(number).ok())
            .filter(|&number| is_usable_field_number(number))
            .ok_or_else(|| SnapshotError::Number {
                path: path.clone(),
                problem: "has no usable field number".to_owned(),
            })?;
        if used.insert(number) {
            Ok(number)
        } else {
            Err(SnapshotError::Number {
                path: path.clone(),
                problem: format!("has the number {number}, which is already given or reserved"),
            })
        }
    };
    for reserved in numbers
        .get("reserved")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let name = reserved
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let number = take(&path.child(name), reserved.get("number"))?;
        fields.reserved.push(Reserved {
            number,
            name: name.to_owned(),
        });
    }
    let none = Map::new();
    let given = numbers
        .get("fields")
        .and_then(Value::as_object)
        .unwrap_or(&none);
    for field in &mut fields.fields {
        let path = path.child(&field.name);
        let entry = given.get(&field.name);
        let nested = entry.and_then(Value::as_object);
        field.number = Some(take(
            &path,
            nested.map_or(entry, |nested| nested.get("number")),
        )?);
        if let Some(inner) = nested_struct_mut(&mut field.data_type) {
            read_numbers(&path, inner, nested.unwrap_or(&none))?;
        }
    }
    Ok(())
}

/// The struct that a field's type holds, through arrays and map values; a key is never one.
fn nested_struct(data_type: &DataType) -> Option<&StructType> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::Array(array) => nested_struct(&array.element),
        DataType::Map(map) => nested_struct(&map.value),
        _ => None,
    }
}

fn nested_struct_mut(data_type: &mut DataType) -> Option<&mut StructType> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::Array(array) => nested_struct_mut(&mut array.element),
        DataType::Map(map) => nested_struct_mut(&mut map.value),
        _ => None,
    }
}

fn schema_error(message: String) -> SnapshotError {
    SnapshotError::Schema(SchemaError::new(message))
}

/// A file that is not a snapshot this release can use.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The file is something else.
    NotASnapshot,
    /// The file was written by a newer release.
    Version {
        /// The version it has.
        found: u64,
    },
    /// The table or its schema cannot be read.
    Schema(SchemaError),
    /// A field's number is missing, out of range, or given twice.
    Number {
        /// The field.
        path: ColumnPath,
        /// What is wrong with its number.
        problem: String,
    },
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotASnapshot => f.write_str(
                "not a snapshot: it has no `zerobus_snapshot` version; write one with `zerobus pull`",
            ),
            Self::Version { found } => write!(
                f,
                "the snapshot has version {found}, this release reads version {SNAPSHOT_VERSION}; update the toolkit"
            ),
            Self::Schema(error) => write!(f, "the snapshot cannot be read: {error}"),
            Self::Number { path, problem } => write!(
                f,
                "the snapshot cannot be used: column {path} {problem}; restore the file or write it anew with `zerobus pull`"
            ),
        }
    }
}

impl std::error::Error for SnapshotError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Schema(error) => Some(error),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::StructField;

    fn sample() -> Snapshot {
        let location = StructType::new(vec![
            StructField::not_null("lat", DataType::Double),
            StructField::nullable("label", DataType::Varchar(20)),
        ]);
        let mut temp = StructField::nullable("temp", DataType::Integer);
        temp.metadata.insert("comment".into(), "in °C".into());
        let name = TableRef::parse("main.default.air_quality").unwrap();
        Snapshot::new(TableSchema::new(
            Some(name),
            StructType::new(vec![
                temp,
                StructField::nullable("codes", DataType::array(DataType::Char(3))),
                StructField::nullable("seen", DataType::array(DataType::Struct(location))),
            ]),
        ))
    }

    #[test]
    fn the_file_reads_back_and_ends_with_a_newline() {
        let text = sample().to_json();
        assert!(text.ends_with("}\n"));
        assert_eq!(Snapshot::parse(&text).unwrap(), sample());
        assert_eq!(Snapshot::parse(&text).unwrap().to_json(), text);
    }

    #[test]
    fn an_update_keeps_numbers_and_reserves_those_of_dropped_columns() {
        let before = sample();
        let mut schema = before.schema().clone();
        schema.columns.fields.remove(0);
        schema
            .columns
            .fields
            .push(StructField::nullable("added", DataType::Long));
        let after = before.update(schema);
        let text = after.to_json();
        assert_eq!(Snapshot::parse(&text).unwrap(), after);
        let columns = &after.schema().columns;
        assert_eq!(columns.field("seen").unwrap().number, Some(3));
        assert_eq!(columns.field("added").unwrap().number, Some(4));
        assert_eq!(
            columns.reserved,
            [Reserved {
                number: 1,
                name: "temp".into()
            }]
        );
    }

    #[test]
    fn what_is_no_usable_snapshot_says_what_to_do() {
        let text = sample().to_json();
        for (broken, part) in [
            ("{}".to_owned(), "write one with `zerobus pull`"),
            ("[".to_owned(), "not JSON"),
            (
                text.replace("\"zerobus_snapshot\": 1", "\"zerobus_snapshot\": 2"),
                "update the toolkit",
            ),
            (
                text.replace("\"temp\": 1", "\"temp\": 2"),
                "column codes has the number 2, which is already given",
            ),
            (
                text.replace("\"temp\": 1", "\"temp\": 19500"),
                "column temp has no usable field number",
            ),
            (
                text.replace("\"lat\": 1", "\"lon\": 1"),
                "column seen.lat has no usable field number",
            ),
            (
                text.replace("main.default.air_quality", "../etc/passwd"),
                "is not a table name",
            ),
        ] {
            assert_ne!(broken, text);
            let error = Snapshot::parse(&broken).unwrap_err().to_string();
            assert!(error.contains(part), "{part}: {error}");
        }
    }
}
