#![cfg_attr(fuzzing, no_main)]

use zerobus_codegen::Source;

fn target(data: &[u8]) {
    let Some(text) = zerobus_fuzz::text(data) else {
        return;
    };
    if let Ok(source) = Source::read(text, "input") {
        for table in &source.tables {
            zerobus_fuzz::check(table);
        }
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| target(data));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zerobus_fuzz::main(target)
}
