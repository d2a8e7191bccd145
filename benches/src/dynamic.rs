//! The official SDK's dynamic records: built field by field against a descriptor, as its documentation shows.

use std::collections::HashMap;

use databricks_zerobus_ingest_sdk::{
    DynamicMessage, DynamicRecord, MessageDescriptor, Value, message_descriptor,
};
use prost::Message;
use prost_reflect::MapKey;
use prost_types::DescriptorProto;
use zerobus_record::ZerobusRecord;

use crate::rows::{Document, LineItem, Order, Place, Trip};

const EXPECTED: &str = "the field is in the descriptor, and of this type";

/// A row as a user of the SDK would fill it in.
pub trait Fill {
    fn fill(&self, record: &mut DynamicRecord, descriptor: &MessageDescriptor);
}

pub fn descriptor<R: ZerobusRecord>() -> MessageDescriptor {
    let descriptor = DescriptorProto::decode(R::DESCRIPTOR).expect("the descriptor is one");
    message_descriptor(&descriptor).expect("the descriptor is self-contained")
}

pub fn encode<R: Fill>(descriptor: &MessageDescriptor, row: &R) -> Vec<u8> {
    let mut record = DynamicRecord::new(descriptor.clone());
    row.fill(&mut record, descriptor);
    record.encode().expect("every required field is set")
}

macro_rules! fill {
    ($row:ty { $($required:ident),* } { $($optional:ident),* }) => {
        impl Fill for $row {
            fn fill(&self, record: &mut DynamicRecord, _: &MessageDescriptor) {
                $(record.set(stringify!($required), self.$required.clone()).expect(EXPECTED);)*
                $(if let Some(value) = self.$optional.clone() {
                    record.set(stringify!($optional), value).expect(EXPECTED);
                })*
            }
        }
    };
}

fill!(Order { order_id, customer_id, sku, quantity, price, placed_at } { status, note });
fill!(Document { id, tenant, title, url, created_at } {
    user_agent, country, score, updated_at, version, summary, body
});
fill!(LineItem {
    l_orderkey, l_partkey, l_suppkey, l_linenumber, l_quantity, l_extendedprice, l_discount, l_tax, l_returnflag,
    l_linestatus, l_shipdate, l_commitdate, l_receiptdate, l_shipinstruct, l_shipmode, l_comment
} {});

impl Fill for Trip {
    fn fill(&self, record: &mut DynamicRecord, descriptor: &MessageDescriptor) {
        record.set("id", self.id).expect(EXPECTED);
        record.set("device", self.device.clone()).expect(EXPECTED);
        if let Some(origin) = &self.origin {
            let origin = place(&nested(descriptor, "origin"), origin);
            record.set("origin", origin).expect(EXPECTED);
        }
        let tags = self.tags.iter().cloned().map(Value::String).collect();
        record.set("tags", Value::List(tags)).expect(EXPECTED);
        let samples = self.samples.iter().copied().map(Value::I64).collect();
        record.set("samples", Value::List(samples)).expect(EXPECTED);
        let attributes = self.attributes.iter();
        let attributes: HashMap<_, _> = attributes
            .map(|(key, value)| (MapKey::String(key.clone()), Value::String(value.clone())))
            .collect();
        record
            .set("attributes", Value::Map(attributes))
            .expect(EXPECTED);
        let readings = self.readings.iter();
        let readings: HashMap<_, _> = readings
            .map(|(&key, &value)| (MapKey::I32(key), Value::F64(value)))
            .collect();
        record
            .set("readings", Value::Map(readings))
            .expect(EXPECTED);
        let stop_descriptor = nested(descriptor, "stops");
        let place_descriptor = nested(&stop_descriptor, "place");
        let stops = self.stops.iter().map(|stop| {
            let mut message = DynamicMessage::new(stop_descriptor.clone());
            message.set_field_by_name("at", Value::I64(stop.at));
            message.set_field_by_name("place", place(&place_descriptor, &stop.place));
            Value::Message(message)
        });
        record
            .set("stops", Value::List(stops.collect()))
            .expect(EXPECTED);
    }
}

fn nested(message: &MessageDescriptor, field: &str) -> MessageDescriptor {
    let kind = message.get_field_by_name(field).expect(EXPECTED).kind();
    kind.as_message().expect(EXPECTED).clone()
}

fn place(descriptor: &MessageDescriptor, place: &Place) -> Value {
    let mut message = DynamicMessage::new(descriptor.clone());
    message.set_field_by_name("lat", Value::F64(place.lat));
    message.set_field_by_name("lon", Value::F64(place.lon));
    if let Some(label) = &place.label {
        message.set_field_by_name("label", Value::String(label.clone()));
    }
    Value::Message(message)
}
