//! What stands below the options in the help of each command.

macro_rules! with_sources {
    ($examples:literal, $exit:literal) => {
        concat!(
            "\
Examples:
",
            $examples,
            "
A SOURCE is the full name of a table (catalog.schema.table), which is fetched from Unity Catalog; or a file; or the
folder of a Delta table; or a folder of snapshots; or `-` for the standard input. What a file holds is told from its
content: a snapshot, a catalog answer, a Delta schema, a commit of a Delta log, CREATE TABLE statements, or a bare
column list.

A table is fetched from DATABRICKS_HOST with DATABRICKS_CLIENT_ID and DATABRICKS_CLIENT_SECRET, or with
DATABRICKS_TOKEN; what the environment does not say is taken from a profile of ~/.databrickscfg.

Exit status: ",
            $exit
        )
    };
}

pub(crate) const PULL_HELP: &str = with_sources!(
    "  zerobus pull                           # every table that zerobus.toml lists
  zerobus pull main.default.air_quality
  zerobus pull main.default.orders main.default.items --schemas crates/ingest/schemas
  zerobus pull schema.sql --table main.default.air_quality
",
    "0 done, 2 wrong usage, 3 could not be done."
);

pub(crate) const SHOW_HELP: &str = with_sources!(
    "  zerobus show main.default.air_quality
  zerobus show schema.sql --format json
  echo 'id BIGINT NOT NULL, at TIMESTAMP' | zerobus show -
",
    "0 shown, 2 wrong usage, 3 could not be read."
);

pub(crate) const PROTO_HELP: &str = with_sources!(
    "  zerobus generate proto main.default.air_quality -o air_quality.proto
  zerobus generate proto schemas/main.default.air_quality.json --proto-msg AirQuality
  zerobus generate proto --uc-endpoint URL --client-id ID --table main.default.air_quality --output record.proto
",
    "0 done, 1 a file is not current (--check), 2 wrong usage, 3 could not be done."
);

pub(crate) const RUST_HELP: &str = with_sources!(
    "  zerobus generate rust main.default.air_quality -o src/air_quality.rs
  zerobus generate rust schemas/main.default.air_quality.json
",
    "0 done, 1 a file is not current (--check), 2 wrong usage, 3 could not be done."
);

pub(crate) const DESCRIPTOR_HELP: &str = with_sources!(
    "  zerobus generate descriptor schemas/main.default.air_quality.json -o air_quality.descriptor
  zerobus generate descriptor schema.sql --file-set --package com.example -o air_quality.binpb
",
    "0 done, 1 a file is not current (--check), 2 wrong usage, 3 could not be done."
);

pub(crate) const DDL_HELP: &str = with_sources!(
    "  zerobus generate ddl schemas/main.default.air_quality.json
  zerobus generate ddl /data/tables/air_quality --table main.default.air_quality
",
    "0 done, 1 a file is not current (--check), 2 wrong usage, 3 could not be done."
);

pub(crate) const TYPES_HELP: &str = "\
Examples:
  zerobus types
  zerobus types --format json

Exit status: 0 printed, 2 wrong usage.";

pub(crate) const DIFF_HELP: &str = with_sources!(
    "  zerobus diff schemas/main.default.air_quality.json main.default.air_quality
  git show main:schema.sql | zerobus diff - schema.sql --format json
  zerobus diff old.sql new.sql --format sarif > drift.sarif
",
    "0 nothing that --fail-on names, 1 findings, 2 wrong usage, 3 could not tell."
);

pub(crate) const EXPLAIN_HELP: &str = "\
Examples:
  zerobus explain
  zerobus explain MISSING_REQUIRED_COLUMN
  zerobus explain TYPE_INCOMPATIBLE --format json

Exit status: 0 printed, 2 wrong usage.";

pub(crate) const GENERATE_HELP: &str = "\
Examples:
  zerobus generate                       # every output that zerobus.toml lists
  zerobus generate --check               # are they current?
  zerobus generate proto main.default.air_quality -o air_quality.proto

Exit status: 0 done, 1 a file is not current (--check), 2 wrong usage, 3 could not be done.";

pub(crate) const CHECK_HELP: &str = "\
Examples:
  zerobus check                          # snapshots against the live tables
  zerobus check --env prod               # under the names that zerobus.toml gives for prod
  zerobus check --locked                 # no network: snapshots, outputs and code
  zerobus check --against git:main --format github

Without --locked and --against every table is fetched from the workspace. Approvals stand in zerobus.toml.

Exit status: 0 nothing that --fail-on names, 1 findings, 2 wrong usage, 3 could not tell.";

pub(crate) const DOCTOR_HELP: &str = "\
Examples:
  zerobus doctor
  zerobus doctor main.default.air_quality
  zerobus doctor main.default.air_quality -p prod --format json

Secrets are masked. Nothing is written, and no record is sent.

Exit status: 0 nothing is wrong, 1 something is, 2 wrong usage, 3 could not tell.";

pub(crate) const INIT_HELP: &str = "\
Examples:
  zerobus init
  zerobus init main.default.air_quality main.default.orders && zerobus pull

A zerobus.toml that is there already is left alone.

Exit status: 0 written, 2 wrong usage, 3 could not be written.";

pub(crate) const REPLAY_HELP: &str = "\
Examples:
  zerobus replay /var/lib/meter/spool --dry-run
  zerobus replay /var/lib/meter/spool
  zerobus replay /var/lib/meter/spool --endpoint http://127.0.0.1:7171 --client-id id --client-secret secret

Records are sent in order and leave the folder as they are acked, so a replay that fails can be run again. Some may have
been stored before the crash: delivery is at-least-once. No other process may be using the folder.

Exit status: 0 done, 2 wrong usage, 3 could not be done.";

pub(crate) const COMPLETIONS_HELP: &str = "\
Examples:
  zerobus completions bash > /etc/bash_completion.d/zerobus
  zerobus completions zsh > ~/.zfunc/_zerobus
  zerobus completions fish > ~/.config/fish/completions/zerobus.fish

Exit status: 0 printed, 2 wrong usage.";
