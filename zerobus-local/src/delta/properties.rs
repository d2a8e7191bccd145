//! Which of Delta's own table properties a new table takes.

use std::collections::BTreeMap;

use super::DeltaError;

/// Advice to Databricks about file layout and cost, and protocol versions that follow from the
/// columns here. They change nothing in what a table holds, so that a CREATE TABLE copied from a
/// workspace need not be edited: they are left out.
const WITHOUT_MEANING_HERE: &[&str] = &[
    "delta.autoOptimize.",
    "delta.targetFileSize",
    "delta.tuneFileSizesForRewrites",
    "delta.randomizeFilePrefixes",
    "delta.parquet.compression.codec",
    "delta.isolationLevel",
    "delta.minReaderVersion",
    "delta.minWriterVersion",
    "delta.feature.timestampNtz",
];

/// What asks of every data file, or of a checkpoint, what is not written here.
const REFUSED: &[&str] = &[
    "delta.checkpoint.writeStatsAsStruct",
    "delta.columnMapping.mode",
    "delta.enableIcebergCompatV1",
    "delta.enableIcebergCompatV2",
    "delta.enableIcebergCompatV3",
    "delta.feature.materializePartitionColumns",
];

/// The properties that go into the log. Those of users all do; what else the kernel does not
/// keep, it refuses by name.
pub(super) fn kept(
    properties: &BTreeMap<String, String>,
) -> Result<BTreeMap<String, String>, DeltaError> {
    let mut kept = properties.clone();
    kept.retain(|key, _| {
        !WITHOUT_MEANING_HERE
            .iter()
            .any(|prefix| key.starts_with(prefix))
    });
    let refused = kept.iter().find(|(key, value)| {
        REFUSED.contains(&key.as_str()) && !matches!(value.as_str(), "false" | "none")
    });
    match refused {
        None => Ok(kept),
        Some((key, value)) => Err(DeltaError::Unsupported {
            reason: format!("table property {key} = {value} is not supported; leave it out"),
        }),
    }
}
