#![cfg_attr(fuzzing, no_main)]

use zerobus_schema::ddl;

fn target(data: &[u8]) {
    let Some(text) = zerobus_fuzz::text(data) else {
        return;
    };
    if let Ok(data_type) = ddl::parse_type(text) {
        let written = data_type.to_string();
        let read = ddl::parse_type(&written).map(|read| read.to_string());
        assert_eq!(read.as_deref(), Ok(written.as_str()));
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| target(data));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zerobus_fuzz::main(target)
}
