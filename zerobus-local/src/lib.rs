//! zerobus-local

mod delta;
