//! Records whose table, snapshot and code are held together by CI: see `.github/workflows/drift.yml`, `.gitlab-ci.yml` and
//! `.pre-commit-config.yaml`, and `zerobus.toml` for what they check.

mod records;

pub use records::AirQuality;
