//! For each folder of `golden/`: the DDL that goes in, and every text that comes out of it.

use std::fs;
use std::path::{Path, PathBuf};

use expect_test::expect_file;
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{Snapshot, ddl};

use crate::mapping::compile;

pub(crate) fn cases() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden");
    let mut cases: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

#[test]
fn every_text_of_a_table_is_the_checked_in_one() {
    for case in cases() {
        let sql = fs::read_to_string(case.join("table.sql")).unwrap();
        // The tables of a file are the same table over time.
        let mut versions = ddl::parse_create_tables(&sql).unwrap().into_iter();
        let first = Snapshot::new(versions.next().unwrap());
        let snapshot = versions.fold(first, |snapshot, next| snapshot.update(next));
        expect_file![case.join("snapshot.json")].assert_eq(&snapshot.to_json());
        assert_eq!(Snapshot::parse(&snapshot.to_json()).unwrap(), snapshot);

        let options = MappingOptions::default();
        let mapped = mapping::map(snapshot.schema(), &options);
        let proto = mapped.message.to_proto();
        expect_file![case.join("table.proto")].assert_eq(&proto);
        compile(&proto);

        let mut refusals = String::new();
        for refusal in mapped.refused.iter().chain(&mapped.omitted) {
            refusals.push_str(&format!("{}: {refusal}\n", refusal.reason.id()));
        }
        expect_file![case.join("refusals.txt")].assert_eq(&refusals);
    }
}

#[test]
fn the_ddl_of_a_golden_table_reads_back() {
    for case in cases() {
        let sql = fs::read_to_string(case.join("table.sql")).unwrap();
        for table in ddl::parse_create_tables(&sql).unwrap() {
            assert_eq!(
                ddl::parse_create_table(&ddl::create_table(&table)).unwrap(),
                table,
                "{case:?}"
            );
        }
    }
}
