//! Encoded records as JSON, for where the service takes nothing else.

use std::collections::{BTreeMap, HashMap};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Buf as _;
use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use serde_core::Serialize;
use zerobus_record::RecordError;
use zerobus_schema::mapping::MESSAGE_LEVELS_MAX;

use crate::descriptor::{DescriptorError, ProtoDescriptor, messages_by_name};
use crate::error::Error;

impl ProtoDescriptor {
    /// An encoded record as JSON, to be looked at: what a dead-letter sink got, or what a stream has not got acked.
    ///
    /// Keys are column names; TIMESTAMP and DATE are microseconds and days since 1970-01-01, DECIMAL and VARIANT are
    /// text, BINARY is base64.
    ///
    /// ```
    /// use zerobus_client::{ProtoDescriptor, ZerobusRecord};
    ///
    /// #[derive(ZerobusRecord)]
    /// struct Reading {
    ///     device: &'static str,
    ///     temp: Option<i32>,
    /// }
    ///
    /// let mut record = Vec::new();
    /// Reading { device: "roof", temp: Some(21) }.encode(&mut record)?;
    /// assert_eq!(ProtoDescriptor::of::<Reading>().to_json(&record)?, r#"{"device":"roof","temp":21}"#);
    /// # Ok::<(), zerobus_client::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Descriptor`](crate::Error::Descriptor) when the descriptor cannot be used,
    /// [`Error::Record`](crate::Error::Record) when the bytes are no record of it, or hold what JSON cannot say: NaN
    /// and infinity.
    pub fn to_json(&self, record: &[u8]) -> Result<String, Error> {
        let mut json = Vec::new();
        Transcoder::new(self)?.write(record, &mut json)?;
        // Nothing but text is written.
        Ok(String::from_utf8_lossy(&json).into_owned())
    }
}

/// Turns messages of one descriptor into JSON objects: keys are column names, BINARY is base64 (**assumption**, as for
/// JSON streams), numbers and text are what they are on the wire.
#[derive(Debug)]
pub(crate) struct Transcoder {
    messages: Vec<Message>,
    /// Where the record's own message stands.
    root: usize,
}

#[derive(Debug)]
struct Message {
    is_entry: bool,
    fields: HashMap<u32, Field>,
}

#[derive(Debug)]
struct Field {
    name: String,
    /// In the order of the descriptor.
    at: usize,
    repeated: bool,
    proto: Type,
    /// The message that it holds.
    message: Option<usize>,
}

/// A value as it stands on the wire.
#[derive(Clone, Copy)]
enum Raw<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

impl Transcoder {
    pub(crate) fn new(descriptor: &ProtoDescriptor) -> Result<Self, DescriptorError> {
        descriptor.check()?;
        let root = DescriptorProto::decode(descriptor.as_bytes()).map_err(|error| {
            DescriptorError::Malformed {
                problem: error.to_string(),
            }
        })?;
        let by_name = messages_by_name(&root);
        let places: BTreeMap<&str, usize> = by_name.keys().map(String::as_str).zip(0..).collect();
        let field = |(at, field): (usize, &FieldDescriptorProto)| {
            let planned = Field {
                name: field.name().to_owned(),
                at,
                repeated: field.label() == Label::Repeated,
                proto: field.r#type(),
                message: places.get(field.type_name()).copied(),
            };
            (field.number().unsigned_abs(), planned)
        };
        let messages = by_name.values().map(|message| Message {
            is_entry: message.options.as_ref().is_some_and(|o| o.map_entry()),
            fields: message.field.iter().enumerate().map(field).collect(),
        });
        let name = format!(".{}", root.name());
        Ok(Self {
            messages: messages.collect(),
            root: places.get(name.as_str()).copied().unwrap_or_default(),
        })
    }

    /// Appends the record's JSON object.
    pub(crate) fn write(&self, record: &[u8], out: &mut Vec<u8>) -> Result<(), RecordError> {
        self.message(self.root, record, out, 1)
    }

    fn message(
        &self,
        at: usize,
        mut bytes: &[u8],
        out: &mut Vec<u8>,
        level: usize,
    ) -> Result<(), RecordError> {
        let message = self.messages.get(at).ok_or_else(not_of_descriptor)?;
        if level > MESSAGE_LEVELS_MAX {
            return Err(not_of_descriptor());
        }
        let mut values = Vec::new();
        while !bytes.is_empty() {
            let (number, raw) = next_field(&mut bytes).ok_or_else(not_of_descriptor)?;
            let field = message.fields.get(&number).ok_or_else(not_of_descriptor)?;
            values.push((field, raw));
        }
        values.sort_by_key(|(field, _)| field.at);
        out.push(b'{');
        let groups = values.chunk_by(|(one, _), (other, _)| one.at == other.at);
        for (nth, group) in groups.enumerate() {
            let Some((field, last)) = group.last() else {
                continue;
            };
            if nth > 0 {
                out.push(b',');
            }
            put(out, &field.name);
            out.push(b':');
            let written = if field.repeated {
                self.collection(field, group, out, level)
            } else {
                self.value(field, *last, out, level)
            };
            written.map_err(|error| error.in_column(&field.name))?;
        }
        out.push(b'}');
        Ok(())
    }

    fn collection(
        &self,
        field: &Field,
        values: &[(&Field, Raw<'_>)],
        out: &mut Vec<u8>,
        level: usize,
    ) -> Result<(), RecordError> {
        let entry = field.message.and_then(|at| self.messages.get(at));
        let entry = entry.filter(|message| message.is_entry);
        let (open, close) = if entry.is_some() {
            (b'{', b'}')
        } else {
            (b'[', b']')
        };
        out.push(open);
        let start = out.len();
        for (_, raw) in values {
            match (entry, *raw) {
                (Some(entry), Raw::Bytes(bytes)) => {
                    separate(out, start);
                    self.entry(entry, bytes, out, level)?;
                }
                (None, Raw::Bytes(mut packed)) if is_numeric(field.proto) => {
                    while !packed.is_empty() {
                        separate(out, start);
                        let raw =
                            next_packed(field.proto, &mut packed).ok_or_else(not_of_descriptor)?;
                        self.value(field, raw, out, level)?;
                    }
                }
                (_, raw) => {
                    separate(out, start);
                    self.value(field, raw, out, level)?;
                }
            }
        }
        out.push(close);
        Ok(())
    }

    /// Key and value of a map; what is left out of either is its default.
    fn entry(
        &self,
        entry: &Message,
        mut bytes: &[u8],
        out: &mut Vec<u8>,
        level: usize,
    ) -> Result<(), RecordError> {
        let (mut key, mut value) = (None, None);
        while !bytes.is_empty() {
            match next_field(&mut bytes).ok_or_else(not_of_descriptor)? {
                (1, raw) => key = Some(raw),
                (2, raw) => value = Some(raw),
                _ => return Err(not_of_descriptor()),
            }
        }
        let field = |number| entry.fields.get(&number).ok_or_else(not_of_descriptor);
        let (key_field, value_field) = (field(1)?, field(2)?);
        let key = key.unwrap_or_else(|| default_of(key_field.proto));
        if key_field.proto == Type::String {
            self.value(key_field, key, out, level)?;
        } else {
            out.push(b'"');
            self.value(key_field, key, out, level)?;
            out.push(b'"');
        }
        out.push(b':');
        let value = value.unwrap_or_else(|| default_of(value_field.proto));
        self.value(value_field, value, out, level)
    }

    fn value(
        &self,
        field: &Field,
        raw: Raw<'_>,
        out: &mut Vec<u8>,
        level: usize,
    ) -> Result<(), RecordError> {
        match (field.proto, raw) {
            (Type::Bool, Raw::Varint(value)) => put(out, &(value != 0)),
            (Type::Int32 | Type::Int64 | Type::Enum, Raw::Varint(value)) => {
                put(out, &value.cast_signed());
            }
            (Type::Uint32 | Type::Uint64, Raw::Varint(value)) => put(out, &value),
            (Type::Sint32 | Type::Sint64, Raw::Varint(value)) => {
                put(
                    out,
                    &((value >> 1).cast_signed() ^ -(value & 1).cast_signed()),
                );
            }
            (Type::Fixed64, Raw::Fixed64(value)) => put(out, &value),
            (Type::Sfixed64, Raw::Fixed64(value)) => put(out, &value.cast_signed()),
            (Type::Fixed32, Raw::Fixed32(value)) => put(out, &value),
            (Type::Sfixed32, Raw::Fixed32(value)) => put(out, &value.cast_signed()),
            (Type::Double, Raw::Fixed64(bits)) => {
                let value = f64::from_bits(bits);
                if !value.is_finite() {
                    return Err(not_in_json(value));
                }
                put(out, &value);
            }
            (Type::Float, Raw::Fixed32(bits)) => {
                let value = f32::from_bits(bits);
                if !value.is_finite() {
                    return Err(not_in_json(value.into()));
                }
                put(out, &value);
            }
            (Type::String, Raw::Bytes(text)) => match std::str::from_utf8(text) {
                Ok(text) => put(out, text),
                Err(_) => return Err(RecordError::new("text", "bytes that are no UTF-8")),
            },
            (Type::Bytes, Raw::Bytes(bytes)) => put(out, &STANDARD.encode(bytes)),
            (Type::Message, Raw::Bytes(bytes)) => {
                let at = field.message.ok_or_else(not_of_descriptor)?;
                return self.message(at, bytes, out, level + 1);
            }
            _ => return Err(not_of_descriptor()),
        }
        Ok(())
    }
}

fn put<T: Serialize + ?Sized>(out: &mut Vec<u8>, value: &T) {
    // Neither writing to memory nor a scalar fails.
    let _ = serde_json::to_writer(out, value);
}

fn separate(out: &mut Vec<u8>, start: usize) {
    if out.len() > start {
        out.push(b',');
    }
}

#[cold]
fn not_of_descriptor() -> RecordError {
    RecordError::new("a message of the descriptor", "bytes of another")
}

#[cold]
fn not_in_json(value: f64) -> RecordError {
    RecordError::new(
        "a finite number, because this record travels as JSON",
        value.to_string(),
    )
}

fn is_numeric(proto: Type) -> bool {
    !matches!(
        proto,
        Type::String | Type::Bytes | Type::Message | Type::Group
    )
}

fn default_of(proto: Type) -> Raw<'static> {
    match proto {
        Type::Double | Type::Fixed64 | Type::Sfixed64 => Raw::Fixed64(0),
        Type::Float | Type::Fixed32 | Type::Sfixed32 => Raw::Fixed32(0),
        proto if is_numeric(proto) => Raw::Varint(0),
        _ => Raw::Bytes(&[]),
    }
}

fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, Raw<'a>)> {
    let tag = u32::try_from(varint(bytes)?).ok()?;
    let raw = match tag & 7 {
        0 => Raw::Varint(varint(bytes)?),
        1 => Raw::Fixed64(bytes.try_get_u64_le().ok()?),
        2 => {
            let len = usize::try_from(varint(bytes)?).ok()?;
            let (value, rest) = bytes.split_at_checked(len)?;
            *bytes = rest;
            Raw::Bytes(value)
        }
        5 => Raw::Fixed32(bytes.try_get_u32_le().ok()?),
        _ => return None,
    };
    Some((tag >> 3, raw))
}

fn next_packed(proto: Type, bytes: &mut &[u8]) -> Option<Raw<'static>> {
    match default_of(proto) {
        Raw::Fixed64(_) => Some(Raw::Fixed64(bytes.try_get_u64_le().ok()?)),
        Raw::Fixed32(_) => Some(Raw::Fixed32(bytes.try_get_u32_le().ok()?)),
        _ => Some(Raw::Varint(varint(bytes)?)),
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..70).step_by(7) {
        let byte = bytes.try_get_u8().ok()?;
        value |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use zerobus_schema::ddl;

    use super::*;
    use crate::dynamic::{RecordSchema, Value};
    use crate::record::Record as _;

    fn schema(columns: &str) -> RecordSchema {
        let table = ddl::parse_create_table(&format!("CREATE TABLE t ({columns})")).unwrap();
        RecordSchema::of(&table).unwrap()
    }

    fn json(columns: &str, value: serde_json::Value) -> Result<serde_json::Value, RecordError> {
        let schema = schema(columns);
        let mut record = schema.record();
        record.set_json(value.as_object().unwrap())?;
        let mut bytes = Vec::new();
        record.write_to(&mut bytes)?;
        let mut out = Vec::new();
        Transcoder::new(schema.descriptor())
            .unwrap()
            .write(&bytes, &mut out)?;
        Ok(serde_json::from_slice(&out).unwrap())
    }

    #[test]
    fn a_record_comes_back_as_the_json_it_was_made_of() {
        let columns = "b BOOLEAN, tiny TINYINT, n BIGINT, f FLOAT, d DOUBLE, price DECIMAL(10,2), s STRING, day DATE, \
                       at TIMESTAMP, tags ARRAY<STRING>, ns ARRAY<INT>, m MAP<STRING, DOUBLE>, im MAP<INT, STRING>, \
                       bm MAP<BOOLEAN, BIGINT>, place STRUCT<lat: DOUBLE, near: ARRAY<STRUCT<x: INT>>>, \
                       by MAP<STRING, STRUCT<x: INT>>";
        let value = serde_json::json!({
            "b": true, "tiny": -5, "n": i64::MIN, "f": 0.1, "d": -2.5e-300, "price": "-19.90", "s": "ü\"\n",
            "day": -1, "at": 1_790_000_000_123_456_i64, "tags": ["", "a"], "ns": [0, -1, 7], "m": {"k": 0.0, "": 1.5},
            "im": {"-3": "x", "0": ""}, "bm": {"true": 1, "false": 0},
            "place": {"lat": 1.0, "near": [{}, {"x": 2}]}, "by": {"a": {"x": 1}, "b": {}},
        });
        assert_eq!(json(columns, value.clone()).unwrap(), value);
        assert_eq!(
            json(columns, serde_json::json!({})).unwrap(),
            serde_json::json!({})
        );
    }

    #[test]
    fn what_json_cannot_say_is_refused_by_column_and_bytes_are_base64() {
        let schema = schema("raw BINARY, p STRUCT<d: DOUBLE>");
        let transcoder = Transcoder::new(schema.descriptor()).unwrap();
        let mut record = schema.record();
        record.set("raw", &[0_u8, 255]).unwrap();
        let mut out = Vec::new();
        transcoder
            .write(&record.to_bytes().unwrap(), &mut out)
            .unwrap();
        assert_eq!(out, br#"{"raw":"AP8="}"#);
        record.set("p", &[("d", Value::from(f64::NAN))]).unwrap();
        let error = transcoder
            .write(&record.to_bytes().unwrap(), &mut out)
            .unwrap_err();
        assert_eq!(error.path().to_string(), "p.d");
    }

    #[test]
    fn packed_numbers_are_taken_apart() {
        let transcoder = Transcoder::new(schema("ns ARRAY<INT>, ds ARRAY<DOUBLE>").descriptor());
        let mut packed = vec![0x0a, 3, 1, 0xac, 0x02, 0x08, 5, 0x12, 8];
        packed.extend(1.5_f64.to_le_bytes());
        let mut out = Vec::new();
        transcoder.unwrap().write(&packed, &mut out).unwrap();
        assert_eq!(out, br#"{"ns":[1,300,5],"ds":[1.5]}"#);
    }

    proptest! {
        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let schema = schema("a INT, s STRING, p STRUCT<x: ARRAY<STRUCT<d: DOUBLE>>>, m MAP<INT, BINARY>");
            let mut out = Vec::new();
            if Transcoder::new(schema.descriptor()).unwrap().write(&bytes, &mut out).is_ok() {
                serde_json::from_slice::<serde_json::Value>(&out).unwrap();
            }
        }
    }
}
