//! The generated records, compiled: they name their table's columns, and encode.

#[path = "../golden/records.rs"]
#[rustfmt::skip]
#[allow(dead_code)]
mod records;

use std::collections::BTreeMap;
use std::fs;

use zerobus_record::{TimestampMicros, ZerobusRecord};
use zerobus_schema::Snapshot;

use crate::golden;
use records::shapes::{Inner, RequiredStruct};
use records::{DefaultOrders, Option2, OtherOrders, Shapes};

fn matches_its_snapshot<R: ZerobusRecord>() {
    let file = golden("schemas").join(format!("{}.json", R::TABLE));
    let snapshot = Snapshot::parse(&fs::read_to_string(file).unwrap()).unwrap();
    assert_eq!(R::FINGERPRINT, snapshot.fingerprint(), "{}", R::TABLE);
}

#[test]
fn every_record_is_bound_to_its_table() {
    matches_its_snapshot::<Shapes>();
    matches_its_snapshot::<Option2>();
    matches_its_snapshot::<DefaultOrders>();
    matches_its_snapshot::<OtherOrders>();
}

#[test]
fn a_record_encodes() {
    let shapes = Shapes {
        id: 1,
        flag: None,
        tiny: None,
        small: 2,
        medium: None,
        ratio: None,
        precise: 0.0,
        price: None,
        name: "n".to_owned(),
        code: None,
        country: None,
        raw: None,
        day: None,
        at: TimestampMicros::from_micros(3),
        local_at: None,
        payload: None,
        tags: vec!["t".to_owned()],
        days: Vec::new(),
        attrs: BTreeMap::new(),
        counts: BTreeMap::new(),
        location: None,
        stops: Vec::new(),
        by_name: BTreeMap::new(),
        required_struct: RequiredStruct {
            inner: Inner { deep: vec![7] },
        },
    };
    shapes.validate().unwrap();
    let mut bytes = Vec::new();
    shapes.encode(&mut bytes).unwrap();
    // 1: id, 4: small, 7: precise, 9: name, 14: at, 17: tags, 24: required_struct { inner { deep } }.
    let expected = [
        &[0x08, 1, 0x20, 2, 0x39, 0, 0, 0, 0, 0, 0, 0, 0][..],
        &[0x4a, 1, b'n', 0x70, 3, 0x8a, 1, 1, b't'],
        &[0xc2, 1, 4, 0x0a, 2, 0x08, 7],
    ];
    assert_eq!(bytes, expected.concat());
}
