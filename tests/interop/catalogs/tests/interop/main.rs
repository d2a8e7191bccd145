//! The command `zerobus` against what others wrote.

mod sarif;
mod uc_server;
