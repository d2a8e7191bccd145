//! The checked-in code is what the proto file says (`UPDATE_EXPECT=1` writes it anew), and the file what the service says.

use std::{env, fs, path::Path};

use expect_test::expect_file;
use prost::Message;
use zerobus_proto::{
    EphemeralStreamRequest, IngestRecordBatchRequest, ProtoEncodedRecordBatch,
    ephemeral_stream_request::Payload, ingest_record_batch_request::Batch,
};

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

/// The generated code follows our proto file; this holds the file to the service's numbers, which other senders frame
/// by hand.
#[test]
fn an_ingest_batch_has_the_services_bytes() {
    let request = EphemeralStreamRequest {
        payload: Some(Payload::IngestRecordBatch(IngestRecordBatchRequest {
            offset_id: Some(300),
            batch: Some(Batch::ProtoEncodedBatch(ProtoEncodedRecordBatch {
                records: vec!["ab".into(), "".into()],
            })),
        })),
    };
    let bytes = [
        0x1a, 11, // EphemeralStreamRequest.ingest_record_batch = 3
        0x08, 0xac, 0x02, // IngestRecordBatchRequest.offset_id = 1
        0x12, 6, // IngestRecordBatchRequest.proto_encoded_batch = 2
        0x0a, 2, b'a', b'b', 0x0a, 0, // ProtoEncodedRecordBatch.records = 1
    ];
    assert_eq!(request.encode_to_vec(), bytes);
    assert_eq!(EphemeralStreamRequest::decode(&bytes[..]).unwrap(), request);
}
