//! What the program and its test share.

pub mod rows;
