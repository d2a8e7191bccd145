//! What everyone compiles who derives.

use std::collections::BTreeSet;
use std::env;
use std::process::Command;

/// The crates below the macro, by name. Each of them delays every crate that uses it, on every machine.
const BELOW_THE_MACRO: [&str; 20] = [
    "block-buffer",
    "cfg-if",
    "cpufeatures",
    "crypto-common",
    "digest",
    "generic-array",
    "itoa",
    "memchr",
    "proc-macro2",
    "quote",
    "serde_core",
    "serde_json",
    "sha2",
    "syn",
    "typenum",
    "unicode-ident",
    "version_check",
    "zerobus-derive",
    "zerobus-schema",
    "zmij",
];

#[test]
fn the_macro_stays_as_light_as_it_is() {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--offline",
            "--package",
            "zerobus-derive",
        ])
        .args([
            "--edges",
            "normal,build",
            "--prefix",
            "none",
            "--format",
            "{p}",
        ])
        // Other machines need other crates for the same.
        .args(["--target", "x86_64-unknown-linux-gnu"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let tree = String::from_utf8(output.stdout).unwrap();
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    assert_eq!(names, BTreeSet::from(BELOW_THE_MACRO));
}
