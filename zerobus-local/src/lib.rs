//! zerobus-local
