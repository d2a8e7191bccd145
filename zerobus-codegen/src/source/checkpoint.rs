use std::fs::File;
use std::path::Path;

use parquet::errors::ParquetError;
use parquet::file::reader::{FileReader as _, SerializedFileReader};
use parquet::record::{Field, Row};
use parquet::schema::types::Type;
use serde_json::{Map, Value, json};
use zerobus_schema::{TableSchema, delta};

use super::error::SourceError;

/// The column of a checkpoint that holds the table's metadata; every other is left unread (Delta's PROTOCOL.md,
/// "Checkpoint Schema").
const METADATA: &str = "metaData";

/// The table whose metadata this checkpoint, or this part of one, holds.
pub(super) fn read(path: &Path) -> Result<Option<TableSchema>, SourceError> {
    let origin = path.display().to_string();
    let file = File::open(path).map_err(|error| SourceError::io(&origin, error))?;
    let Some(action) =
        metadata(file).map_err(|error| SourceError::new(&origin, error.to_string()))?
    else {
        return Ok(None);
    };
    delta::parse_log_actions(&json!({ METADATA: action }).to_string())
        .map(Some)
        .map_err(|error| SourceError::schema(&origin, error))
}

fn metadata(file: File) -> Result<Option<Value>, ParquetError> {
    let reader = SerializedFileReader::new(file)?;
    let schema = reader.metadata().file_metadata().schema();
    let wanted = schema
        .get_fields()
        .iter()
        .filter(|field| field.name() == METADATA);
    let projection = Type::group_type_builder(schema.name())
        .with_fields(wanted.cloned().collect())
        .build()?;
    if projection.get_fields().is_empty() {
        return Ok(None);
    }
    for row in reader.get_row_iter(Some(projection))? {
        if let Some((_, Field::Group(action))) = row?.get_column_iter().next() {
            return Ok(Some(object(action)));
        }
    }
    Ok(None)
}

fn object(row: &Row) -> Value {
    let fields = row.get_column_iter();
    Value::Object(
        fields
            .map(|(name, field)| (name.clone(), value(field)))
            .collect(),
    )
}

/// What a metadata action is made of: texts, numbers, lists and maps of text.
fn value(field: &Field) -> Value {
    match field {
        Field::Str(text) => text.as_str().into(),
        Field::Long(number) => (*number).into(),
        Field::Group(row) => object(row),
        Field::ListInternal(list) => list.elements().iter().map(value).collect(),
        Field::MapInternal(map) => {
            let entries = map.entries().iter().map(|(key, field)| {
                let key = match key {
                    Field::Str(text) => text.clone(),
                    other => other.to_string(),
                };
                (key, value(field))
            });
            Value::Object(entries.collect::<Map<_, _>>())
        }
        _ => Value::Null,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use parquet::data_type::{ByteArray, ByteArrayType};
    use parquet::file::writer::SerializedFileWriter;
    use parquet::schema::parser::parse_message_type;

    use super::*;

    const SCHEMA: &str = "message checkpoint {
        optional group add { optional binary path (STRING); }
        optional group metaData {
            optional binary schemaString (STRING);
            optional group partitionColumns (LIST) {
                repeated group list { optional binary element (STRING); }
            }
            optional group configuration (MAP) {
                repeated group key_value {
                    required binary key (STRING);
                    optional binary value (STRING);
                }
            }
        }
    }";

    /// A checkpoint of two rows: an added file, then the metadata; each column with its definition levels.
    fn checkpoint(path: &Path, schema_string: &str) {
        let schema = Arc::new(parse_message_type(SCHEMA).unwrap());
        let mut file =
            SerializedFileWriter::new(File::create(path).unwrap(), schema, Arc::default()).unwrap();
        let mut rows = file.next_row_group().unwrap();
        for (value, levels) in [
            ("part-0.parquet", [2, 0]),
            (schema_string, [0, 2]),
            ("day", [0, 4]),
            ("delta.appendOnly", [0, 3]),
            ("true", [0, 4]),
        ] {
            let mut column = rows.next_column().unwrap().unwrap();
            let repeated = if levels[1] > 2 {
                Some(&[0, 0][..])
            } else {
                None
            };
            column
                .typed::<ByteArrayType>()
                .write_batch(&[ByteArray::from(value)], Some(&levels), repeated)
                .unwrap();
            column.close().unwrap();
        }
        rows.close().unwrap();
        file.close().unwrap();
    }

    #[test]
    fn the_metadata_is_found_among_the_other_actions() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder
            .path()
            .join("00000000000000000010.checkpoint.parquet");
        checkpoint(
            &path,
            r#"{"type":"struct","fields":[{"name":"day","type":"date","nullable":false,"metadata":{}}]}"#,
        );
        let table = read(&path).unwrap().unwrap();

        assert_eq!(table.columns.fields[0].name, "day");
        assert_eq!(table.partition_columns, ["day"]);
        assert_eq!(table.properties["delta.appendOnly"], "true");
    }

    #[test]
    fn what_is_no_checkpoint_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("torn.checkpoint.parquet");
        std::fs::write(&path, "PAR1 torn").unwrap();
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("torn.checkpoint.parquet: "), "{error}");

        checkpoint(&path, r#"{"type":"struct","fields":[{"name":"day"}]}"#);
        let error = read(&path).unwrap_err().to_string();
        assert!(error.contains("the field has no `type`"), "{error}");
    }
}
