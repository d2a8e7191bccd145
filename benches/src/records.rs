//! Records of an exact size once encoded, each other than the one before.

use zerobus_record::ZerobusRecord;

use crate::rows::{Document, Order, Reading};

/// So many, and then again from the start: few enough to stay in the cache, as a record fresh from its source is.
const RING: i64 = 64;

pub fn readings() -> Vec<Reading> {
    let reading = |at| Reading {
        device_name: format!("sensor-{at:06}"),
        temp: 20 + (at % 8) as i32,
        humidity: 300 + at,
    };
    (0..RING).map(reading).collect()
}

pub fn orders() -> Vec<Order> {
    let order = |at| Order {
        order_id: 4_815_162_342 + at,
        customer_id: 108_108 + at,
        sku: format!("SKU-2024-{at:06}-BLUE"),
        quantity: 12 + (at % 8) as i32,
        price: 19.99 + at as f64,
        placed_at: 1_732_000_000_123_456 + at,
        status: Some("shipped".to_owned()),
        note: Some("leave it at the back door, please, or".to_owned()),
    };
    (0..RING).map(order).collect()
}

pub fn documents(bytes: usize) -> Vec<Document> {
    let document = |at: i64, body: usize| Document {
        id: 90_071_992_547 + at,
        tenant: format!("tenant-{at:04}"),
        title: text(20 + bytes / 50),
        url: format!("https://example.com/{at:04}"),
        user_agent: Some(text(bytes / 10)),
        country: Some("CH".to_owned()),
        score: Some(0.75 + at as f64),
        created_at: 1_732_000_000_123_456 + at,
        updated_at: Some(1_732_000_000_999_999 + at),
        version: Some(7),
        summary: Some(text(bytes / 5)),
        body: Some(text(body)),
    };
    // The length of the body takes one byte or two.
    let bare = encoded_len(&document(0, 0));
    let body = [1, 2]
        .iter()
        .map(|width| (bytes + 1).saturating_sub(bare + width))
        .find(|body| encoded_len(&document(0, *body)) == bytes)
        .expect("a body of some length makes the record as long as it has to be");
    (0..RING).map(|at| document(at, body)).collect()
}

/// JSON text, as an application would have it from elsewhere.
pub fn json(bytes: usize) -> Vec<String> {
    let text = |at: i64, pad: usize| {
        let pad = "x".repeat(pad);
        format!(
            r#"{{"device_name":"sensor-{at:06}{pad}","temp":21,"humidity":{}}}"#,
            300 + at
        )
    };
    let pad = bytes - text(0, 0).len();
    (0..RING).map(|at| text(at, pad)).collect()
}

fn text(len: usize) -> String {
    let words = "The quick brown fox jumps over the lazy dog, and the dog lets it. ";
    words.chars().cycle().take(len).collect()
}

pub fn encoded_len<R: ZerobusRecord>(record: &R) -> usize {
    encoded(record).len()
}

pub fn encoded<R: ZerobusRecord>(record: &R) -> Vec<u8> {
    let mut out = Vec::new();
    record.encode(&mut out).expect("every value fits");
    out
}
