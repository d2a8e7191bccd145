//! The rows, as the messages that prost's derive makes and as JSON.

use std::collections::BTreeMap;

use serde_json::{Value, json};

#[derive(Clone, PartialEq, prost::Message)]
pub struct Row {
    #[prost(int64, required, tag = "1")]
    pub id: i64,
    #[prost(string, required, tag = "2")]
    pub name: String,
    #[prost(bool, optional, tag = "3")]
    pub flag: Option<bool>,
    #[prost(int32, optional, tag = "4")]
    pub tiny: Option<i32>,
    #[prost(int32, optional, tag = "5")]
    pub small: Option<i32>,
    #[prost(int32, optional, tag = "6")]
    pub n: Option<i32>,
    #[prost(float, optional, tag = "7")]
    pub f: Option<f32>,
    #[prost(double, optional, tag = "8")]
    pub d: Option<f64>,
    #[prost(string, optional, tag = "9")]
    pub price: Option<String>,
    #[prost(string, optional, tag = "10")]
    pub code: Option<String>,
    #[prost(bytes = "vec", optional, tag = "11")]
    pub raw: Option<Vec<u8>>,
    #[prost(int32, optional, tag = "12")]
    pub day: Option<i32>,
    #[prost(int64, optional, tag = "13")]
    pub at: Option<i64>,
    #[prost(int64, optional, tag = "14")]
    pub local_at: Option<i64>,
    #[prost(string, optional, tag = "15")]
    pub doc: Option<String>,
    #[prost(string, repeated, tag = "16")]
    pub tags: Vec<String>,
    #[prost(btree_map = "string, int64", tag = "17")]
    pub counts: BTreeMap<String, i64>,
    #[prost(message, optional, tag = "18")]
    pub place: Option<Place>,
}

#[derive(Clone, PartialEq, prost::Message)]
pub struct Place {
    #[prost(double, required, tag = "1")]
    pub lat: f64,
    #[prost(string, optional, tag = "2")]
    pub label: Option<String>,
}

/// Rows with the ids from `first` on; some have a value for every column and some for the NOT NULL ones alone.
pub fn rows(first: i64, count: i64) -> Vec<Row> {
    (first..first + count).map(row).collect()
}

fn row(id: i64) -> Row {
    let name = format!("Größe {id} 😀");
    if id % 3 == 0 {
        return Row {
            id,
            name,
            ..Row::default()
        };
    }
    let sign = if id % 2 == 0 { -1 } else { 1 };
    Row {
        id,
        name,
        flag: Some(id % 2 == 0),
        tiny: Some(127 * sign),
        small: Some(32_767 * sign),
        n: Some(i32::MAX.wrapping_mul(sign)),
        f: Some(0.1 * id as f32),
        d: Some(f64::MAX * f64::from(sign)),
        price: Some(format!(
            "{}12345678901234567890.123456789012345678",
            if sign < 0 { "-" } else { "" }
        )),
        code: Some("äöüß".to_owned()),
        raw: Some((0..=255).cycle().take(id as usize * 7).collect()),
        day: Some(20_000 * sign),
        at: Some(1_732_000_000_123_456 * i64::from(sign)),
        local_at: Some(253_402_300_799_999_999),
        doc: Some(json!({"id": id, "list": [1, null, {"a": true}]}).to_string()),
        tags: (0..id % 4).map(|tag| format!("tag {tag}")).collect(),
        counts: (0..id % 3)
            .map(|key| (format!("key {key}"), key - 1))
            .collect(),
        place: Some(Place {
            lat: 47.37,
            label: (id % 4 == 1).then(|| "Zürich".to_owned()),
        }),
    }
}

impl Row {
    /// As it is sent as JSON: VARIANT is text that holds JSON, BINARY is base64, and what is NULL is left out.
    pub fn to_json(&self) -> Value {
        let mut row = self.stored();
        if let Some(object) = row.as_object_mut() {
            object.retain(|_, value| !value.is_null());
            if let Some(doc) = &self.doc {
                object.insert("doc".to_owned(), doc.clone().into());
            }
            if let Some(place) = object.get_mut("place").and_then(Value::as_object_mut) {
                place.retain(|_, value| !value.is_null());
            }
        }
        row
    }

    /// As the table has it afterwards. An empty ARRAY or MAP travels as nothing, which is NULL.
    pub fn stored(&self) -> Value {
        let doc: Option<Value> = self
            .doc
            .as_deref()
            .and_then(|doc| serde_json::from_str(doc).ok());
        let place = self
            .place
            .as_ref()
            .map(|place| json!({"lat": place.lat, "label": place.label}));
        let tags = (!self.tags.is_empty()).then_some(&self.tags);
        let counts = (!self.counts.is_empty()).then_some(&self.counts);
        json!({
            "id": self.id, "name": self.name, "flag": self.flag, "tiny": self.tiny, "small": self.small, "n": self.n,
            "f": self.f, "d": self.d, "price": self.price, "code": self.code,
            "raw": self.raw.as_deref().map(base64), "day": self.day, "at": self.at, "local_at": self.local_at,
            "doc": doc, "tags": tags, "counts": counts, "place": place,
        })
    }
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let bits = chunk
            .iter()
            .fold(0, |bits, byte| bits << 8 | u32::from(*byte))
            << (8 * (3 - chunk.len()));
        for digit in 0..4 {
            let index = (bits >> (18 - 6 * digit)) & 63;
            text.push(if digit <= chunk.len() {
                char::from(DIGITS[index as usize])
            } else {
                '='
            });
        }
    }
    text
}
