//! The descriptor a client opens its stream with.

use std::cell::Cell;
use std::collections::HashMap;
use std::fmt;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use zerobus_schema::is_usable_field_number;

/// The largest descriptor taken, in bytes: some hundred for each of 2,000 columns.
const DESCRIPTOR_MAX: usize = 4 * 1024 * 1024;

/// The longest name of a message or field, in bytes: Delta's 255 characters.
const NAME_MAX: usize = 1_024;

/// All full names of a descriptor's messages, in bytes. They hold each other, so that few bytes could make very many.
const FULL_NAMES_MAX: usize = 16 * 1024 * 1024;

/// What may be looked through to find types by relative names, in bytes.
const LOOKUP_MAX: usize = 64 * 1024 * 1024;

/// The most characters of a type's name that an error shows.
const SHOWN_MAX: usize = 255;

/// A self-contained `google.protobuf.DescriptorProto`, all type names resolved.
#[derive(Debug)]
pub(crate) struct Descriptor {
    messages: Vec<Message>,
}

/// One message of a descriptor; the outermost is the first.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) name: String,
    pub(super) fields: Vec<Field>,
    pub(super) map_entry: bool,
}

#[derive(Debug)]
pub(super) struct Field {
    pub(super) name: String,
    pub(super) number: u32,
    pub(super) repeated: bool,
    pub(super) kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar(Type),
    /// The message at this place of the descriptor.
    Message(usize),
}

/// Why a descriptor was refused before it was held against a table.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub(crate) enum DescriptorError {
    /// The bytes are no descriptor, or one that breaks protobuf's own rules.
    Malformed(String),
    /// A field has a type that the descriptor does not contain.
    NotSelfContained {
        /// The field's name.
        field: String,
        /// The type it names.
        type_name: String,
    },
}

impl fmt::Display for DescriptorError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed(problem) => write!(
                f,
                "descriptor_proto must be one serialized google.protobuf.DescriptorProto: {problem}."
            ),
            Self::NotSelfContained { field, type_name } => write!(
                f,
                "Proto not self-contained for field \"{field}\" with type name \"{type_name}\": nest the type in \
                 the record's message, without imports and well-known types."
            ),
        }
    }
}

impl std::error::Error for DescriptorError {}

impl Descriptor {
    /// Reads a serialized `DescriptorProto`.
    ///
    /// Taken as well, because official tools send it: `proto3_optional`, and type names relative to the message
    /// that uses them.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, DescriptorError> {
        if bytes.len() > DESCRIPTOR_MAX {
            return Err(DescriptorError::Malformed(format!(
                "it has {} bytes, at most {DESCRIPTOR_MAX} are taken",
                bytes.len()
            )));
        }
        // prost stops at 100 levels of nesting.
        let proto = DescriptorProto::decode(bytes)
            .map_err(|error| DescriptorError::Malformed(error.to_string()))?;
        if proto.name().is_empty() {
            return Err(DescriptorError::Malformed("it has no name".to_owned()));
        }
        let mut types = Types::default();
        types.collect(&proto, "")?;
        let messages = types
            .protos
            .iter()
            .map(|(scope, proto)| types.message(scope, proto))
            .collect::<Result<_, _>>()?;
        Ok(Self { messages })
    }

    /// The record's message.
    pub(super) fn root(&self) -> Option<&Message> {
        self.messages.first()
    }

    pub(super) fn message(&self, at: usize) -> Option<&Message> {
        self.messages.get(at)
    }
}

/// Every type a descriptor contains, by full name (`.record.Location`).
#[derive(Default)]
struct Types<'a> {
    protos: Vec<(String, &'a DescriptorProto)>,
    by_name: HashMap<String, Kind>,
    /// How long all names are that were collected.
    length: usize,
    /// How long all were that have been looked up.
    looked_up: Cell<usize>,
}

impl<'a> Types<'a> {
    fn collect(&mut self, proto: &'a DescriptorProto, parent: &str) -> Result<(), DescriptorError> {
        let scope = self.full_name(parent, proto.name())?;
        let at = self.protos.len();
        self.by_name
            .entry(scope.clone())
            .or_insert(Kind::Message(at));
        self.protos.push((scope.clone(), proto));
        for nested in &proto.enum_type {
            let name = self.full_name(&scope, nested.name())?;
            self.by_name.entry(name).or_insert(Kind::Scalar(Type::Enum));
        }
        for nested in &proto.nested_type {
            self.collect(nested, &scope)?;
        }
        Ok(())
    }

    fn full_name(&mut self, scope: &str, name: &str) -> Result<String, DescriptorError> {
        let malformed = |problem: String| Err(DescriptorError::Malformed(problem));
        if name.len() > NAME_MAX || name.contains('.') {
            let shown = shown(name);
            return malformed(format!("{shown:?} is no name of a message"));
        }
        self.length += scope.len() + 1 + name.len();
        if self.length > FULL_NAMES_MAX {
            return malformed(format!(
                "the full names of its messages have more than {FULL_NAMES_MAX} bytes together"
            ));
        }
        Ok(format!("{scope}.{name}"))
    }

    fn message(&self, scope: &str, proto: &DescriptorProto) -> Result<Message, DescriptorError> {
        let fields = proto
            .field
            .iter()
            .map(|field| self.field(scope, field))
            .collect::<Result<Vec<_>, _>>()?;
        let mut numbers: Vec<u32> = fields.iter().map(|field| field.number).collect();
        let mut names: Vec<&str> = fields.iter().map(|field| field.name.as_str()).collect();
        numbers.sort_unstable();
        names.sort_unstable();
        let twice = numbers
            .iter()
            .zip(numbers.iter().skip(1))
            .find(|(a, b)| a == b)
            .map(|(number, _)| format!("number {number}"))
            .or_else(|| {
                let mut pairs = names.iter().zip(names.iter().skip(1));
                let (name, _) = pairs.find(|(a, b)| a == b)?;
                Some(format!("name \"{name}\""))
            });
        if let Some(twice) = twice {
            return Err(DescriptorError::Malformed(format!(
                "message {} has two fields of {twice}",
                shown(scope)
            )));
        }
        Ok(Message {
            name: scope.trim_start_matches('.').to_owned(),
            fields,
            map_entry: proto
                .options
                .as_ref()
                .is_some_and(|options| options.map_entry()),
        })
    }

    fn field(&self, scope: &str, field: &FieldDescriptorProto) -> Result<Field, DescriptorError> {
        let malformed = |problem: &str| {
            let name = shown(field.name());
            DescriptorError::Malformed(format!("field {}.{name} {problem}", shown(scope)))
        };
        if field.name().len() > NAME_MAX {
            return Err(malformed("has too long a name"));
        }
        let number = u32::try_from(field.number())
            .ok()
            .filter(|&number| is_usable_field_number(number))
            .ok_or_else(|| malformed(&format!("cannot have the number {}", field.number())))?;
        let kind = match field.type_name() {
            "" => match field.r#type.and_then(|t| Type::try_from(t).ok()) {
                None | Some(Type::Message | Type::Enum | Type::Group) => {
                    return Err(malformed("has no type"));
                }
                Some(scalar) => Kind::Scalar(scalar),
            },
            name => {
                let kind = self.resolve(scope, name)?.ok_or_else(|| {
                    DescriptorError::NotSelfContained {
                        field: field.name().to_owned(),
                        type_name: shown(name),
                    }
                })?;
                match field.r#type.and_then(|t| Type::try_from(t).ok()) {
                    Some(Type::Group) => Kind::Scalar(Type::Group),
                    _ => kind,
                }
            }
        };
        Ok(Field {
            name: field.name().to_owned(),
            number,
            repeated: field.label() == Label::Repeated,
            kind,
        })
    }

    /// A name with a leading dot stands for itself; any other is looked for from the innermost scope outwards.
    fn resolve(&self, scope: &str, name: &str) -> Result<Option<Kind>, DescriptorError> {
        if name.starts_with('.') {
            return Ok(self.by_name.get(name).copied());
        }
        let mut scope = scope;
        loop {
            let looked_up = self.looked_up.get() + scope.len() + name.len();
            if looked_up > LOOKUP_MAX {
                return Err(DescriptorError::Malformed(
                    "it has too many types of relative names: write them whole, with a leading dot"
                        .to_owned(),
                ));
            }
            self.looked_up.set(looked_up);
            if let Some(kind) = self.by_name.get(&format!("{scope}.{name}")) {
                return Ok(Some(*kind));
            }
            match scope.rsplit_once('.') {
                Some((outer, _)) => scope = outer,
                None => return Ok(None),
            }
        }
    }
}

/// A name as an error shows it.
fn shown(name: &str) -> String {
    match name.char_indices().nth(SHOWN_MAX) {
        Some((end, _)) => format!("{}…", name.get(..end).unwrap_or_default()),
        None => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(name: &str, number: i32, type_name: &str) -> FieldDescriptorProto {
        FieldDescriptorProto {
            name: Some(name.to_owned()),
            number: Some(number),
            label: Some(Label::Optional.into()),
            r#type: Some(Type::Message.into()),
            type_name: Some(type_name.to_owned()),
            ..Default::default()
        }
    }

    fn descriptor(type_name: &str) -> Vec<u8> {
        let nested = DescriptorProto {
            name: Some("Location".to_owned()),
            ..Default::default()
        };
        DescriptorProto {
            name: Some("air".to_owned()),
            field: vec![field("location", 1, type_name)],
            nested_type: vec![nested],
            ..Default::default()
        }
        .encode_to_vec()
    }

    #[test]
    fn full_and_relative_names_find_what_is_nested() {
        for name in [".air.Location", "air.Location", "Location"] {
            let parsed = Descriptor::parse(&descriptor(name)).unwrap();
            assert_eq!(
                parsed.root().unwrap().fields[0].kind,
                Kind::Message(1),
                "{name}"
            );
        }
    }

    #[test]
    fn what_is_not_inside_is_refused_by_name() {
        for name in [
            ".google.protobuf.Timestamp",
            ".Location",
            ".pkg.air.Location",
            "Elsewhere",
        ] {
            let error = Descriptor::parse(&descriptor(name)).unwrap_err();
            let expected = DescriptorError::NotSelfContained {
                field: "location".to_owned(),
                type_name: name.to_owned(),
            };
            assert_eq!(error, expected);
        }
    }

    fn nested(name: &str, within: Vec<DescriptorProto>) -> DescriptorProto {
        DescriptorProto {
            name: Some(name.to_owned()),
            nested_type: within,
            ..Default::default()
        }
    }

    #[test]
    fn few_bytes_do_not_make_very_many() {
        // Each full name holds those of what it is in.
        let empty = vec![nested("a", Vec::new()); 100_000];
        let deep = (0..90).fold(nested(&"b".repeat(1_000), empty), |inner, _| {
            nested(&"b".repeat(1_000), vec![inner])
        });
        // Each field is looked for at every level.
        let mut sought = nested("s", Vec::new());
        sought.field = (1..=10_000)
            .map(|n| field(&format!("f{n}"), n, "r"))
            .collect();
        let mut seeking = (0..90).fold(sought, |inner, _| nested(&"c".repeat(100), vec![inner]));
        seeking.nested_type.push(nested("r", Vec::new()));
        // A name that is many.
        let dotted = nested(&"a.".repeat(1_000_000), Vec::new());
        let mut long = nested("l", Vec::new());
        long.field = vec![field(&"f".repeat(1_000_000), 1, ".l")];
        for (bad, problem) in [
            (deep, "the full names of its messages"),
            (seeking, "too many types of relative names"),
            (dotted, "is no name of a message"),
            (long, "has too long a name"),
        ] {
            let error = Descriptor::parse(&bad.encode_to_vec()).unwrap_err();
            let said = error.to_string();
            assert!(said.contains(problem), "{said}");
            assert!(said.len() < 2_000, "{}", said.len());
        }
        let error = Descriptor::parse(&descriptor(&"x".repeat(1_000_000))).unwrap_err();
        assert!(error.to_string().len() < 1_000);
    }

    #[test]
    fn what_protobuf_forbids_is_refused() {
        let mut twice = DescriptorProto::decode(descriptor("Location").as_slice()).unwrap();
        twice.field.push(field("other", 1, "Location"));
        let mut reserved = DescriptorProto::decode(descriptor("Location").as_slice()).unwrap();
        reserved.field.push(field("other", 19_000, "Location"));
        for bad in [
            twice.encode_to_vec(),
            reserved.encode_to_vec(),
            Vec::new(),
            vec![0xff; 9],
        ] {
            let error = Descriptor::parse(&bad).unwrap_err();
            assert!(matches!(error, DescriptorError::Malformed(_)), "{error}");
        }
    }
}
