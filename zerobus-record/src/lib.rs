//! zerobus-record
