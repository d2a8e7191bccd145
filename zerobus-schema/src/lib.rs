//! zerobus-schema
