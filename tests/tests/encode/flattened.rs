//! A struct whose fields are columns of the table.

use zerobus_record::{Decimal, TimestampMicros, ZerobusRecord};

#[derive(ZerobusRecord)]
struct Device<'a> {
    #[zerobus(rename = "device_name")]
    name: &'a str,
    location: Option<Location>,
}

#[derive(ZerobusRecord)]
struct Location {
    lon: f64,
    lat: f64,
}

#[derive(ZerobusRecord)]
struct Price {
    price: Option<Decimal>,
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct Nested<'a> {
    temp: i32,
    #[zerobus(flatten)]
    device: Device<'a>,
    observed_at: TimestampMicros,
    #[zerobus(flatten)]
    price: Price,
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct Flat<'a> {
    temp: i32,
    observed_at: TimestampMicros,
    device_name: &'a str,
    location: Option<Location>,
    price: Option<Decimal>,
}

#[derive(ZerobusRecord)]
#[zerobus(table = "main.default.air_quality")]
struct Generic<D> {
    observed_at: TimestampMicros,
    #[zerobus(flatten)]
    device: D,
}

fn written(record: &impl ZerobusRecord) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out).unwrap();
    out
}

/// The fields of a message, by number; protobuf's readers take them in any order.
fn fields(mut bytes: &[u8]) -> Vec<(u64, Vec<u8>)> {
    use prost::encoding::{DecodeContext, decode_key, skip_field};
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let before = bytes;
        let (number, wire_type) = decode_key(&mut bytes).unwrap();
        skip_field(wire_type, number, &mut bytes, DecodeContext::default()).unwrap();
        fields.push((number.into(), before[..before.len() - bytes.len()].to_vec()));
    }
    fields.sort();
    fields
}

fn device() -> Device<'static> {
    Device {
        name: "roof",
        location: Some(Location { lat: 1.0, lon: 2.0 }),
    }
}

#[test]
fn the_fields_are_those_of_one_struct() {
    let nested = Nested {
        temp: -3,
        device: device(),
        observed_at: TimestampMicros::from_micros(7),
        price: Price {
            price: Decimal::new(1_999, 2),
        },
    };
    let Device { name, location } = device();
    let flat = Flat {
        temp: -3,
        observed_at: TimestampMicros::from_micros(7),
        device_name: name,
        location,
        price: Decimal::new(1_999, 2),
    };
    assert_eq!(fields(&written(&nested)), fields(&written(&flat)));
    assert_eq!(Nested::FINGERPRINT, Flat::FINGERPRINT);
}

#[test]
fn a_value_that_does_not_fit_names_the_column_and_the_table() {
    let nested = |price| Nested {
        temp: 0,
        device: device(),
        observed_at: TimestampMicros::from_micros(0),
        price: Price { price },
    };
    assert_eq!(nested(Decimal::new(1, 2)).validate(), Ok(()));
    let error = nested(Decimal::new(1, 3)).validate().unwrap_err();
    assert_eq!(error.path().to_string(), "price");
    assert_eq!(error.table(), Some("main.default.air_quality"));
}

#[test]
fn a_generic_struct_can_be_flattened() {
    let record = Generic {
        observed_at: TimestampMicros::from_micros(1),
        device: device(),
    };
    assert_eq!(fields(&written(&record)).len(), 3);
}
