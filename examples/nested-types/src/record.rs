use std::collections::BTreeMap;

use serde_json::Value;
use zerobus_client::{
    DateDays, Decimal, DecimalText, TimestampMicros, TimestampNtzMicros, VariantJson, ZerobusRecord,
};

/// A row of `main.default.parcels`.
///
/// A column that may be NULL is an `Option`, unless it is an ARRAY or a MAP: on the wire, one without elements cannot
/// be told from none. It becomes NULL where the column may be NULL, and is empty where it may not.
#[derive(Debug, ZerobusRecord)]
#[zerobus(table = "main.default.parcels")]
pub(crate) struct Parcel<'a> {
    pub(crate) id: i64,
    pub(crate) status: Status,
    pub(crate) sender: Party<'a, Address<'a>>,
    pub(crate) recipient: Option<Party<'a, Option<Address<'a>>>>,
    pub(crate) note: Option<Note<'a>>,
    pub(crate) items: Vec<Item<'a>>,
    pub(crate) scans: BTreeMap<&'a str, Scan<'a>>,
    pub(crate) customs: Option<Customs<'a>>,
    pub(crate) route: Vec<Points>,
    pub(crate) legs: BTreeMap<i32, Leg<'a>>,
}

/// An enum of unit variants is text.
#[derive(Debug, Clone, Copy, ZerobusRecord)]
#[zerobus(rename_all = "snake_case")]
pub(crate) enum Status {
    Announced,
    InTransit,
    Delivered,
}

/// The STRUCT of two columns that differ: `sender.address` is always there, `recipient.address` may be missing. Which
/// columns these are is for [`Parcel`] to say; each use is checked against its own.
#[derive(Debug, ZerobusRecord)]
pub(crate) struct Party<'a, A> {
    pub(crate) name: &'a str,
    pub(crate) email: Option<&'a str>,
    pub(crate) address: A,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Address<'a> {
    pub(crate) street: Option<&'a str>,
    pub(crate) city: &'a str,
    pub(crate) location: Option<Location>,
}

#[derive(Debug, Clone, Copy, ZerobusRecord)]
pub(crate) struct Location {
    pub(crate) lat: f64,
    pub(crate) lon: f64,
}

#[derive(Debug, Default, ZerobusRecord)]
pub(crate) struct Note<'a> {
    pub(crate) text: Option<&'a str>,
    pub(crate) author: Option<&'a str>,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Item<'a> {
    pub(crate) sku: &'a str,
    pub(crate) price: DecimalText<&'a str>,
    pub(crate) weight: Option<f32>,
    pub(crate) size: Option<Size>,
    pub(crate) tags: Vec<&'a str>,
    pub(crate) attributes: BTreeMap<&'a str, &'a str>,
}

#[derive(Debug, Clone, Copy, ZerobusRecord)]
pub(crate) struct Size {
    pub(crate) width: i16,
    pub(crate) height: i16,
    pub(crate) depth: Option<i16>,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Scan<'a> {
    pub(crate) at: TimestampMicros,
    pub(crate) wall_clock: Option<TimestampNtzMicros>,
    pub(crate) attempt: Option<i8>,
    pub(crate) photo: Option<&'a [u8]>,
    pub(crate) details: Option<Value>,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Customs<'a> {
    pub(crate) declared: DateDays,
    pub(crate) holidays: Vec<DateDays>,
    pub(crate) duties: BTreeMap<&'a str, Decimal>,
    pub(crate) forms: Vec<&'a [u8]>,
    pub(crate) answers: BTreeMap<&'a str, Value>,
    pub(crate) raw: Option<VariantJson<&'a str>>,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Points {
    pub(crate) points: Vec<f64>,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Leg<'a> {
    pub(crate) stops: Vec<Stop<'a>>,
}

#[derive(Debug, ZerobusRecord)]
pub(crate) struct Stop<'a> {
    pub(crate) city: &'a str,
    pub(crate) on_time: Option<bool>,
}
