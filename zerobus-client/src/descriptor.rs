//! The descriptor of records that are encoded elsewhere.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use bytes::Bytes;
use prost::Message as _;
use prost_types::field_descriptor_proto::Type;
use prost_types::{DescriptorProto, EnumDescriptorProto, FileDescriptorSet};
use zerobus_record::ZerobusRecord;

/// The largest descriptor read, in bytes: some hundred for each of 2,000 columns.
const DESCRIPTOR_MAX: usize = 4 << 20;
/// The same for a set of files, which holds every import too.
const SET_MAX: usize = 16 << 20;
/// Names shown of the messages that there are.
const KNOWN_MAX: usize = 20;

/// The message that a table's records are: one serialized `google.protobuf.DescriptorProto`.
///
/// It has to be self-contained: every message type nested inside, every `type_name` fully qualified from the outermost
/// message on (`.AirQuality.Location`), no imports and no well-known types (documentation page "Zerobus Ingest error
/// codes", 4033). That is checked when the stream is opened.
#[derive(Clone, PartialEq, Eq)]
pub struct ProtoDescriptor {
    bytes: Bytes,
}

impl ProtoDescriptor {
    /// A serialized `DescriptorProto`. `prost_types::DescriptorProto::encode_to_vec` writes one, and so does
    /// `zerobus generate descriptor`.
    #[must_use]
    pub fn new(descriptor: impl Into<Bytes>) -> Self {
        Self {
            bytes: descriptor.into(),
        }
    }

    /// That of a record type.
    #[must_use]
    pub fn of<R: ZerobusRecord>() -> Self {
        Self::from(R::DESCRIPTOR)
    }

    /// The message of this name, with its package, out of a serialized `FileDescriptorSet`: what
    /// `protoc --include_imports --descriptor_set_out` and prost-build's `file_descriptor_set_path` write. Types that
    /// lie beside the message are nested inside it, and all type names are qualified anew.
    ///
    /// # Errors
    /// [`DescriptorError`] when the set cannot be read, has no such message, or the message needs what is not in it
    /// or is a well-known type.
    pub fn from_file_descriptor_set(set: &[u8], message: &str) -> Result<Self, DescriptorError> {
        if set.len() > SET_MAX {
            return Err(too_large("file descriptor set", set.len(), SET_MAX));
        }
        let files = FileDescriptorSet::decode(set).map_err(|error| DescriptorError::Malformed {
            problem: format!("no google.protobuf.FileDescriptorSet ({error})"),
        })?;
        let mut types = Types::default();
        for file in &files.file {
            let package = match file.package() {
                "" => String::new(),
                package => format!(".{package}"),
            };
            types.add(&package, &file.message_type, &file.enum_type);
        }
        let root = format!(".{}", message.trim_start_matches('.'));
        let descriptor = types.nest(&root)?;
        Ok(Self::new(descriptor.encode_to_vec()))
    }

    /// The serialized `DescriptorProto`.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(crate) fn into_bytes(self) -> Bytes {
        self.bytes
    }

    /// Whether the service can read records with it alone.
    pub(crate) fn check(&self) -> Result<(), DescriptorError> {
        if self.bytes.len() > DESCRIPTOR_MAX {
            let len = self.bytes.len();
            return Err(too_large("descriptor", len, DESCRIPTOR_MAX));
        }
        let message = DescriptorProto::decode(self.bytes.clone()).map_err(|error| {
            DescriptorError::Malformed {
                problem: format!("no google.protobuf.DescriptorProto ({error})"),
            }
        })?;
        if !is_identifier(message.name()) {
            return Err(DescriptorError::Malformed {
                problem: "no DescriptorProto of a named message; of a FileDescriptorSet, take the message out with \
                          ProtoDescriptor::from_file_descriptor_set"
                    .to_owned(),
            });
        }
        let mut names = BTreeSet::new();
        collect_names(&message, "", &mut names);
        check_types(&message, "", &names)
    }
}

impl From<Vec<u8>> for ProtoDescriptor {
    fn from(descriptor: Vec<u8>) -> Self {
        Self::new(descriptor)
    }
}

impl From<&'static [u8]> for ProtoDescriptor {
    fn from(descriptor: &'static [u8]) -> Self {
        Self::new(descriptor)
    }
}

impl From<Bytes> for ProtoDescriptor {
    fn from(descriptor: Bytes) -> Self {
        Self::new(descriptor)
    }
}

impl fmt::Debug for ProtoDescriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtoDescriptor")
            .field("bytes", &self.bytes.len())
            .finish()
    }
}

/// Why a descriptor cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The bytes are no descriptor.
    Malformed {
        /// What they are instead.
        problem: String,
    },
    /// The set of files has no message of this name.
    UnknownMessage {
        /// The name asked for.
        message: String,
        /// Some of those that there are.
        known: Vec<String>,
    },
    /// A field has a type that the descriptor does not contain, or names it otherwise than in full.
    NotSelfContained {
        /// The field: `AirQuality.location`.
        field: String,
        /// The type that it names.
        type_name: String,
    },
    /// A field has a type that no column has; only dynamic records ask.
    NoColumnType {
        /// The field: `AirQuality.count`.
        field: String,
        /// Its type.
        found: String,
    },
    /// A field has one of protobuf's well-known types, which are no column types.
    WellKnownType {
        /// The field: `iot.AirQuality.observed_at`.
        field: String,
        /// The type: `.google.protobuf.Timestamp`.
        type_name: String,
    },
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { problem } => write!(
                f,
                "the descriptor is {problem}; give one serialized DescriptorProto"
            ),
            Self::UnknownMessage { message, known } => {
                write!(f, "the file descriptor set has no message {message}")?;
                if known.is_empty() {
                    f.write_str("; it has none at all")
                } else {
                    write!(f, "; it has {}", known.join(", "))
                }
            }
            Self::NotSelfContained { field, type_name } => write!(
                f,
                "the descriptor is not self-contained: field {field} has the type `{type_name}`, which is not nested in \
                 the message under that full name; make it with ProtoDescriptor::from_file_descriptor_set"
            ),
            Self::NoColumnType { field, found } => write!(
                f,
                "field {field} is {found}, which no column is; bool, int32, int64, float, double, string, bytes and \
                 messages are"
            ),
            Self::WellKnownType { field, type_name } => write!(
                f,
                "field {field} has the type `{type_name}`, which no column has; TIMESTAMP is int64 microseconds, DATE \
                 int32 days, VARIANT a string of JSON"
            ),
        }
    }
}

impl std::error::Error for DescriptorError {}

fn too_large(what: &str, len: usize, most: usize) -> DescriptorError {
    DescriptorError::Malformed {
        problem: format!("a {what} of {len} bytes, more than the {most} that are read"),
    }
}

/// A set of files reads as a descriptor too, with a name that is none.
fn is_identifier(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

fn collect_names(message: &DescriptorProto, scope: &str, names: &mut BTreeSet<String>) {
    let scope = format!("{scope}.{}", message.name());
    for nested in &message.enum_type {
        names.insert(format!("{scope}.{}", nested.name()));
    }
    for nested in &message.nested_type {
        collect_names(nested, &scope, names);
    }
    names.insert(scope);
}

fn check_types(
    message: &DescriptorProto,
    scope: &str,
    names: &BTreeSet<String>,
) -> Result<(), DescriptorError> {
    let scope = format!("{scope}.{}", message.name());
    for field in &message.field {
        let type_name = field.type_name();
        let needs_name = matches!(field.r#type(), Type::Message | Type::Enum | Type::Group);
        if (needs_name || !type_name.is_empty()) && !names.contains(type_name) {
            return Err(DescriptorError::NotSelfContained {
                field: format!("{}.{}", scope.trim_start_matches('.'), field.name()),
                type_name: type_name.to_owned(),
            });
        }
    }
    let nested = message.nested_type.iter();
    nested
        .into_iter()
        .try_for_each(|nested| check_types(nested, &scope, names))
}

/// Every message of a descriptor, by its full name.
pub(crate) fn messages_by_name(root: &DescriptorProto) -> BTreeMap<String, &DescriptorProto> {
    fn add<'a>(
        message: &'a DescriptorProto,
        scope: &str,
        messages: &mut BTreeMap<String, &'a DescriptorProto>,
    ) {
        let scope = format!("{scope}.{}", message.name());
        for nested in &message.nested_type {
            add(nested, &scope, messages);
        }
        messages.insert(scope, message);
    }
    let mut messages = BTreeMap::new();
    add(root, "", &mut messages);
    messages
}

/// Every type of a set of files, by its full name.
#[derive(Default)]
struct Types<'a> {
    messages: BTreeMap<String, &'a DescriptorProto>,
    enums: BTreeMap<String, &'a EnumDescriptorProto>,
}

impl<'a> Types<'a> {
    fn add(
        &mut self,
        scope: &str,
        messages: &'a [DescriptorProto],
        enums: &'a [EnumDescriptorProto],
    ) {
        for one in enums {
            self.enums.insert(format!("{scope}.{}", one.name()), one);
        }
        for message in messages {
            let name = format!("{scope}.{}", message.name());
            self.add(&name, &message.nested_type, &message.enum_type);
            self.messages.insert(name, message);
        }
    }

    /// The message with all it needs inside.
    fn nest(&self, root: &str) -> Result<DescriptorProto, DescriptorError> {
        let Some(message) = self.messages.get(root) else {
            let known = self.messages.keys().take(KNOWN_MAX);
            return Err(DescriptorError::UnknownMessage {
                message: root.trim_start_matches('.').to_owned(),
                known: known
                    .map(|name| name.trim_start_matches('.').to_owned())
                    .collect(),
            });
        };
        let mut message = DescriptorProto::clone(message);
        let mut nesting = Nesting {
            types: self,
            root,
            name: message.name().to_owned(),
            taken: BTreeSet::new(),
            given: BTreeMap::new(),
            wanted: Vec::new(),
        };
        let fields = message.field.iter().map(|field| field.name());
        let messages = message.nested_type.iter().map(DescriptorProto::name);
        let enums = message.enum_type.iter().map(EnumDescriptorProto::name);
        nesting.taken = fields
            .chain(messages)
            .chain(enums)
            .map(str::to_owned)
            .collect();
        nesting.requalify(&mut message, root)?;
        while let Some((from, name)) = nesting.wanted.pop() {
            if let Some(foreign) = self.enums.get(&from) {
                let mut foreign = EnumDescriptorProto::clone(foreign);
                foreign.name = Some(name);
                message.enum_type.push(foreign);
            } else if let Some(foreign) = self.messages.get(&from) {
                let mut foreign = DescriptorProto::clone(foreign);
                nesting.requalify(&mut foreign, &from)?;
                foreign.name = Some(name);
                message.nested_type.push(foreign);
            }
        }
        Ok(message)
    }
}

/// Types on their way into one message.
struct Nesting<'a> {
    types: &'a Types<'a>,
    /// The message's full name, in its file.
    root: &'a str,
    /// The message's own name.
    name: String,
    /// Names in use directly inside the message.
    taken: BTreeSet<String>,
    /// What types from outside are called inside.
    given: BTreeMap<String, String>,
    /// Types from outside that are still to be put inside.
    wanted: Vec<(String, String)>,
}

impl Nesting<'_> {
    fn requalify(
        &mut self,
        message: &mut DescriptorProto,
        scope: &str,
    ) -> Result<(), DescriptorError> {
        for field in &mut message.field {
            // Extensions and defaults aside, a stream reads name, number, label and type.
            if let Some(type_name) = field.type_name.take_if(|name| !name.is_empty()) {
                let path = || format!("{}.{}", scope.trim_start_matches('.'), field.name());
                field.type_name = Some(self.qualify(&type_name, path)?);
            }
        }
        for nested in &mut message.nested_type {
            let scope = format!("{scope}.{}", nested.name());
            self.requalify(nested, &scope)?;
        }
        Ok(())
    }

    /// The type's full name inside the message.
    fn qualify(
        &mut self,
        type_name: &str,
        field: impl Fn() -> String,
    ) -> Result<String, DescriptorError> {
        if type_name.starts_with(".google.protobuf.") {
            return Err(DescriptorError::WellKnownType {
                field: field(),
                type_name: type_name.to_owned(),
            });
        }
        if let Some(inner) = type_name.strip_prefix(self.root)
            && (inner.is_empty() || inner.starts_with('.'))
        {
            return Ok(format!(".{}{inner}", self.name));
        }
        // A type nested in one from outside comes along with it: only the outermost is put inside.
        let mut outermost = type_name;
        while let Some((parent, _)) = outermost.rsplit_once('.')
            && self.types.messages.contains_key(parent)
            && parent != self.root
        {
            outermost = parent;
        }
        let known =
            self.types.messages.contains_key(outermost) || self.types.enums.contains_key(outermost);
        if !known {
            return Err(DescriptorError::NotSelfContained {
                field: field(),
                type_name: type_name.to_owned(),
            });
        }
        let inner = type_name.strip_prefix(outermost).unwrap_or_default();
        let given = match self.given.get(outermost) {
            Some(given) => given.clone(),
            None => {
                let mut given = outermost.rsplit('.').next().unwrap_or_default().to_owned();
                while !self.taken.insert(given.clone()) {
                    given.push('_');
                }
                self.given.insert(outermost.to_owned(), given.clone());
                self.wanted.push((outermost.to_owned(), given.clone()));
                given
            }
        };
        Ok(format!(".{}.{given}{inner}", self.name))
    }
}

#[cfg(test)]
mod tests {
    use prost_types::{FieldDescriptorProto, FileDescriptorProto};

    use super::*;

    fn field(name: &str, type_name: &str) -> FieldDescriptorProto {
        let scalar = type_name.is_empty();
        FieldDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(1),
            r#type: Some(if scalar { Type::Int64 } else { Type::Message }.into()),
            type_name: (!scalar).then(|| type_name.to_owned()),
            ..FieldDescriptorProto::default()
        }
    }

    fn message(
        name: &str,
        fields: &[(&str, &str)],
        nested: Vec<DescriptorProto>,
    ) -> DescriptorProto {
        DescriptorProto {
            name: Some(name.to_owned()),
            field: fields
                .iter()
                .map(|(name, type_name)| field(name, type_name))
                .collect(),
            nested_type: nested,
            ..DescriptorProto::default()
        }
    }

    fn checked(message: &DescriptorProto) -> Result<(), DescriptorError> {
        ProtoDescriptor::new(message.encode_to_vec()).check()
    }

    #[test]
    fn only_full_names_of_nested_types_are_self_contained() {
        let place = || vec![message("Place", &[("lat", "")], Vec::new())];
        for good in ["", ".R.Place", ".R"] {
            checked(&message("R", &[("at", good)], place())).unwrap();
        }
        for bad in [
            "Place",
            "R.Place",
            ".iot.R.Place",
            ".R.Other",
            ".google.protobuf.Timestamp",
        ] {
            let error = checked(&message("R", &[("at", bad)], place())).unwrap_err();
            let expected = DescriptorError::NotSelfContained {
                field: "R.at".to_owned(),
                type_name: bad.to_owned(),
            };
            assert_eq!(error, expected);
        }
        let inner = vec![message("Place", &[("x", "X")], Vec::new())];
        let error = checked(&message("R", &[], inner)).unwrap_err();
        assert!(error.to_string().contains("R.Place.x"), "{error}");
        // A message without a name for its type.
        let mut nameless = message("R", &[("at", ".R")], Vec::new());
        nameless.field[0].type_name = None;
        assert!(checked(&nameless).is_err());
    }

    #[test]
    fn what_is_no_descriptor_is_refused() {
        let set = FileDescriptorSet {
            file: vec![FileDescriptorProto {
                name: Some("a.proto".to_owned()),
                ..FileDescriptorProto::default()
            }],
        };
        for bytes in [
            Vec::new(),
            vec![0xff; 40],
            set.encode_to_vec(),
            vec![0; DESCRIPTOR_MAX + 1],
        ] {
            let error = ProtoDescriptor::new(bytes).check().unwrap_err();
            assert!(
                matches!(error, DescriptorError::Malformed { .. }),
                "{error}"
            );
        }
    }

    fn set() -> Vec<u8> {
        let point = message("Point", &[("x", "")], Vec::new());
        let shape = message(
            "Shape",
            &[("at", ".geo.Shape.Point"), ("next", ".iot.Unit")],
            vec![point],
        );
        let file = |package: &str, message_type| FileDescriptorProto {
            package: Some(package.to_owned()),
            message_type,
            ..FileDescriptorProto::default()
        };
        let record = message(
            "R",
            &[
                ("inner", ".iot.R.Shape"),
                ("outer", ".geo.Shape"),
                ("part", ".geo.Shape.Point"),
                ("unit", ".iot.Unit"),
            ],
            vec![message("Shape", &[("self", ".iot.R.Shape")], Vec::new())],
        );
        let unit = message("Unit", &[("n", "")], Vec::new());
        let timed = message("Timed", &[("at", ".google.protobuf.Timestamp")], Vec::new());
        let lost = message("Lost", &[("at", ".other.T")], Vec::new());
        let files = FileDescriptorSet {
            file: vec![
                file("geo", vec![shape]),
                file("iot", vec![record, unit, timed, lost]),
            ],
        };
        files.encode_to_vec()
    }

    #[test]
    fn types_from_elsewhere_are_nested_once_and_named_apart() {
        let descriptor = ProtoDescriptor::from_file_descriptor_set(&set(), "iot.R").unwrap();
        descriptor.check().unwrap();
        let message = DescriptorProto::decode(descriptor.as_bytes()).unwrap();
        let types: Vec<_> = message
            .field
            .iter()
            .map(|field| field.type_name())
            .collect();
        assert_eq!(
            types,
            [".R.Shape", ".R.Shape_", ".R.Shape_.Point", ".R.Unit"]
        );
        let nested: BTreeSet<_> = message.nested_type.iter().map(|m| m.name()).collect();
        assert_eq!(nested, BTreeSet::from(["Shape", "Shape_", "Unit"]));
        let foreign = message
            .nested_type
            .iter()
            .find(|m| m.name() == "Shape_")
            .unwrap();
        assert_eq!(foreign.field[0].type_name(), ".R.Shape_.Point");
        assert_eq!(foreign.field[1].type_name(), ".R.Unit");
        assert_eq!(foreign.nested_type[0].name(), "Point");
    }

    #[test]
    fn what_a_message_needs_and_cannot_have_is_named() {
        let from = |name| ProtoDescriptor::from_file_descriptor_set(&set(), name).unwrap_err();
        for (name, part) in [
            (
                "iot.Timed",
                "field iot.Timed.at has the type `.google.protobuf.Timestamp`",
            ),
            ("iot.Lost", "field iot.Lost.at has the type `.other.T`"),
            (
                "R",
                "has no message R; it has geo.Shape, geo.Shape.Point, iot.Lost",
            ),
        ] {
            let error = from(name).to_string();
            assert!(error.contains(part), "{error}");
        }
        assert!(ProtoDescriptor::from_file_descriptor_set(&[7; 9], "R").is_err());
    }
}
