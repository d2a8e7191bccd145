use super::model::{Field, FieldKind, Label, MapValue, Message, ScalarType};
use super::print::{SharedJsonNames, reserved_names};

// Numbers of google/protobuf/descriptor.proto.
const TYPE_MESSAGE: u64 = 11;
const LABEL_OPTIONAL: u64 = 1;

impl Message {
    /// The message as ONE serialized `google.protobuf.DescriptorProto`: what a stream sends when it opens.
    ///
    /// It is self-contained, as the service demands (documentation page "Zerobus Ingest error codes", 4033): every
    /// message is nested in it, and every `type_name` is fully qualified from the outermost message on.
    #[must_use]
    pub fn descriptor(&self) -> Vec<u8> {
        let mut out = Vec::new();
        write_message(
            &mut out,
            self,
            &format!(".{}", self.name),
            JsonNames::Implied,
        );
        out
    }

    /// The message as the only one in a serialized `google.protobuf.FileDescriptorSet`, which tools take in place of a
    /// `.proto` file (`protoc --descriptor_set_in`, `buf`, `grpcurl -protoset`). The file is `<message>.proto`.
    #[must_use]
    pub fn file_descriptor_set(&self, package: Option<&str>) -> Vec<u8> {
        let scope = match package {
            Some(package) => format!(".{package}.{}", self.name),
            None => format!(".{}", self.name),
        };
        let mut message = Vec::new();
        write_message(&mut message, self, &scope, JsonNames::OfText);
        // FileDescriptorProto; a file that names no syntax is proto2.
        let mut file = Vec::new();
        put_bytes(&mut file, 1, format!("{}.proto", self.name).as_bytes());
        if let Some(package) = package {
            put_bytes(&mut file, 2, package.as_bytes());
        }
        put_bytes(&mut file, 4, &message);
        let mut set = Vec::new();
        put_bytes(&mut set, 1, &file);
        set
    }
}

/// Which fields say their names in JSON.
#[derive(Clone, Copy, PartialEq, Eq)]
enum JsonNames {
    /// None: a stream has no use for them.
    Implied,
    /// Those that the `.proto` text names too.
    OfText,
}

fn write_message(out: &mut Vec<u8>, message: &Message, scope: &str, json: JsonNames) {
    put_bytes(out, 1, message.name.as_bytes());
    let shared = SharedJsonNames::of(message);
    for field in &message.fields {
        let mut bytes = Vec::new();
        write_field(&mut bytes, field, scope);
        if let (JsonNames::OfText, Some(name)) = (json, shared.explicit(field)) {
            put_bytes(&mut bytes, 10, name.as_bytes());
        }
        put_bytes(out, 2, &bytes);
    }
    for nested in &message.messages {
        let mut bytes = Vec::new();
        write_message(
            &mut bytes,
            nested,
            &format!("{scope}.{}", nested.name),
            json,
        );
        put_bytes(out, 3, &bytes);
    }
    for field in &message.fields {
        if let FieldKind::Map { key, value, entry } = &field.kind {
            let mut bytes = Vec::new();
            write_entry(&mut bytes, entry, *key, value, scope);
            put_bytes(out, 3, &bytes);
        }
    }
    for reserved in &message.reserved {
        let mut range = Vec::new();
        put_number(&mut range, 1, u64::from(reserved.number));
        // The end of a range is exclusive.
        put_number(&mut range, 2, u64::from(reserved.number) + 1);
        put_bytes(out, 9, &range);
    }
    for name in reserved_names(message) {
        put_bytes(out, 10, name.as_bytes());
    }
}

fn write_field(out: &mut Vec<u8>, field: &Field, scope: &str) {
    let label = match field.label {
        Label::Optional => LABEL_OPTIONAL,
        Label::Required => 2,
        Label::Repeated => 3,
    };
    let message = match &field.kind {
        FieldKind::Scalar(scalar) => Err(*scalar),
        FieldKind::Message(name) => Ok(name),
        FieldKind::Map { entry, .. } => Ok(entry),
    };
    write_field_parts(out, &field.name, field.number, label, message, scope);
}

fn write_entry(out: &mut Vec<u8>, entry: &str, key: ScalarType, value: &MapValue, scope: &str) {
    put_bytes(out, 1, entry.as_bytes());
    let value = match value {
        MapValue::Scalar(scalar) => Err(*scalar),
        MapValue::Message(name) => Ok(name),
    };
    for (name, number, kind) in [("key", 1, Err(key)), ("value", 2, value)] {
        let mut bytes = Vec::new();
        write_field_parts(&mut bytes, name, number, LABEL_OPTIONAL, kind, scope);
        put_bytes(out, 2, &bytes);
    }
    // MessageOptions { map_entry = true }
    put_bytes(out, 7, &[7 << 3, 1]);
}

fn write_field_parts(
    out: &mut Vec<u8>,
    name: &str,
    number: u32,
    label: u64,
    kind: Result<&String, ScalarType>,
    scope: &str,
) {
    put_bytes(out, 1, name.as_bytes());
    put_number(out, 3, u64::from(number));
    put_number(out, 4, label);
    match kind {
        Err(scalar) => put_number(out, 5, type_number(scalar)),
        Ok(message) => {
            put_number(out, 5, TYPE_MESSAGE);
            put_bytes(out, 6, format!("{scope}.{message}").as_bytes());
        }
    }
}

const fn type_number(scalar: ScalarType) -> u64 {
    match scalar {
        ScalarType::Double => 1,
        ScalarType::Float => 2,
        ScalarType::Int64 => 3,
        ScalarType::Int32 => 5,
        ScalarType::Bool => 8,
        ScalarType::String => 9,
        ScalarType::Bytes => 12,
    }
}

fn put_number(out: &mut Vec<u8>, field: u64, value: u64) {
    put_varint(out, field << 3);
    put_varint(out, value);
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_varint(out, (field << 3) | 2);
    put_varint(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push((value & 0x7f) as u8);
}
