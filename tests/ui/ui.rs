//! What a mistake looks like to the one who made it, and what a change compiles again.

#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod rebuild;
mod weight;

use std::env;
use std::process::Command;

/// The cases are compiled in a package of trybuild's own, so the folder of schemas is named to them.
const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas");

#[test]
fn ui() {
    if env::var_os("ZEROBUS_SCHEMAS").as_deref() != Some(SCHEMAS.as_ref()) {
        let status = Command::new(env::current_exe().unwrap())
            .args(["--exact", "ui", "--nocapture"])
            .env("ZEROBUS_SCHEMAS", SCHEMAS)
            .status()
            .unwrap();
        assert!(status.success(), "see above");
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*.rs");
}
