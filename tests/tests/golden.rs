//! What is checked in is what its source says.

use std::fs;
use std::path::Path;

use expect_test::expect_file;
use zerobus_schema::{Snapshot, ddl};

#[test]
fn each_snapshot_is_that_of_its_ddl() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    let mut count = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "sql") {
            let table = ddl::parse_create_table(&fs::read_to_string(&path).unwrap()).unwrap();
            let snapshot = Snapshot::new(table);
            let file = folder.join(snapshot.file_name().unwrap());
            assert_eq!(file, path.with_extension("json"));
            expect_file![file].assert_eq(&snapshot.to_json());
            count += 1;
        }
    }
    assert!(count > 0);
}
