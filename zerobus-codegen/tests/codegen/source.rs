//! The kind of a source is told from its content.

use std::fs;
use std::path::Path;

use zerobus_codegen::{SnapshotChange, Source, SourceKind, save_snapshot};
use zerobus_schema::Snapshot;

const SCHEMA: &str =
    r#"{"type":"struct","fields":[{"name":"id","type":"long","nullable":false,"metadata":{}}]}"#;

fn metadata(column: &str) -> String {
    let schema = SCHEMA.replace("\"id\"", &format!("{column:?}"));
    format!(
        r#"{{"metaData":{{"id":"x","name":"main.default.t","schemaString":{schema:?},"partitionColumns":["id"],"configuration":{{"a":"b"}}}}}}"#
    )
}

fn column_of(source: &Source) -> String {
    let table = source.table().unwrap();
    let names: Vec<&str> = table
        .columns
        .fields
        .iter()
        .map(|field| field.name.as_str())
        .collect();
    names.join(",")
}

#[test]
fn each_kind_is_known_whatever_the_file_is_called() {
    let snapshot = Snapshot::new(
        Source::read("CREATE TABLE main.default.t (id BIGINT)", "")
            .unwrap()
            .tables
            .remove(0),
    );
    let commit = format!(
        "{{\"protocol\":{{}}}}\n{}\n{{\"add\":{{}}}}\n",
        metadata("id")
    );
    for (kind, text) in [
        (SourceKind::Snapshot, snapshot.to_json()),
        (SourceKind::DeltaSchema, SCHEMA.to_owned()),
        (SourceKind::DeltaSchema, format!("{SCHEMA:?}")),
        (
            SourceKind::Catalog,
            format!(r#"{{"metadata":{{"columns":{SCHEMA}}}}}"#),
        ),
        (
            SourceKind::DeltaSchema,
            r#"[{"name":"id","type":"long"}]"#.to_owned(),
        ),
        (SourceKind::DeltaLog, metadata("id")),
        (SourceKind::DeltaLog, commit),
        (
            SourceKind::CreateTable,
            "-- a table\ncreate table t (id BIGINT)".to_owned(),
        ),
        (SourceKind::ColumnList, "id BIGINT NOT NULL".to_owned()),
        (SourceKind::ColumnList, "\u{feff}id BIGINT".to_owned()),
    ] {
        let source =
            Source::read(&text, "any.thing").unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!(source.kind, kind, "{text}");
        assert_eq!(column_of(&source), "id", "{text}");
        assert_eq!(source.stem.as_deref(), Some("any"));
    }
}

#[test]
fn a_log_tells_name_partitioning_and_properties() {
    let source = Source::read(&metadata("id"), "00.json").unwrap();
    let table = source.table().unwrap();
    assert_eq!(table.table.as_ref().unwrap().to_string(), "main.default.t");
    assert_eq!(table.partition_columns, ["id"]);
    assert_eq!(table.properties["a"], "b");
}

#[test]
fn what_holds_no_schema_says_where_and_what_was_expected() {
    for (text, part) in [
        ("", "x.sql: it is empty"),
        ("{\"a\": 1}", "x.sql: JSON without a schema"),
        ("[]", "JSON without a schema"),
        ("{\n  \"type\": \"struct\",\n", "x.sql:3:1: not JSON"),
        (
            "CREATE TABLE t (\n  id BIGINT,\n  at DATETIME)",
            "x.sql:3:6: expected a type",
        ),
        ("id BIGINT,\nat DATETIME", "x.sql:2:4: expected a type"),
        (
            "array<int>",
            "x.sql: ARRAY<INT> is a type alone; a table has columns",
        ),
        (
            r#"{"error_code":"TABLE_NOT_FOUND","message":"no t"}"#,
            "answered with an error, TABLE_NOT_FOUND: no t",
        ),
        (r#"{"metaData":{"schemaString":"{"}}"#, "not JSON"),
    ] {
        let error = Source::read(text, "x.sql").unwrap_err().to_string();
        assert!(error.contains(part), "{text:?}: {error}");
    }
    let missing = Source::open(Path::new("/no/such/file"))
        .unwrap_err()
        .to_string();
    assert!(missing.starts_with("/no/such/file: "), "{missing}");
}

#[test]
fn several_tables_are_named_where_one_is_asked_for() {
    let source = Source::read(
        "CREATE TABLE a (x INT); CREATE TABLE b (x INT);",
        "seed.sql",
    )
    .unwrap();
    assert_eq!(source.tables.len(), 2);
    let error = source.table().unwrap_err().to_string();
    assert_eq!(
        error,
        "seed.sql: expected one table, found 2: a, b; give one of them alone"
    );
}

#[test]
fn a_folder_is_read_by_the_newest_metadata_of_its_log() {
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("_delta_log");
    let open = || Source::open(folder.path());
    assert!(open().unwrap_err().to_string().contains("no _delta_log"));

    fs::create_dir(&log).unwrap();
    assert!(open().unwrap_err().to_string().contains("no commit yet"));

    let write = |name: &str, text: &str| fs::write(log.join(name), text).unwrap();
    write("00000000000000000012.json", "{\"commitInfo\":{}}\n");
    assert!(
        open()
            .unwrap_err()
            .to_string()
            .contains("the log is not whole")
    );

    write("00000000000000000009.json", &metadata("old"));
    write(
        "00000000000000000010.json",
        &format!("{}\n{{\"torn\": ", metadata("new")),
    );
    write("notes.json", &metadata("not_a_commit"));
    let source = open().unwrap();
    assert_eq!(
        (source.kind, column_of(&source)),
        (SourceKind::DeltaLog, "new".to_owned())
    );

    // A version checksum stands for the whole table at its version.
    write(
        "00000000000000000012.crc",
        &metadata("newest").replace("metaData", "metadata"),
    );
    assert_eq!(column_of(&open().unwrap()), "newest");
}

#[test]
fn a_snapshot_keeps_its_numbers_when_the_table_changes() {
    let folder = tempfile::tempdir().unwrap();
    let save = |columns: &str| {
        let ddl = format!("CREATE TABLE main.default.t ({columns})");
        let table = Source::read(&ddl, "").unwrap().tables.remove(0);
        save_snapshot(&folder.path().join("schemas"), table)
    };
    let first = save("a INT, b INT").unwrap();
    assert_eq!(first.change, SnapshotChange::Created);
    assert!(first.path.ends_with("schemas/main.default.t.json"));
    assert_eq!(
        save("a INT, b INT").unwrap().change,
        SnapshotChange::Unchanged
    );
    let changed = save("c INT, b INT").unwrap();
    assert_eq!(changed.change, SnapshotChange::Updated);
    let numbers: Vec<_> = changed
        .snapshot
        .schema()
        .columns
        .fields
        .iter()
        .map(|f| f.number)
        .collect();
    assert_eq!(numbers, [Some(3), Some(2)]);

    fs::write(&first.path, "{}").unwrap();
    let error = save("a INT").unwrap_err().to_string();
    assert!(error.contains("not a snapshot"), "{error}");
    assert_eq!(fs::read_to_string(&first.path).unwrap(), "{}");
}

/// Reads all of a public corpus of schemas, where one is at hand: no text may make a reader panic, and what Spark
/// accepts as a Delta schema is read.
#[test]
fn a_corpus_of_schemas_is_read() {
    let Some(corpus) = std::env::var_os("ZEROBUS_CORPUS") else {
        eprintln!("ZEROBUS_CORPUS is not set: nothing read");
        return;
    };
    let corpus = Path::new(&corpus);
    for (folder, kinds) in [
        (
            "delta",
            &[SourceKind::DeltaLog, SourceKind::DeltaSchema][..],
        ),
        ("ddl", &[SourceKind::CreateTable, SourceKind::ColumnList]),
        ("uc", &[SourceKind::Catalog, SourceKind::DeltaSchema]),
    ] {
        let mut files: Vec<_> = fs::read_dir(corpus.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        files.sort();
        let (mut read, mut refused) = (0, 0);
        for file in &files {
            match Source::open(file) {
                Ok(source) => {
                    assert!(
                        kinds.contains(&source.kind),
                        "{}: {:?}",
                        file.display(),
                        source.kind
                    );
                    read += 1;
                }
                Err(error) => {
                    eprintln!("{error}");
                    refused += 1;
                }
            }
        }
        eprintln!("{folder}: {read} read, {refused} refused");
        assert!(read > refused, "{folder}");
    }
}

#[test]
fn a_field_and_the_type_of_a_row_are_columns_too() {
    for text in [
        r#"{"name":"a","type":"long","nullable":true,"metadata":{}}"#,
        "struct<a:bigint>",
        "STRUCT<a: BIGINT>",
    ] {
        let source = Source::read(text, "x").unwrap();
        assert_eq!(column_of(&source), "a", "{text}");
    }
}

#[test]
fn a_proto_file_is_told_from_bad_ddl() {
    let text = "// generated\nsyntax = \"proto2\";\nmessage T { optional int32 a = 1; }";
    let error = Source::read(text, "t.proto").unwrap_err().to_string();
    assert!(error.contains("it is a .proto file"), "{error}");
}
