#![cfg_attr(fuzzing, no_main)]

use zerobus_schema::delta;

fn target(data: &[u8]) {
    let Some(text) = zerobus_fuzz::text(data) else {
        return;
    };
    if let Ok(table) = delta::parse_log_actions(text) {
        zerobus_fuzz::check(&table);
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| target(data));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zerobus_fuzz::main(target)
}
