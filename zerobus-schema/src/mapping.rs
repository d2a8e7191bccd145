//! The one mapping from Delta types to proto2.
