//! zerobus-proto
