//! The main job, run as a user runs it.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on has failed"
)]

use std::path::Path;
use std::process::{Command, Output};

use read_delta::{DeltaLog, rows};

fn quickstart(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_quickstart"))
        .args(arguments)
        .output()
        .unwrap()
}

fn rows_on_disk(table: &Path) -> usize {
    rows(table)
        .unwrap()
        .map(|batch| batch.unwrap().num_rows())
        .sum()
}

#[test]
fn every_acked_record_is_on_disk_also_after_a_second_run() {
    let data = tempfile::tempdir().unwrap();
    let folder = data.path().to_str().unwrap();
    let table = data.path().join("main/default/air_quality");
    for run in 1..=2 {
        let output = quickstart(&["--records", "3000", "--data", folder]);
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "{out}{err}");
        assert!(out.contains("acked        3000 records"), "{out}");
        assert!(
            out.contains(&format!(
                "on disk      {} rows, 3000 of them new",
                run * 3000
            )),
            "{out}"
        );
        assert_eq!(rows_on_disk(&table), run * 3000);
        assert_eq!(
            DeltaLog::read(&table).unwrap().num_records(),
            Some(run as u64 * 3000)
        );
    }
}

#[test]
fn observed_at_is_the_present_in_microseconds() {
    use arrow_array::cast::AsArray;
    use arrow_array::types::TimestampMicrosecondType;

    let micros = || {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap();
        i64::try_from(since.as_micros()).unwrap()
    };
    let data = tempfile::tempdir().unwrap();
    let before = micros();
    let output = quickstart(&["--records", "100", "--data", data.path().to_str().unwrap()]);
    let after = micros();
    assert!(output.status.success());
    let mut seen = 0;
    for batch in rows(&data.path().join("main/default/air_quality")).unwrap() {
        let batch = batch.unwrap();
        let observed = batch.column_by_name("observed_at").unwrap();
        for value in observed.as_primitive::<TimestampMicrosecondType>().values() {
            assert!(
                (before..=after).contains(value),
                "{value} is not between {before} and {after}"
            );
            seen += 1;
        }
    }
    assert_eq!(seen, 100);
}

#[test]
fn what_it_does_not_know_is_wrong_usage() {
    let output = quickstart(&["--rows", "3"]);
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("--rows"));
}
