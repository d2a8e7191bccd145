//! Parcels, each beside what must be read back of it: written out by hand, so that nothing of the writer is in it.
//!
//! In the JSON, a key that is missing stands for NULL.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use zerobus_client::{
    DateDays, Decimal, DecimalText, TimestampMicros, TimestampNtzMicros, VariantJson,
};

use crate::record::{
    Address, Customs, Item, Leg, Location, Note, Parcel, Party, Points, Scan, Size, Status, Stop,
};

/// A parcel of this id, and its row.
pub(crate) type Sample = fn(id: i64) -> (Parcel<'static>, Value);

pub(crate) const SAMPLES: [(&str, Sample); 5] = [
    ("everything there", everything),
    ("only what is NOT NULL", bare),
    ("structs within, here and there", partial),
    ("there, but empty", empty),
    ("values at their limits", extreme),
];

/// 2026-03-01T08:30:00.000001Z
const MORNING: i64 = 1_772_353_800_000_001;

fn everything(id: i64) -> (Parcel<'static>, Value) {
    let parcel = Parcel {
        id,
        status: Status::InTransit,
        sender: Party {
            name: "Ada",
            email: Some("ada@example.org"),
            address: Address {
                street: Some("1 Analytical Way"),
                city: "London",
                location: Some(Location {
                    lat: 51.5,
                    lon: -0.125,
                }),
            },
        },
        recipient: Some(Party {
            name: "Zoë",
            email: Some("zoe@example.org"),
            address: Some(Address {
                street: Some("Bahnhofstraße 7"),
                city: "Zürich",
                location: Some(Location {
                    lat: 47.375,
                    lon: 8.5,
                }),
            }),
        }),
        note: Some(Note {
            text: Some("ring twice"),
            author: Some("Ada"),
        }),
        items: vec![
            Item {
                sku: "book",
                price: DecimalText::new("19.99"),
                weight: Some(0.5),
                size: Some(Size {
                    width: 12,
                    height: 19,
                    depth: Some(3),
                }),
                tags: vec!["paper", "gift"],
                attributes: BTreeMap::from([("language", "de"), ("cover", "hard")]),
            },
            Item {
                sku: "lamp",
                price: DecimalText::new("120"),
                weight: Some(2.25),
                size: Some(Size {
                    width: 40,
                    height: 55,
                    depth: None,
                }),
                tags: vec!["fragile"],
                attributes: BTreeMap::from([("volts", "230")]),
            },
        ],
        scans: BTreeMap::from([
            (
                "depot",
                Scan {
                    at: TimestampMicros::from_micros(MORNING),
                    wall_clock: Some(TimestampNtzMicros::from_micros(MORNING + 3_600_000_000)),
                    attempt: Some(1),
                    photo: Some(&[0x89, b'P', b'N', b'G']),
                    details: Some(json!({ "belt": 4, "checks": [true, null, "ok"] })),
                },
            ),
            (
                "van",
                Scan {
                    at: TimestampMicros::from_micros(MORNING + 60_000_000),
                    wall_clock: None,
                    attempt: Some(2),
                    photo: None,
                    details: Some(json!("loaded")),
                },
            ),
        ]),
        customs: Some(Customs {
            declared: DateDays::from_days(20_513),
            holidays: vec![DateDays::from_days(20_546), DateDays::from_days(20_549)],
            duties: BTreeMap::from([
                ("import", Decimal::scaled::<4>(125_000)),
                ("vat", Decimal::scaled::<2>(-1)),
            ]),
            forms: vec![b"CN22", b"\x00\xff"],
            answers: BTreeMap::from([("gift", json!(true)), ("worth", json!({ "CHF": 139.5 }))]),
            raw: Some(VariantJson::new(r#"{"origin": ["GB", "CH"]}"#)),
        }),
        route: vec![
            Points {
                points: vec![51.5, -0.125],
            },
            Points {
                points: vec![47.375, 8.5],
            },
        ],
        legs: BTreeMap::from([
            (
                1,
                Leg {
                    stops: vec![Stop {
                        city: "London",
                        on_time: Some(true),
                    }],
                },
            ),
            (
                2,
                Leg {
                    stops: vec![
                        Stop {
                            city: "Basel",
                            on_time: Some(false),
                        },
                        Stop {
                            city: "Zürich",
                            on_time: None,
                        },
                    ],
                },
            ),
        ]),
    };
    let row = json!({
        "id": id,
        "status": "in_transit",
        "sender": {
            "name": "Ada",
            "email": "ada@example.org",
            "address": {
                "street": "1 Analytical Way",
                "city": "London",
                "location": { "lat": 51.5, "lon": -0.125 },
            },
        },
        "recipient": {
            "name": "Zoë",
            "email": "zoe@example.org",
            "address": {
                "street": "Bahnhofstraße 7",
                "city": "Zürich",
                "location": { "lat": 47.375, "lon": 8.5 },
            },
        },
        "note": { "text": "ring twice", "author": "Ada" },
        "items": [
            {
                "sku": "book",
                "price": "19.99",
                "weight": 0.5,
                "size": { "width": 12, "height": 19, "depth": 3 },
                "tags": ["paper", "gift"],
                "attributes": { "language": "de", "cover": "hard" },
            },
            {
                "sku": "lamp",
                "price": "120.00",
                "weight": 2.25,
                "size": { "width": 40, "height": 55 },
                "tags": ["fragile"],
                "attributes": { "volts": "230" },
            },
        ],
        "scans": {
            "depot": {
                "at": "2026-03-01 08:30:00.000001Z",
                "wall_clock": "2026-03-01 09:30:00.000001",
                "attempt": 1,
                "photo": "89504e47",
                "details": { "belt": 4, "checks": [true, null, "ok"] },
            },
            "van": { "at": "2026-03-01 08:31:00.000001Z", "attempt": 2, "details": "loaded" },
        },
        "customs": {
            "declared": "2026-03-01",
            "holidays": ["2026-04-03", "2026-04-06"],
            "duties": { "import": "12.5000000000", "vat": "-0.0100000000" },
            "forms": ["434e3232", "00ff"],
            "answers": { "gift": true, "worth": { "CHF": 139.5 } },
            "raw": { "origin": ["GB", "CH"] },
        },
        "route": [{ "points": [51.5, -0.125] }, { "points": [47.375, 8.5] }],
        "legs": {
            "1": { "stops": [{ "city": "London", "on_time": true }] },
            "2": { "stops": [{ "city": "Basel", "on_time": false }, { "city": "Zürich" }] },
        },
    });
    (parcel, row)
}

/// Nothing that can be left out.
fn bare(id: i64) -> (Parcel<'static>, Value) {
    let parcel = Parcel {
        id,
        status: Status::Announced,
        sender: Party {
            name: "Ada",
            email: None,
            address: Address {
                street: None,
                city: "London",
                location: None,
            },
        },
        recipient: None,
        note: None,
        items: vec![],
        scans: BTreeMap::new(),
        customs: None,
        route: vec![],
        legs: BTreeMap::new(),
    };
    let row = json!({
        "id": id,
        "status": "announced",
        "sender": { "name": "Ada", "address": { "city": "London" } },
        // NOT NULL, so empty; the others are NULL.
        "scans": {},
    });
    (parcel, row)
}

/// Structs that are there with one missing inside, in columns, elements and values.
fn partial(id: i64) -> (Parcel<'static>, Value) {
    let parcel = Parcel {
        recipient: Some(Party {
            name: "Zoë",
            email: None,
            address: None,
        }),
        note: Some(Note {
            text: None,
            author: Some("Ada"),
        }),
        items: vec![
            Item {
                sku: "sticker",
                price: DecimalText::new("0.5"),
                weight: None,
                size: None,
                tags: vec![],
                attributes: BTreeMap::new(),
            },
            Item {
                sku: "stamp",
                price: DecimalText::new("1.10"),
                weight: None,
                size: Some(Size {
                    width: 2,
                    height: 3,
                    depth: None,
                }),
                tags: vec!["paper"],
                attributes: BTreeMap::new(),
            },
        ],
        scans: BTreeMap::from([(
            "depot",
            Scan {
                at: TimestampMicros::from_micros(MORNING),
                wall_clock: None,
                attempt: None,
                photo: None,
                details: None,
            },
        )]),
        customs: Some(Customs {
            declared: DateDays::from_days(20_513),
            holidays: vec![],
            duties: BTreeMap::new(),
            forms: vec![],
            answers: BTreeMap::new(),
            raw: None,
        }),
        ..bare(id).0
    };
    let row = json!({
        "id": id,
        "status": "announced",
        "sender": { "name": "Ada", "address": { "city": "London" } },
        "recipient": { "name": "Zoë" },
        "note": { "author": "Ada" },
        "items": [
            { "sku": "sticker", "price": "0.50", "tags": [] },
            {
                "sku": "stamp",
                "price": "1.10",
                "size": { "width": 2, "height": 3 },
                "tags": ["paper"],
            },
        ],
        "scans": { "depot": { "at": "2026-03-01 08:30:00.000001Z" } },
        "customs": { "declared": "2026-03-01" },
    });
    (parcel, row)
}

/// Values that are there and hold nothing: none of them is NULL.
fn empty(id: i64) -> (Parcel<'static>, Value) {
    let parcel = Parcel {
        note: Some(Note::default()),
        scans: BTreeMap::from([(
            "",
            Scan {
                at: TimestampMicros::from_micros(0),
                wall_clock: Some(TimestampNtzMicros::from_micros(0)),
                attempt: Some(0),
                photo: Some(&[]),
                // A VARIANT that holds the JSON null is not NULL.
                details: Some(Value::Null),
            },
        )]),
        customs: Some(Customs {
            declared: DateDays::from_days(0),
            holidays: vec![DateDays::from_days(0)],
            duties: BTreeMap::from([("", Decimal::scaled::<0>(0))]),
            forms: vec![b"", b""],
            answers: BTreeMap::from([("", Value::Null), ("{}", json!({}))]),
            raw: Some(VariantJson::new("[]")),
        }),
        route: vec![Points { points: vec![] }, Points { points: vec![0.0] }],
        legs: BTreeMap::from([(0, Leg { stops: vec![] })]),
        ..bare(id).0
    };
    let row = json!({
        "id": id,
        "status": "announced",
        "sender": { "name": "Ada", "address": { "city": "London" } },
        "note": {},
        "scans": {
            "": {
                "at": "1970-01-01 00:00:00Z",
                "wall_clock": "1970-01-01 00:00:00",
                "attempt": 0,
                "photo": "",
                "details": null,
            },
        },
        "customs": {
            "declared": "1970-01-01",
            "holidays": ["1970-01-01"],
            "duties": { "": "0.0000000000" },
            "forms": ["", ""],
            "answers": { "": null, "{}": {} },
            "raw": [],
        },
        "route": [{}, { "points": [0.0] }],
        "legs": { "0": {} },
    });
    (parcel, row)
}

fn extreme(id: i64) -> (Parcel<'static>, Value) {
    let parcel = Parcel {
        status: Status::Delivered,
        items: vec![Item {
            sku: "\u{1f4e6} \"quoted\"\n",
            price: DecimalText::new("-9999999999.99"),
            weight: Some(f32::MAX),
            size: Some(Size {
                width: i16::MIN,
                height: i16::MAX,
                depth: Some(-1),
            }),
            tags: vec!["", "\0"],
            attributes: BTreeMap::from([("ключ", "値")]),
        }],
        scans: BTreeMap::from([(
            "before the epoch",
            Scan {
                at: TimestampMicros::from_micros(-1),
                // 0001-01-01T00:00:00
                wall_clock: Some(TimestampNtzMicros::from_micros(-62_135_596_800_000_000)),
                attempt: Some(i8::MIN),
                photo: Some(&[0; 3]),
                details: Some(json!([i64::MIN, i64::MAX, -0.5, { "deep": { "deeper": [[]] } }])),
            },
        )]),
        customs: Some(Customs {
            // 9999-12-31
            declared: DateDays::from_days(2_932_896),
            holidays: vec![DateDays::from_days(-1)],
            duties: BTreeMap::from([
                ("least", Decimal::scaled::<10>(-(10_i128.pow(38) - 1))),
                ("most", Decimal::scaled::<10>(10_i128.pow(38) - 1)),
            ]),
            forms: vec![b"\xff"],
            answers: BTreeMap::from([("≈", json!(0.300_000_000_000_000_04))]),
            raw: Some(VariantJson::new("-7")),
        }),
        route: vec![Points {
            points: vec![f64::MIN, f64::MIN_POSITIVE, -0.0],
        }],
        legs: BTreeMap::from([
            (
                i32::MIN,
                Leg {
                    stops: vec![Stop {
                        city: "",
                        on_time: Some(false),
                    }],
                },
            ),
            (
                i32::MAX,
                Leg {
                    stops: vec![Stop {
                        city: "Ω",
                        on_time: None,
                    }],
                },
            ),
        ]),
        ..bare(id).0
    };
    let row = json!({
        "id": id,
        "status": "delivered",
        "sender": { "name": "Ada", "address": { "city": "London" } },
        "items": [{
            "sku": "\u{1f4e6} \"quoted\"\n",
            "price": "-9999999999.99",
            "weight": f32::MAX,
            "size": { "width": -32_768, "height": 32_767, "depth": -1 },
            "tags": ["", "\0"],
            "attributes": { "ключ": "値" },
        }],
        "scans": {
            "before the epoch": {
                "at": "1969-12-31 23:59:59.999999Z",
                "wall_clock": "0001-01-01 00:00:00",
                "attempt": -128,
                "photo": "000000",
                "details": [i64::MIN, i64::MAX, -0.5, { "deep": { "deeper": [[]] } }],
            },
        },
        "customs": {
            "declared": "9999-12-31",
            "holidays": ["1969-12-31"],
            "duties": {
                "least": "-9999999999999999999999999999.9999999999",
                "most": "9999999999999999999999999999.9999999999",
            },
            "forms": ["ff"],
            "answers": { "≈": 0.300_000_000_000_000_04 },
            "raw": -7,
        },
        "route": [{ "points": [f64::MIN, f64::MIN_POSITIVE, -0.0] }],
        "legs": {
            "-2147483648": { "stops": [{ "city": "", "on_time": false }] },
            "2147483647": { "stops": [{ "city": "Ω" }] },
        },
    });
    (parcel, row)
}
