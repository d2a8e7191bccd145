use crate::layout::{ColumnType, StructColumn};
use crate::text::Text;

// Numbers of google/protobuf/descriptor.proto.
const LABEL_OPTIONAL: u8 = 1;
const LABEL_REQUIRED: u8 = 2;
const LABEL_REPEATED: u8 = 3;
const TYPE_MESSAGE: u8 = 11;

/// The message of these columns as one serialized `google.protobuf.DescriptorProto`: the bytes that the mapping gives.
#[must_use]
pub const fn descriptor<const N: usize>(message: &str, columns: &[StructColumn]) -> Text<N> {
    let mut out = Text::new();
    let scope = Scope {
        parent: None,
        name: Name::Text(message),
    };
    write_message(&mut out, &scope, columns);
    out
}

/// How long the descriptor is.
#[must_use]
pub const fn descriptor_len(message: &str, columns: &[StructColumn]) -> usize {
    descriptor::<0>(message, columns).len()
}

/// The name of a message, as it follows from its column's.
#[derive(Clone, Copy)]
pub(super) enum Name<'a> {
    Text(&'a str),
    /// The message of a STRUCT.
    Struct(&'a str),
    /// The message of a MAP's entries.
    Entry(&'a str),
}

impl Name<'_> {
    pub(super) const fn write<const N: usize>(self, out: &mut Text<N>) {
        match self {
            Self::Text(name) => out.push(name),
            Self::Struct(column) => {
                if !starts_with_letter(column) {
                    out.push("Struct");
                }
                camel_case(column, out);
            }
            Self::Entry(column) => {
                camel_case(column, out);
                out.push("Entry");
            }
        }
    }
}

/// Whether the name begins with a letter once its underscores are gone.
const fn starts_with_letter(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() && bytes[i] == b'_' {
        i += 1;
    }
    i < bytes.len() && bytes[i].is_ascii_alphabetic()
}

const fn camel_case<const N: usize>(name: &str, out: &mut Text<N>) {
    let bytes = name.as_bytes();
    let mut is_upper = true;
    let mut i = 0;
    while i < bytes.len() {
        if bytes[i] == b'_' {
            is_upper = true;
        } else {
            out.push_byte(if is_upper {
                bytes[i].to_ascii_uppercase()
            } else {
                bytes[i]
            });
            is_upper = false;
        }
        i += 1;
    }
}

/// A message, within others.
struct Scope<'a> {
    parent: Option<&'a Self>,
    name: Name<'a>,
}

impl Scope<'_> {
    /// The name from the outermost message on, each part behind a dot.
    const fn write<const N: usize>(&self, out: &mut Text<N>) {
        if let Some(parent) = self.parent {
            parent.write(out);
        }
        out.push(".");
        self.name.write(out);
    }
}

const fn write_message<const N: usize>(
    out: &mut Text<N>,
    scope: &Scope<'_>,
    columns: &[StructColumn],
) {
    let start = begin(out, 1);
    scope.name.write(out);
    out.insert_length(start);
    let mut i = 0;
    while i < columns.len() {
        let column = &columns[i];
        let (label, value) = match column.column_type {
            ColumnType::Array(element) => (LABEL_REPEATED, *element),
            ColumnType::Map(..) => (LABEL_REPEATED, column.column_type),
            other if column.nullable => (LABEL_OPTIONAL, other),
            other => (LABEL_REQUIRED, other),
        };
        write_field(
            out,
            scope,
            column.name,
            column.name,
            column.number as usize,
            label,
            value,
        );
        i += 1;
    }
    let mut i = 0;
    while i < columns.len() {
        if let Some(fields) = innermost_struct(columns[i].column_type) {
            let scope = Scope {
                parent: Some(scope),
                name: Name::Struct(columns[i].name),
            };
            let start = begin(out, 3);
            write_message(out, &scope, fields);
            out.insert_length(start);
        }
        i += 1;
    }
    let mut i = 0;
    while i < columns.len() {
        if let ColumnType::Map(key, value) = columns[i].column_type {
            let column = columns[i].name;
            let start = begin(out, 3);
            let name = begin(out, 1);
            Name::Entry(column).write(out);
            out.insert_length(name);
            write_field(out, scope, "key", column, 1, LABEL_OPTIONAL, *key);
            write_field(out, scope, "value", column, 2, LABEL_OPTIONAL, *value);
            // MessageOptions { map_entry = true }
            let options = begin(out, 7);
            out.push_byte(7 << 3);
            out.push_byte(1);
            out.insert_length(options);
            out.insert_length(start);
        }
        i += 1;
    }
}

/// A field of the type `value`; the message of a STRUCT or MAP is named after `column`.
const fn write_field<const N: usize>(
    out: &mut Text<N>,
    scope: &Scope<'_>,
    name: &str,
    column: &str,
    number: usize,
    label: u8,
    value: ColumnType,
) {
    let field = begin(out, 2);
    let start = begin(out, 1);
    out.push(name);
    out.insert_length(start);
    out.push_byte(3 << 3);
    out.push_varint(number);
    out.push_byte(4 << 3);
    out.push_byte(label);
    out.push_byte(5 << 3);
    out.push_byte(type_number(value));
    let message = match value {
        ColumnType::Struct(_) => Some(Name::Struct(column)),
        ColumnType::Map(..) => Some(Name::Entry(column)),
        _ => None,
    };
    if let Some(name) = message {
        let start = begin(out, 6);
        scope.write(out);
        out.push(".");
        name.write(out);
        out.insert_length(start);
    }
    out.insert_length(field);
}

/// Begins a length-delimited field; [`Text::insert_length`] ends it.
const fn begin<const N: usize>(out: &mut Text<N>, number: u8) -> usize {
    out.push_byte(number << 3 | 2);
    out.len()
}

const fn innermost_struct(column_type: ColumnType) -> Option<&'static [StructColumn]> {
    match column_type {
        ColumnType::Struct(fields) => Some(fields),
        ColumnType::Array(element) => innermost_struct(*element),
        ColumnType::Map(_, value) => innermost_struct(*value),
        _ => None,
    }
}

const fn type_number(column_type: ColumnType) -> u8 {
    match column_type {
        ColumnType::Double => 1,
        ColumnType::Float => 2,
        ColumnType::Long | ColumnType::Timestamp | ColumnType::TimestampNtz => 3,
        ColumnType::Byte | ColumnType::Short | ColumnType::Integer | ColumnType::Date => 5,
        ColumnType::Boolean => 8,
        ColumnType::Binary => 12,
        ColumnType::Struct(_) | ColumnType::Map(..) => TYPE_MESSAGE,
        _ => 9,
    }
}
