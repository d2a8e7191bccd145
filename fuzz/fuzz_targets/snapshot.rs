#![cfg_attr(fuzzing, no_main)]

use zerobus_schema::Snapshot;

fn target(data: &[u8]) {
    let Some(text) = zerobus_fuzz::text(data) else {
        return;
    };
    if let Ok(snapshot) = Snapshot::parse(text) {
        zerobus_fuzz::check(snapshot.schema());
        let written = snapshot.to_json();
        assert_eq!(
            Snapshot::parse(&written).as_ref().ok(),
            Some(&snapshot),
            "{written}"
        );
    }
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|data: &[u8]| target(data));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    zerobus_fuzz::main(target)
}
