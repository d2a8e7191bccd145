//! The checked-in code is what the proto file says. `UPDATE_EXPECT=1` writes it anew.

use std::{env, fs, path::Path};

use expect_test::expect_file;

const PACKAGE: &str = "databricks.zerobus";

#[test]
fn checked_in_code_matches_the_proto_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let out = Path::new(env!("CARGO_TARGET_TMPDIR")).join("generated");
    fs::create_dir_all(&out).unwrap();

    let files = protox::compile(["zerobus_service.proto"], [root.join("proto")]).unwrap();
    tonic_prost_build::configure()
        // Record bytes are taken out of the received buffer, not copied.
        .bytes(".")
        // Whoever connects brings the transport and its TLS; the stubs need neither.
        .build_transport(false)
        .client_mod_attribute(PACKAGE, "#[cfg(feature = \"client\")]")
        .server_mod_attribute(PACKAGE, "#[cfg(feature = \"server\")]")
        .emit_rerun_if_changed(false)
        .out_dir(&out)
        .compile_fds(files)
        .unwrap();

    let generated = fs::read_to_string(out.join(format!("{PACKAGE}.rs"))).unwrap();
    expect_file!["../src/generated/databricks.zerobus.rs"].assert_eq(&generated);
}
