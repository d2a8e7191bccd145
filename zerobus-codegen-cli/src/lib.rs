//! zerobus-codegen-cli
