//! The rows, each twice: for the toolkit and serde_json, and for prost's derive. The messages are the same.

use std::collections::BTreeMap;

use serde::Serialize;
use zerobus_record::ZerobusRecord;

/// Declares a flat record and its prost twin from one list of fields, and the conversion between them.
macro_rules! row {
    (
        $(#[$attr:meta])*
        $name:ident, $wire:ident {
            $($(#[$zerobus:meta])* $field:ident: $ty:ty, [$($prost:tt)*] $wire_ty:ty;)*
        }
    ) => {
        #[derive(Clone, Serialize, ZerobusRecord)]
        $(#[$attr])*
        pub struct $name {
            $($(#[$zerobus])* pub $field: $ty,)*
        }

        #[derive(Clone, PartialEq, prost::Message)]
        pub struct $wire {
            $(#[prost($($prost)*)] pub $field: $wire_ty,)*
        }

        impl From<$name> for $wire {
            fn from(row: $name) -> Self {
                Self { $($field: row.$field.into(),)* }
            }
        }
    };
}

row! {
    #[zerobus(table = "bench.encode.orders")]
    Order, WireOrder {
        order_id: i64, [int64, required, tag = "1"] i64;
        customer_id: i64, [int64, required, tag = "2"] i64;
        sku: String, [string, required, tag = "3"] String;
        quantity: i32, [int32, required, tag = "4"] i32;
        price: f64, [double, required, tag = "5"] f64;
        #[zerobus(unit = "micros")]
        placed_at: i64, [int64, required, tag = "6"] i64;
        status: Option<String>, [string, optional, tag = "7"] Option<String>;
        note: Option<String>, [string, optional, tag = "8"] Option<String>;
    }
}

row! {
    #[zerobus(table = "bench.encode.documents")]
    Document, WireDocument {
        id: i64, [int64, required, tag = "1"] i64;
        tenant: String, [string, required, tag = "2"] String;
        title: String, [string, required, tag = "3"] String;
        url: String, [string, required, tag = "4"] String;
        user_agent: Option<String>, [string, optional, tag = "5"] Option<String>;
        country: Option<String>, [string, optional, tag = "6"] Option<String>;
        score: Option<f64>, [double, optional, tag = "7"] Option<f64>;
        #[zerobus(unit = "micros")]
        created_at: i64, [int64, required, tag = "8"] i64;
        #[zerobus(unit = "micros")]
        updated_at: Option<i64>, [int64, optional, tag = "9"] Option<i64>;
        version: Option<i32>, [int32, optional, tag = "10"] Option<i32>;
        summary: Option<String>, [string, optional, tag = "11"] Option<String>;
        body: Option<String>, [string, optional, tag = "12"] Option<String>;
    }
}

row! {
    #[zerobus(table = "bench.client.readings")]
    Reading, WireReading {
        device_name: String, [string, required, tag = "1"] String;
        temp: i32, [int32, required, tag = "2"] i32;
        humidity: i64, [int64, required, tag = "3"] i64;
    }
}

row! {
    #[zerobus(table = "bench.encode.lineitem")]
    LineItem, WireLineItem {
        l_orderkey: i64, [int64, required, tag = "1"] i64;
        l_partkey: i64, [int64, required, tag = "2"] i64;
        l_suppkey: i64, [int64, required, tag = "3"] i64;
        l_linenumber: i32, [int32, required, tag = "4"] i32;
        l_quantity: String, [string, required, tag = "5"] String;
        l_extendedprice: String, [string, required, tag = "6"] String;
        l_discount: String, [string, required, tag = "7"] String;
        l_tax: String, [string, required, tag = "8"] String;
        l_returnflag: String, [string, required, tag = "9"] String;
        l_linestatus: String, [string, required, tag = "10"] String;
        #[zerobus(unit = "days")]
        l_shipdate: i32, [int32, required, tag = "11"] i32;
        #[zerobus(unit = "days")]
        l_commitdate: i32, [int32, required, tag = "12"] i32;
        #[zerobus(unit = "days")]
        l_receiptdate: i32, [int32, required, tag = "13"] i32;
        l_shipinstruct: String, [string, required, tag = "14"] String;
        l_shipmode: String, [string, required, tag = "15"] String;
        l_comment: String, [string, required, tag = "16"] String;
    }
}

#[derive(Clone, Serialize, ZerobusRecord)]
#[zerobus(table = "bench.encode.trips")]
pub struct Trip {
    pub id: i64,
    pub device: String,
    pub origin: Option<Place>,
    pub tags: Vec<String>,
    pub samples: Vec<i64>,
    pub attributes: BTreeMap<String, String>,
    pub readings: BTreeMap<i32, f64>,
    pub stops: Vec<Stop>,
}

#[derive(Clone, Serialize, ZerobusRecord)]
pub struct Place {
    pub lat: f64,
    pub lon: f64,
    pub label: Option<String>,
}

#[derive(Clone, Serialize, ZerobusRecord)]
pub struct Stop {
    #[zerobus(unit = "micros")]
    pub at: i64,
    pub place: Place,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WireTrip {
    #[prost(int64, required, tag = "1")]
    pub id: i64,
    #[prost(string, required, tag = "2")]
    pub device: String,
    #[prost(message, optional, tag = "3")]
    pub origin: Option<WirePlace>,
    #[prost(string, repeated, tag = "4")]
    pub tags: Vec<String>,
    #[prost(int64, repeated, packed = "false", tag = "5")]
    pub samples: Vec<i64>,
    #[prost(btree_map = "string, string", tag = "6")]
    pub attributes: BTreeMap<String, String>,
    #[prost(btree_map = "int32, double", tag = "7")]
    pub readings: BTreeMap<i32, f64>,
    #[prost(message, repeated, tag = "8")]
    pub stops: Vec<WireStop>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WirePlace {
    #[prost(double, required, tag = "1")]
    pub lat: f64,
    #[prost(double, required, tag = "2")]
    pub lon: f64,
    #[prost(string, optional, tag = "3")]
    pub label: Option<String>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct WireStop {
    #[prost(int64, required, tag = "1")]
    pub at: i64,
    #[prost(message, required, tag = "2")]
    pub place: WirePlace,
}

impl From<Place> for WirePlace {
    fn from(place: Place) -> Self {
        let Place { lat, lon, label } = place;
        Self { lat, lon, label }
    }
}

impl From<Trip> for WireTrip {
    fn from(trip: Trip) -> Self {
        let stop = |stop: Stop| WireStop {
            at: stop.at,
            place: stop.place.into(),
        };
        Self {
            id: trip.id,
            device: trip.device,
            origin: trip.origin.map(Into::into),
            tags: trip.tags,
            samples: trip.samples,
            attributes: trip.attributes,
            readings: trip.readings,
            stops: trip.stops.into_iter().map(stop).collect(),
        }
    }
}

fn text(len: usize) -> String {
    "The quick brown fox jumps over the lazy dog, and the dog lets it. "
        .chars()
        .cycle()
        .take(len)
        .collect()
}

pub fn order() -> Order {
    Order {
        order_id: 4_815_162_342,
        customer_id: 108_108,
        sku: "SKU-2024-000815-BLUE".to_owned(),
        quantity: 12,
        price: 19.99,
        placed_at: 1_732_000_000_123_456,
        status: Some("shipped".to_owned()),
        note: Some("leave at the back door please".to_owned()),
    }
}

pub fn document() -> Document {
    Document {
        id: 90_071_992_547,
        tenant: "tenant-0042".to_owned(),
        title: text(60),
        url: format!("https://example.com/{}", "path/".repeat(10)),
        user_agent: Some(text(110)),
        country: Some("CH".to_owned()),
        score: Some(0.75),
        created_at: 1_732_000_000_123_456,
        updated_at: Some(1_732_000_000_999_999),
        version: Some(7),
        summary: Some(text(180)),
        body: Some(text(512)),
    }
}

pub fn line_item() -> LineItem {
    LineItem {
        l_orderkey: 4_200_001,
        l_partkey: 155_190,
        l_suppkey: 7_706,
        l_linenumber: 1,
        l_quantity: "17.00".to_owned(),
        l_extendedprice: "21168.23".to_owned(),
        l_discount: "0.04".to_owned(),
        l_tax: "0.02".to_owned(),
        l_returnflag: "N".to_owned(),
        l_linestatus: "O".to_owned(),
        l_shipdate: 9_568,
        l_commitdate: 9_538,
        l_receiptdate: 9_577,
        l_shipinstruct: "DELIVER IN PERSON".to_owned(),
        l_shipmode: "TRUCK".to_owned(),
        l_comment: "egular courts above the foxes".to_owned(),
    }
}

pub fn trip() -> Trip {
    let place = |lat: f64, label: Option<&str>| Place {
        lat,
        lon: 8.54,
        label: label.map(str::to_owned),
    };
    Trip {
        id: 77,
        device: "tracker-000815".to_owned(),
        origin: Some(place(47.37, Some("Zürich"))),
        tags: ["fast", "night", "refrigerated"]
            .map(str::to_owned)
            .to_vec(),
        samples: (0..16).map(|i| i * 1_001).collect(),
        attributes: (0..4)
            .map(|i| (format!("attribute-{i}"), format!("value of {i}")))
            .collect(),
        // Not from 0: prost-reflect, in the SDK, writes the defaults of an entry that prost leaves out.
        readings: (1..7).map(|i| (i, f64::from(i) * 0.5)).collect(),
        stops: (0..5)
            .map(|i| Stop {
                at: 1_732_000_000_000_000 + i64::from(i),
                place: place(47.0 + f64::from(i), (i % 2 == 0).then_some("Depot")),
            })
            .collect(),
    }
}
