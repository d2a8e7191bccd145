//! The bytes are prost's, and say the same to a reader that knows only the descriptor.

use std::collections::BTreeMap;

use proptest::prelude::*;
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use prost_types::{DescriptorProto, FileDescriptorProto};
use zerobus_record::{TimestampMicros, ZerobusRecord};

use crate::shapes::{Shapes, WireShapes, any_shapes, smallest};

proptest! {
    #[test]
    fn any_record_is_written_as_prost_writes_it(shapes in any_shapes()) {
        let mut written = b"before".to_vec();
        shapes.encode(&mut written).unwrap();
        let wire = WireShapes::from(shapes);
        prop_assert_eq!(&written[..6], b"before");
        prop_assert_eq!(&written[6..], wire.encode_to_vec());
    }

    #[test]
    fn the_descriptor_reads_back_what_was_written(shapes in any_shapes()) {
        let mut written = Vec::new();
        shapes.encode(&mut written).unwrap();
        let read = DynamicMessage::decode(message(Shapes::DESCRIPTOR), written.as_slice()).unwrap();
        prop_assert_eq!(read.unknown_fields().count(), 0);
        prop_assert_eq!(read.transcode_to::<WireShapes>().unwrap(), WireShapes::from(shapes));
    }
}

#[test]
fn the_least_record_is_its_required_columns() {
    let mut written = Vec::new();
    smallest().encode(&mut written).unwrap();
    assert_eq!(written, WireShapes::from(smallest()).encode_to_vec());
    let read = DynamicMessage::decode(message(Shapes::DESCRIPTOR), written.as_slice()).unwrap();
    let names: Vec<String> = read
        .fields()
        .map(|(field, _)| field.name().to_owned())
        .collect();
    assert_eq!(
        names,
        ["flag", "small", "big", "double", "text", "raw", "at"]
    );
}

/// prost leaves a map value out when it equals the default, NOT NULL fields and all; a reader that holds to `required`
/// then has a value without them. So they are written.
#[test]
fn a_struct_in_a_map_keeps_its_not_null_fields() {
    #[derive(ZerobusRecord)]
    #[zerobus(table = "main.default.shapes")]
    struct Record {
        flag: bool,
        small: i16,
        big: i64,
        double: f64,
        text: &'static str,
        raw: [u8; 0],
        at: TimestampMicros,
        numbers: [i64; 0],
        required_points: BTreeMap<&'static str, Point>,
    }

    #[derive(ZerobusRecord)]
    struct Point {
        x: i32,
    }

    let record = Record {
        flag: false,
        small: 0,
        big: 0,
        double: 0.0,
        text: "",
        raw: [],
        at: TimestampMicros::from_micros(0),
        numbers: [],
        required_points: BTreeMap::from([("", Point { x: 0 })]),
    };
    let mut written = Vec::new();
    record.encode(&mut written).unwrap();
    // Field 31; in the entry only field 2; in it field 1, zero.
    assert!(written.ends_with(&[0xfa, 0x01, 4, 0x12, 2, 0x08, 0]));
}

fn message(descriptor: &[u8]) -> MessageDescriptor {
    let message = DescriptorProto::decode(descriptor).unwrap();
    let name = message.name().to_owned();
    let file = FileDescriptorProto {
        name: Some("record.proto".to_owned()),
        message_type: vec![message],
        syntax: Some("proto2".to_owned()),
        ..FileDescriptorProto::default()
    };
    let mut pool = DescriptorPool::new();
    pool.add_file_descriptor_proto(file).unwrap();
    pool.get_message_by_name(&name).unwrap()
}
