//! One pair of schemas for each rule in `drift/`, what is found between them, and that nothing is where nothing changed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use proptest::prelude::*;
use zerobus_schema::diff::{self, RULES, Severity};
use zerobus_schema::{DataType, Snapshot, StructField, StructType, TableSchema, ddl, delta};

/// What no two schemas of a table can show: the command finds it among files and in the catalog.
const OF_THE_COMMAND: [&str; 8] = [
    "TABLE_GONE",
    "TABLE_ADDED",
    "SNAPSHOT_MISSING",
    "SNAPSHOT_NOT_CANONICAL",
    "OUTPUT_STALE",
    "OUTPUT_MISSING",
    "APPROVAL_EXPIRED",
    "APPROVAL_UNUSED",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(name)
}

fn read(case: &Path, side: &str) -> TableSchema {
    if let Ok(sql) = fs::read_to_string(case.join(format!("{side}.sql"))) {
        return ddl::parse_create_table(&sql).unwrap();
    }
    let json = fs::read_to_string(case.join(format!("{side}.json"))).unwrap();
    match Snapshot::parse(&json) {
        Ok(snapshot) => snapshot.schema().clone(),
        Err(_) => delta::parse_log_actions(&json).unwrap(),
    }
}

#[test]
fn every_rule_has_a_pair_that_shows_it() {
    let mut cases: Vec<PathBuf> = fs::read_dir(folder("drift"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    let mut shown = BTreeSet::new();
    for case in cases {
        // `rule` or `rule-variant`.
        let name = case.file_name().unwrap().to_str().unwrap().to_owned();
        let rule = diff::rule(name.split('-').next().unwrap()).unwrap();
        shown.insert(rule.id);
        let (old, new) = (read(&case, "old"), read(&case, "new"));
        let found = diff::diff(&old, &new);
        assert!(
            found.findings.iter().any(|finding| finding.rule == rule),
            "{}: {:#?}",
            rule.id,
            found.findings
        );
        assert!(
            found.is_compatible() != (rule.severity == Severity::Breaking),
            "{}: a pair shows changes of one severity: {:#?}",
            rule.id,
            found.findings
        );
        let mut text = String::new();
        for finding in &found.findings {
            text.push_str(&format!("{finding}\n  first: {}\n", rule_first(finding)));
            for line in finding.fix.lines() {
                text.push_str(&format!("  fix: {line}\n"));
            }
        }
        expect_file![case.join("findings.txt")].assert_eq(&text);

        for table in [&old, &new] {
            assert_eq!(diff::diff(table, table).findings, [], "{}", rule.id);
        }
    }
    shown.insert("TOO_MANY_COLUMNS"); // below, because it takes 2,001 of them
    for rule in RULES {
        let of_the_command = OF_THE_COMMAND.contains(&rule.id);
        assert!(shown.contains(rule.id) != of_the_command, "{}", rule.id);
    }
}

fn rule_first(finding: &diff::Finding) -> &'static str {
    finding.rule.deploy_first.as_str()
}

#[test]
fn nothing_changed_nothing_reported() {
    let mut count = 0;
    for case in fs::read_dir(folder("golden")).unwrap() {
        let sql = fs::read_to_string(case.unwrap().path().join("table.sql")).unwrap();
        for table in ddl::parse_create_tables(&sql).unwrap() {
            assert_eq!(diff::diff(&table, &table).findings, []);
            // A snapshot knows the columns alone.
            let snapshot = Snapshot::new(table.clone());
            let mut columns = diff::DiffOptions::default();
            columns.table = false;
            let found = diff::diff_with(snapshot.schema(), &table, &columns);
            assert_eq!(found.findings, []);
            count += 1;
        }
    }
    assert!(count > 3);

    // Nor are numbers and metadata within a struct that no stream carries.
    let table = ddl::parse_create_table("CREATE TABLE a.b.c (`no name` STRUCT<x: INT>)").unwrap();
    let numbered = Snapshot::new(table.clone()).schema().clone();
    assert_ne!(table, numbered);
    assert_eq!(diff::diff(&numbered, &table).findings, []);
}

#[test]
fn a_table_that_grows_too_wide_is_found_once() {
    let wide = |columns: usize| {
        let fields = (0..columns).map(|i| StructField::nullable(format!("c{i}"), DataType::Long));
        TableSchema::new(None, StructType::new(fields.collect()))
    };
    let found = diff::diff(&wide(2_000), &wide(2_001));
    let rules: Vec<_> = found.findings.iter().map(|f| f.rule.id).collect();
    assert_eq!(rules, ["TOO_MANY_COLUMNS", "COLUMN_ADDED"]);
    assert!(!found.is_compatible());
    assert!(diff::diff(&wide(2_001), &wide(2_001)).is_compatible());
}

/// A table of some columns, by names that do not repeat.
fn some_table() -> impl Strategy<Value = TableSchema> {
    let types = prop::sample::select(vec![
        "TINYINT",
        "BIGINT",
        "DOUBLE",
        "STRING",
        "VARCHAR(9)",
        "DECIMAL(9,2)",
        "DATE",
        "TIMESTAMP",
        "VARIANT",
        "ARRAY<STRING>",
        "MAP<STRING, STRUCT<v: INT NOT NULL, w: ARRAY<STRUCT<x: DATE>>>>",
        "STRUCT<a: INT, b: STRUCT<c: TIMESTAMP_NTZ>>",
    ]);
    let column = (types, any::<bool>());
    prop::collection::vec(column, 1..12).prop_map(|columns| {
        let columns = columns.iter().enumerate().map(|(i, (sql, nullable))| {
            let mut field = StructField::nullable(format!("c{i}"), ddl::parse_type(sql).unwrap());
            field.nullable = *nullable;
            field
        });
        TableSchema::new(None, StructType::new(columns.collect()))
    })
}

proptest! {
    #[test]
    fn order_and_columns_that_may_be_null_break_nobody_and_a_column_that_goes_does(
        old in some_table(),
        more in some_table(),
        at in any::<prop::sample::Index>(),
    ) {
        prop_assert_eq!(diff::diff(&old, &old).findings, []);

        let mut new = old.clone();
        new.columns.fields.reverse();
        new.columns.fields.extend(more.columns.fields.into_iter().map(|mut field| {
            field.name = format!("new_{}", field.name);
            field.nullable = true;
            field
        }));
        prop_assert!(diff::diff(&old, &new).is_compatible());

        let gone = new.columns.fields.iter().position(|field| {
            field.name == old.columns.fields[at.index(old.columns.fields.len())].name
        });
        new.columns.fields.remove(gone.unwrap());
        let found = diff::diff(&old, &new);
        prop_assert!(!found.is_compatible());
        // And back: what is new may be missing, if it may be NULL.
        let back = diff::diff(&new, &old);
        let fields = &old.columns.fields;
        let lacks = fields.iter().find(|field| new.columns.field(&field.name).is_none());
        let required = back.findings.iter().any(|f| f.rule.id == "MISSING_REQUIRED_COLUMN");
        prop_assert_eq!(required, lacks.is_some_and(|field| !field.nullable));
    }
}
