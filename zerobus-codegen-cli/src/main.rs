//! The command `zerobus`; everything is in the library.

use std::process::ExitCode;

fn main() -> ExitCode {
    zerobus_codegen_cli::run(std::env::args_os()).into()
}
