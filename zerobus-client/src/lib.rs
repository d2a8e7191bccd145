//! zerobus-client
