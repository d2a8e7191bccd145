//! zerobus-derive
