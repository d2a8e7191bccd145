//! What a mistake looks like to the one who made it, and what a change compiles again.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test may panic")]

mod rebuild;
mod weight;

use std::env;

use zerobus_tests::child;

/// The cases are compiled in a package of trybuild's own, so the folder of schemas is named to them.
const SCHEMAS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../schemas");

#[test]
fn ui() {
    if env::var_os("ZEROBUS_SCHEMAS").as_deref() != Some(SCHEMAS.as_ref()) {
        let mut command = child::command("ui").unwrap();
        command.env("ZEROBUS_SCHEMAS", SCHEMAS);
        let output = child::run(command).unwrap_or_else(|failed| panic!("{failed}"));
        print!("{}", String::from_utf8_lossy(&output.stdout));
        return;
    }
    let cases = trybuild::TestCases::new();
    cases.pass("pass/*.rs");
    cases.compile_fail("fail/*.rs");
}
