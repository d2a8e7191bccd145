//! One table of every type: as a record, as prost's messages, and between the two.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use prost::Message;
use zerobus_record::{
    DateDays, Decimal, TimestampMicros, TimestampNtzMicros, VariantJson, ZerobusRecord,
};

#[derive(Debug, Clone, ZerobusRecord)]
#[zerobus(table = "main.default.shapes")]
pub(crate) struct Shapes {
    pub(crate) flag: bool,
    pub(crate) tiny: Option<i8>,
    pub(crate) small: i16,
    pub(crate) medium: Option<i32>,
    pub(crate) big: i64,
    pub(crate) single: Option<f32>,
    pub(crate) double: f64,
    pub(crate) price: Option<Decimal>,
    pub(crate) text: String,
    pub(crate) code: Option<String>,
    pub(crate) word: Option<String>,
    pub(crate) folded: Option<String>,
    pub(crate) raw: Vec<u8>,
    pub(crate) day: Option<DateDays>,
    pub(crate) at: TimestampMicros,
    pub(crate) wall: Option<TimestampNtzMicros>,
    pub(crate) payload: Option<VariantJson>,
    pub(crate) flags: Vec<bool>,
    pub(crate) numbers: Vec<i64>,
    pub(crate) doubles: Option<Vec<f64>>,
    pub(crate) names: Vec<String>,
    pub(crate) blobs: Vec<Vec<u8>>,
    pub(crate) by_name: BTreeMap<String, f64>,
    pub(crate) by_number: BTreeMap<i32, String>,
    pub(crate) by_flag: BTreeMap<bool, Vec<u8>>,
    pub(crate) by_long: BTreeMap<i64, i64>,
    pub(crate) place: Option<Place>,
    pub(crate) points: Vec<Point>,
    pub(crate) swapped: Option<Point>,
    pub(crate) by_point: BTreeMap<String, Point>,
}

/// Its fields stand in another order than the table's.
#[derive(Debug, Clone, ZerobusRecord)]
pub(crate) struct Place {
    pub(crate) tags: Vec<String>,
    pub(crate) label: Option<String>,
    pub(crate) lat: f64,
    pub(crate) point: Option<Point>,
    pub(crate) lon: f64,
}

/// Goes to STRUCTs with x first and to others with y first.
#[derive(Debug, Clone, Copy, ZerobusRecord)]
pub(crate) struct Point {
    pub(crate) x: Option<i32>,
    pub(crate) y: Option<i32>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WireShapes {
    #[prost(bool, required, tag = "1")]
    flag: bool,
    #[prost(int32, optional, tag = "2")]
    tiny: Option<i32>,
    #[prost(int32, required, tag = "3")]
    small: i32,
    #[prost(int32, optional, tag = "4")]
    medium: Option<i32>,
    #[prost(int64, required, tag = "5")]
    big: i64,
    #[prost(float, optional, tag = "6")]
    single: Option<f32>,
    #[prost(double, required, tag = "7")]
    double: f64,
    #[prost(string, optional, tag = "8")]
    price: Option<String>,
    #[prost(string, required, tag = "9")]
    text: String,
    #[prost(string, optional, tag = "10")]
    code: Option<String>,
    #[prost(string, optional, tag = "11")]
    word: Option<String>,
    #[prost(string, optional, tag = "12")]
    folded: Option<String>,
    #[prost(bytes = "vec", required, tag = "13")]
    raw: Vec<u8>,
    #[prost(int32, optional, tag = "14")]
    day: Option<i32>,
    #[prost(int64, required, tag = "15")]
    at: i64,
    #[prost(int64, optional, tag = "16")]
    wall: Option<i64>,
    #[prost(string, optional, tag = "17")]
    payload: Option<String>,
    #[prost(bool, repeated, packed = "false", tag = "18")]
    flags: Vec<bool>,
    #[prost(int64, repeated, packed = "false", tag = "19")]
    numbers: Vec<i64>,
    #[prost(double, repeated, packed = "false", tag = "20")]
    doubles: Vec<f64>,
    #[prost(string, repeated, tag = "21")]
    names: Vec<String>,
    #[prost(bytes = "vec", repeated, tag = "22")]
    blobs: Vec<Vec<u8>>,
    #[prost(btree_map = "string, double", tag = "23")]
    by_name: BTreeMap<String, f64>,
    #[prost(btree_map = "int32, string", tag = "24")]
    by_number: BTreeMap<i32, String>,
    #[prost(btree_map = "bool, bytes", tag = "25")]
    by_flag: BTreeMap<bool, Vec<u8>>,
    #[prost(btree_map = "int64, int64", tag = "26")]
    by_long: BTreeMap<i64, i64>,
    #[prost(message, optional, tag = "27")]
    place: Option<WirePlace>,
    #[prost(message, repeated, tag = "28")]
    points: Vec<WirePoint>,
    #[prost(message, optional, tag = "29")]
    swapped: Option<WireSwapped>,
    #[prost(btree_map = "string, message", tag = "30")]
    by_point: BTreeMap<String, WireSwapped>,
}

#[derive(Clone, PartialEq, Message)]
pub(crate) struct WirePlace {
    #[prost(double, required, tag = "1")]
    lat: f64,
    #[prost(double, required, tag = "2")]
    lon: f64,
    #[prost(string, optional, tag = "3")]
    label: Option<String>,
    #[prost(message, optional, tag = "4")]
    point: Option<WirePoint>,
    #[prost(string, repeated, tag = "5")]
    tags: Vec<String>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct WirePoint {
    #[prost(int32, optional, tag = "1")]
    x: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    y: Option<i32>,
}

#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct WireSwapped {
    #[prost(int32, optional, tag = "1")]
    y: Option<i32>,
    #[prost(int32, optional, tag = "2")]
    x: Option<i32>,
}

impl From<Shapes> for WireShapes {
    fn from(shapes: Shapes) -> Self {
        Self {
            flag: shapes.flag,
            tiny: shapes.tiny.map(i32::from),
            small: shapes.small.into(),
            medium: shapes.medium,
            big: shapes.big,
            single: shapes.single,
            double: shapes.double,
            price: shapes.price.map(|price| price.to_string()),
            text: shapes.text,
            code: shapes.code,
            word: shapes.word,
            folded: shapes.folded,
            raw: shapes.raw,
            day: shapes.day.map(DateDays::as_days),
            at: shapes.at.as_micros(),
            wall: shapes.wall.map(TimestampNtzMicros::as_micros),
            payload: shapes.payload.map(|json| json.as_str().to_owned()),
            flags: shapes.flags,
            numbers: shapes.numbers,
            doubles: shapes.doubles.unwrap_or_default(),
            names: shapes.names,
            blobs: shapes.blobs,
            by_name: shapes.by_name,
            by_number: shapes.by_number,
            by_flag: shapes.by_flag,
            by_long: shapes.by_long,
            place: shapes.place.map(WirePlace::from),
            points: shapes.points.into_iter().map(WirePoint::from).collect(),
            swapped: shapes.swapped.map(WireSwapped::from),
            by_point: (shapes.by_point.into_iter())
                .map(|(key, point)| (key, point.into()))
                .collect(),
        }
    }
}

impl From<Place> for WirePlace {
    fn from(place: Place) -> Self {
        Self {
            lat: place.lat,
            lon: place.lon,
            label: place.label,
            point: place.point.map(WirePoint::from),
            tags: place.tags,
        }
    }
}

impl From<Point> for WirePoint {
    fn from(Point { x, y }: Point) -> Self {
        Self { x, y }
    }
}

impl From<Point> for WireSwapped {
    fn from(Point { x, y }: Point) -> Self {
        Self { y, x }
    }
}

/// Any row that every column takes.
pub(crate) fn any_shapes() -> impl Strategy<Value = Shapes> {
    (scalars(), collections()).prop_map(|(scalars, collections)| Shapes {
        flags: collections.flags,
        numbers: collections.numbers,
        doubles: collections.doubles,
        names: collections.names,
        blobs: collections.blobs,
        by_name: collections.by_name,
        by_number: collections.by_number,
        by_flag: collections.by_flag,
        by_long: collections.by_long,
        place: collections.place,
        points: collections.points,
        swapped: collections.swapped,
        by_point: collections.by_point,
        ..scalars
    })
}

/// Text of every kind, and of lengths on both sides of one byte of length.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[a-z]{0,3}",
        (100_usize..300).prop_map(|count| "é".repeat(count)),
    ]
}

/// Whole and broken numbers, zeros of both signs, infinities; no NaN, which equals nothing.
fn double() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(0.0), Just(-0.0), Just(f64::INFINITY)]
        .prop_filter("NaN", |double| !double.is_nan())
}

/// Numbers of every length in bytes.
fn long() -> impl Strategy<Value = i64> {
    (any::<i64>(), 0_u32..64).prop_map(|(long, shift)| long >> shift)
}

fn scalars() -> impl Strategy<Value = Shapes> {
    let numbers = (
        any::<bool>(),
        any::<Option<i8>>(),
        any::<i16>(),
        any::<Option<i32>>(),
        long(),
        any::<Option<f32>>(),
        double(),
        option::of(-9_999_999_999_999_999_999_i128..9_999_999_999_999_999_999),
    );
    let texts = (
        text(),
        option::of("\\PC{0,3}"),
        option::of("\\PC{0,5}"),
        option::of(text()),
        vec(any::<u8>(), 0..300),
        option::of(prop_oneof![Just("null"), Just("{\"a\":[1,2.5,\"é\"]}")]),
    );
    let times = (any::<Option<i32>>(), long(), option::of(long()));
    (numbers, texts, times).prop_map(|(numbers, texts, times)| {
        let (flag, tiny, small, medium, big, single, double, price) = numbers;
        let (text, code, word, folded, raw, payload) = texts;
        let (day, at, wall) = times;
        Shapes {
            flag,
            tiny,
            small,
            medium,
            big,
            single: single.filter(|single| !single.is_nan()),
            double,
            price: price.and_then(|unscaled| Decimal::new(unscaled, 4)),
            text,
            code,
            word,
            folded,
            raw,
            day: day.map(DateDays::from_days),
            at: TimestampMicros::from_micros(at),
            wall: wall.map(TimestampNtzMicros::from_micros),
            payload: payload.map(|json| VariantJson::new(json.to_owned())),
            ..smallest()
        }
    })
}

fn collections() -> impl Strategy<Value = Shapes> {
    let arrays = (
        vec(any::<bool>(), 0..4),
        vec(long(), 0..20),
        option::of(vec(double(), 0..4)),
        vec(text(), 0..4),
        vec(vec(any::<u8>(), 0..4), 0..4),
    );
    let maps = (
        btree_map(text(), double(), 0..4),
        btree_map(-2..100_i32, text(), 0..4),
        btree_map(any::<bool>(), vec(any::<u8>(), 0..4), 0..3),
        btree_map(-2..2_i64, -2..2_i64, 0..4),
    );
    let place = (
        vec(text(), 0..3),
        option::of(text()),
        double(),
        option::of(point()),
        double(),
    )
        .prop_map(|(tags, label, lat, point, lon)| Place {
            tags,
            label,
            lat,
            point,
            lon,
        });
    let structs = (
        option::of(place),
        vec(point(), 0..4),
        option::of(point()),
        btree_map("[a-c]{0,1}", point(), 0..3),
    );
    (arrays, maps, structs).prop_map(|(arrays, maps, structs)| {
        let (flags, numbers, doubles, names, blobs) = arrays;
        let (by_name, by_number, by_flag, by_long) = maps;
        let (place, points, swapped, by_point) = structs;
        Shapes {
            flags,
            numbers,
            doubles,
            names,
            blobs,
            by_name,
            by_number,
            by_flag,
            by_long,
            place,
            points,
            swapped,
            by_point,
            ..smallest()
        }
    })
}

fn point() -> impl Strategy<Value = Point> {
    any::<(Option<i32>, Option<i32>)>().prop_map(|(x, y)| Point { x, y })
}

/// The row with the least in it.
pub(crate) fn smallest() -> Shapes {
    Shapes {
        flag: false,
        tiny: None,
        small: 0,
        medium: None,
        big: 0,
        single: None,
        double: 0.0,
        price: None,
        text: String::new(),
        code: None,
        word: None,
        folded: None,
        raw: Vec::new(),
        day: None,
        at: TimestampMicros::from_micros(0),
        wall: None,
        payload: None,
        flags: Vec::new(),
        numbers: Vec::new(),
        doubles: None,
        names: Vec::new(),
        blobs: Vec::new(),
        by_name: BTreeMap::new(),
        by_number: BTreeMap::new(),
        by_flag: BTreeMap::new(),
        by_long: BTreeMap::new(),
        place: None,
        points: Vec::new(),
        swapped: None,
        by_point: BTreeMap::new(),
    }
}
