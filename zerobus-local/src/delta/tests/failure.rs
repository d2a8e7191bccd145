use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow_array::{Int64Array, RecordBatch, StringArray};
use arrow_schema::{DataType, Field, Schema};
use serde_json::json;

use super::append::{SCHEMA, numbers};
use super::{create, open, reader};
use crate::delta::{DeltaError, DeltaTable, Durability, TableOptions};

fn entry(table: &Path, version: u64) -> PathBuf {
    table.join(format!("_delta_log/{version:020}.json"))
}

fn try_open(folder: &Path) -> Result<DeltaTable, DeltaError> {
    DeltaTable::open(folder, Durability::PageCache)
}

fn try_create(folder: &Path) -> Result<DeltaTable, DeltaError> {
    DeltaTable::create(
        folder,
        SCHEMA,
        &TableOptions::default(),
        Durability::PageCache,
    )
}

/// A table of ten rows in each of three commits.
fn table(folder: &Path) -> DeltaTable {
    let mut table = create(folder, SCHEMA);
    for start in [0, 10, 20] {
        table
            .append(&[numbers(&table, start..start + 10)], &[])
            .unwrap();
    }
    table
}

#[test]
fn a_torn_last_entry_is_put_aside_and_nothing_before_it_is_lost() {
    let whole = {
        let dir = tempfile::tempdir().unwrap();
        table(dir.path());
        fs::read(entry(dir.path(), 3)).unwrap()
    };
    let line = whole.iter().position(|byte| *byte == b'\n').unwrap();
    for torn in [
        &[][..],
        &[0; 512],
        &whole[..1],
        &whole[..line / 2],
        &whole[..whole.len() - 2],
    ] {
        let dir = tempfile::tempdir().unwrap();
        table(dir.path());
        fs::write(entry(dir.path(), 4), torn).unwrap();

        let mut table = open(dir.path());
        assert_eq!(table.version(), 3);
        let commit = table.append(&[numbers(&table, 30..40)], &[]).unwrap();
        assert_eq!(commit.version, 4);
        assert_eq!(reader::count(dir.path()), 40);
        let log = fs::read_dir(dir.path().join("_delta_log")).unwrap();
        let kept = log.map(|entry| entry.unwrap().path()).find(|path| {
            path.file_name()
                .unwrap()
                .to_string_lossy()
                .starts_with(".torn-")
        });
        assert_eq!(fs::read(kept.unwrap()).unwrap(), torn);
    }
}

#[test]
fn a_torn_entry_in_the_middle_is_named() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let torn = entry(dir.path(), 2);
    fs::write(&torn, b"{\"add\":{").unwrap();
    let Err(DeltaError::Corrupt { path, .. }) = try_open(dir.path()) else {
        panic!("version 2 cannot be read");
    };
    assert_eq!(path, torn.canonicalize().unwrap());
}

#[test]
fn half_a_data_file_and_a_half_made_log_entry_are_nobodys() {
    let dir = tempfile::tempdir().unwrap();
    table(dir.path());
    let half = fs::read(&reader::files(dir.path())[0]).unwrap();
    fs::write(
        dir.path().join("part-00000-half-c000.snappy.parquet"),
        &half[..half.len() / 2],
    )
    .unwrap();
    let log = dir.path().join("_delta_log");
    fs::write(log.join(".tmp-1234"), b"{\"add\"").unwrap();

    let mut table = open(dir.path());
    table.append(&[numbers(&table, 30..40)], &[]).unwrap();
    assert_eq!(reader::count(dir.path()), 40);
    assert!(!log.join(".tmp-1234").exists());
}

#[test]
fn a_table_that_was_never_created_can_be_created_again() {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("_delta_log")).unwrap();
    fs::write(entry(dir.path(), 0), b"{\"commitInfo\":{\"timest").unwrap();
    assert!(matches!(
        try_open(dir.path()),
        Err(DeltaError::NotATable { .. })
    ));
    assert_eq!(try_create(dir.path()).unwrap().version(), 0);
}

#[test]
fn a_folder_without_a_table_is_not_opened_and_one_with_a_table_not_created() {
    let dir = tempfile::tempdir().unwrap();
    assert!(matches!(
        try_open(dir.path()),
        Err(DeltaError::NotATable { .. })
    ));
    let absent = dir.path().join("absent");
    assert!(matches!(
        try_open(&absent),
        Err(DeltaError::NotATable { .. })
    ));
    let deep = dir.path().join("main/default/numbers");
    table(&deep);
    assert!(matches!(
        try_create(&deep),
        Err(DeltaError::AlreadyExists { .. })
    ));
    assert_eq!(reader::count(&deep), 30);
}

#[test]
fn a_folder_deleted_underneath_fails_the_append_and_is_not_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("numbers");
    let mut deleted = table(&folder);
    fs::remove_dir_all(&folder).unwrap();
    let rows = numbers(&deleted, 0..1);
    let failed = deleted.append(std::slice::from_ref(&rows), &[]);
    assert!(matches!(failed, Err(DeltaError::Gone { .. })));
    assert!(!folder.exists());

    // Another table in its place is not ours to write to.
    let mut other = table(&folder);
    let failed = deleted.append(std::slice::from_ref(&rows), &[]);
    assert!(matches!(failed, Err(DeltaError::Gone { .. })));
    other.append(&[rows], &[]).unwrap();
    assert_eq!(reader::count(&folder), 31);
}

#[test]
fn a_failed_commit_leaves_no_data_file_and_the_next_one_succeeds() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = table(dir.path());
    let files = || fs::read_dir(dir.path()).unwrap().count();
    let before = files();
    // A folder under the entry's name: neither an entry nor room for one.
    fs::create_dir(entry(dir.path(), 4)).unwrap();
    assert!(table.append(&[numbers(&table, 30..40)], &[]).is_err());
    fs::remove_dir(entry(dir.path(), 4)).unwrap();
    assert_eq!(files(), before);

    let commit = table.append(&[numbers(&table, 30..40)], &[]).unwrap();
    assert_eq!(commit.version, 4);
    assert_eq!(reader::count(dir.path()), 40);
}

#[test]
fn two_writers_of_one_table_take_turns() {
    let dir = tempfile::tempdir().unwrap();
    let mut one = table(dir.path());
    let mut two = open(dir.path());
    let rows = numbers(&one, 0..10);
    let mut versions = Vec::new();
    for _ in 0..3 {
        versions.push(
            one.append(std::slice::from_ref(&rows), &[])
                .unwrap()
                .version,
        );
        versions.push(
            two.append(std::slice::from_ref(&rows), &[])
                .unwrap()
                .version,
        );
    }
    assert_eq!(versions, [4, 5, 6, 7, 8, 9]);
    assert_eq!(reader::count(dir.path()), 90);
}

#[test]
fn columns_changed_by_another_writer_end_the_appends() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = table(dir.path());
    let mut metadata = reader::actions(dir.path(), "metaData").remove(0);
    metadata["schemaString"] = SCHEMA.replace("\"n\"", "\"m\"").into();
    let altered = json!({"metaData": metadata}).to_string();
    fs::write(entry(dir.path(), 4), altered).unwrap();

    let failed = table.append(&[numbers(&table, 0..1)], &[]);
    assert!(matches!(
        failed,
        Err(DeltaError::SchemaChanged { version: 4 })
    ));
    assert_eq!(open(dir.path()).arrow_schema().field(0).name(), "m");
    assert_eq!(reader::count(dir.path()), 30);
}

#[test]
fn a_batch_of_other_columns_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let mut table = table(dir.path());
    let refused = |table: &mut DeltaTable, field: Field, column| {
        let schema = Arc::new(Schema::new(vec![field]));
        let batch = RecordBatch::try_new(schema, vec![column]).unwrap();
        match table.append(&[batch], &[]) {
            Err(DeltaError::WrongBatch {
                column,
                expected,
                found,
            }) => {
                format!("{column}: {expected} / {found}")
            }
            other => panic!("{other:?}"),
        }
    };
    let text = Field::new("n", DataType::Utf8, true);
    let message = refused(&mut table, text, Arc::new(StringArray::from(vec!["1"])));
    assert!(message.starts_with("n: "), "{message}");
    assert!(
        message.contains("Int64") && message.contains("Utf8"),
        "{message}"
    );
    let renamed = Field::new("m", DataType::Int64, true);
    refused(&mut table, renamed, Arc::new(Int64Array::from(vec![1])));
    assert_eq!(reader::count(dir.path()), 30);
}

#[cfg(unix)]
#[test]
fn a_folder_that_cannot_be_written_is_named() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let mut table = table(&dir.path().join("numbers"));
    let writable = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(dir.path().join("numbers"), mode.clone()).unwrap();
        fs::set_permissions(dir.path(), mode).unwrap();
    };
    writable(0o555);
    // The superuser writes where it likes.
    let superuser = fs::write(dir.path().join("probe"), b"").is_ok();
    let appended = table.append(&[numbers(&table, 0..1)], &[]);
    let created = try_create(&dir.path().join("other"));
    writable(0o755);
    if !superuser {
        assert!(matches!(appended, Err(DeltaError::NotAllowed { .. })));
        assert!(matches!(created, Err(DeltaError::NotAllowed { .. })));
    }
}
