//! What is on disk when the day is over.

use std::collections::HashMap;

use serde::Deserialize;
use zerobus_client::StreamMetrics;
use zerobus_local::LocalZerobus;

use crate::{DEVICES, Error, LOST, READINGS};

/// A row as it is read back; the other columns are of no concern here.
#[derive(Deserialize)]
struct Row {
    device: String,
    seq: i64,
}

/// Every reading is there, each device's in order, and nothing more than once but what was sent again.
pub(crate) async fn check(
    server: &LocalZerobus,
    lanes: &[StreamMetrics],
    refused: usize,
) -> Result<(), Error> {
    let rows: Vec<Row> = server.rows("main.default.readings").await?;
    let mut next: HashMap<&str, i64> = HashMap::new();
    let mut again = 0;
    for row in &rows {
        let next = next.entry(&row.device).or_default();
        if row.device == format!("device-{}", LOST.0) && *next == LOST.1 {
            *next += 1; // the one that was handed out
        }
        match row.seq {
            seq if seq == *next => *next += 1,
            seq if seq < *next => again += 1,
            seq => return Err(format!("{} has {seq} before {next}", row.device).into()),
        }
    }
    println!("on disk      {} rows", rows.len());
    println!("of them      {again} more than once");
    if next.len() != DEVICES || next.values().any(|count| *count != READINGS) {
        return Err(format!("readings are missing: there are {next:?}").into());
    }
    if refused != 1 {
        return Err(format!("{refused} records were refused, and one is without a region").into());
    }
    let resent: u64 = lanes.iter().map(|lane| lane.resent_records).sum();
    if again > resent {
        return Err(format!(
            "{again} rows are there more than once, but {resent} records were sent again"
        )
        .into());
    }
    println!("nothing is lost");
    Ok(())
}
