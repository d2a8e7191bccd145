//! zerobus-codegen
