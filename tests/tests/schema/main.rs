//! What `zerobus-schema` writes, against tools that share no code with it.

mod golden;
mod mapping;
mod readme;
