//! zerobus-catalog
