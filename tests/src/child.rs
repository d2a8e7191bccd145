//! A test in a process of its own, for what a process has once: its environment, the limits that it runs under, what
//! `tracing` keeps for good of a call site that nobody wanted to hear of when it was first met, and its life.
//!
//! Such a test runs itself again: there [`is_child`] holds, and it does the other half.

use std::env;
use std::io;
use std::process::{Command, Output, Stdio};

const CHILD: &str = "ZEROBUS_TEST_CHILD";

/// Whether this is a process that a test was run again in.
#[must_use]
pub fn is_child() -> bool {
    env::var_os(CHILD).is_some()
}

/// The test of this name, with its modules, in a process of its own.
///
/// # Errors
/// When the system does not tell which program this is.
pub fn command(test: &str) -> io::Result<Command> {
    let mut command = Command::new(env::current_exe()?);
    command.args(["--exact", "--nocapture", test]);
    command.env(CHILD, "1").stdin(Stdio::null());
    Ok(command)
}

/// Runs such a process to its end.
///
/// # Errors
/// What it said when it failed, or when there is no test of that name.
pub fn run(mut command: Command) -> Result<Output, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    let said = String::from_utf8_lossy(&output.stdout);
    // A name that no test has is a success of none.
    if output.status.success() && said.contains("test result: ok. 1 passed") {
        return Ok(output);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!("{}\n{said}\n{errors}", output.status))
}

/// Runs the test of this name again, in a process of its own, to its end.
///
/// # Errors
/// As [`run`].
pub fn run_again(test: &str) -> Result<Output, String> {
    run(command(test).map_err(|error| error.to_string())?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_that_fails_or_runs_nothing_is_a_failure() {
        if is_child() {
            panic!("the child's own words");
        }
        let error = run_again("child::tests::a_child_that_fails_or_runs_nothing_is_a_failure");
        assert!(error.unwrap_err().contains("the child's own words"));
        let error = run_again("child::tests::no_such_test").unwrap_err();
        assert!(error.contains("0 passed"), "{error}");
    }
}
