//! Records as JSON.

use serde_core::Serialize;
use serde_core::de::IgnoredAny;
use zerobus_record::RecordError;

use crate::record::Record;
use crate::stream::Stream;

/// The kind of a stream whose records are JSON objects, opened with [`Client::json_stream`](crate::Client::json_stream).
///
/// The keys are the columns' names. Values are those of the documentation page "Use Zerobus Ingest": TIMESTAMP and
/// TIMESTAMP_NTZ are integers, microseconds since 1970-01-01; DATE is an integer, days since then; DECIMAL is a
/// string; VARIANT is a string that holds JSON; BINARY is a string in base64 (**assumption**: no public source says
/// so). A key that is no column is refused by the service.
///
/// ```no_run
/// # async fn run(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
/// use zerobus_client::JsonString;
///
/// let mut stream = client.json_stream("main.default.air_quality").open().await?;
/// stream.ingest_record(&JsonString(r#"{"device_name": "roof", "temp": 21}"#)).await?;
/// stream.ingest_record(&serde_json::json!({"device_name": "roof", "temp": 22})).await?;
/// stream.close().await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy)]
pub enum Json {}

impl Stream<Json> {
    /// [`get_unacked_records`](Self::get_unacked_records) as the texts that they are.
    #[must_use]
    pub fn get_unacked_json(&self) -> Vec<String> {
        let records = self.get_unacked_records().into_iter();
        // Nothing but text was ever taken.
        records
            .map(|record| String::from_utf8_lossy(&record).into_owned())
            .collect()
    }
}

/// The text of one JSON object. It is checked to be one, and sent as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JsonString<T = String>(pub T);

/// Anything that serializes to a JSON object: a struct with `#[derive(Serialize)]`, a map, a reference to one.
///
/// ```no_run
/// # async fn run(mut stream: zerobus_client::Stream<zerobus_client::Json>) -> Result<(), zerobus_client::Error> {
/// use std::collections::BTreeMap;
/// use zerobus_client::JsonValue;
///
/// let record = BTreeMap::from([("temp", 21)]);
/// stream.ingest_record(&JsonValue(&record)).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct JsonValue<T>(pub T);

impl<T: AsRef<str>> Record<Json> for JsonString<T> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        write_text(self.0.as_ref(), out)
    }
}

macro_rules! texts {
    ($($text:ty),*) => {$(
        impl Record<Json> for $text {
            #[inline]
            fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
                write_text(self.as_ref(), out)
            }
        }
    )*};
}

texts!(str, &str, String);

impl<T: Serialize> Record<Json> for JsonValue<T> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        write_value(&self.0, out)
    }
}

impl Record<Json> for serde_json::Value {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        write_value(self, out)
    }
}

impl Record<Json> for serde_json::Map<String, serde_json::Value> {
    #[inline]
    fn write_to(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        write_value(self, out)
    }
}

#[inline]
fn write_text(text: &str, out: &mut Vec<u8>) -> Result<(), RecordError> {
    if !text.trim_start().starts_with('{') {
        return Err(no_object(text));
    }
    if let Err(error) = serde_json::from_str::<IgnoredAny>(text) {
        return Err(no_json(&error));
    }
    out.extend_from_slice(text.as_bytes());
    Ok(())
}

#[inline]
fn write_value(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), RecordError> {
    let start = out.len();
    if let Err(error) = serde_json::to_writer(&mut *out, value) {
        return Err(no_json(&error));
    }
    match out.get(start) {
        Some(b'{') => Ok(()),
        _ => Err(no_object(&String::from_utf8_lossy(
            out.get(start..).unwrap_or_default(),
        ))),
    }
}

#[cold]
fn no_object(text: &str) -> RecordError {
    let found = match text.trim_start().chars().next() {
        None => "nothing",
        Some('[') => "an array; give each record to `ingest_records`",
        Some('"') => "a string; text that is a record already goes into `JsonString`",
        Some(_) => "something else",
    };
    RecordError::new("a JSON object with the columns as keys", found)
}

#[cold]
fn no_json(error: &serde_json::Error) -> RecordError {
    RecordError::new("a JSON object", format!("what is none ({error})"))
}
