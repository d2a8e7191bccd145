//! The day, lived as a user lives it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::process::Command;

#[test]
fn nothing_is_lost_whatever_goes_wrong() {
    let output = Command::new(env!("CARGO_BIN_EXE_bad-day"))
        .output()
        .unwrap();
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{out}{err}");
    assert!(out.contains("nothing is lost"), "{out}");
    // It was a bad day indeed.
    assert!(!out.contains("reconnects   0\n"), "{out}");
}
