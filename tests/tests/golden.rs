//! What is checked in is what its source says.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use expect_test::{expect, expect_file};
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

/// Everyone who derives builds these first, on the host.
#[test]
fn the_derive_depends_on_no_more_than_this() {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["tree", "--offline", "--package", "zerobus-derive"])
        .args([
            "--edges",
            "normal,build",
            "--target",
            "x86_64-unknown-linux-gnu",
        ])
        .args(["--prefix", "none", "--format", "{lib}"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let names = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<&str> = names
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    expect!["block_buffer cfg_if cpufeatures crypto_common digest generic_array itoa memchr proc_macro2 quote serde_core serde_json sha2 syn typenum unicode_ident version_check zerobus_derive zerobus_schema zmij"].assert_eq(&names.into_iter().collect::<Vec<_>>().join(" "));
}
