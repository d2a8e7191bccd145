use crate::schema::Reserved;

/// A proto2 message, with every message it needs nested inside it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Message {
    /// The name, without any scope.
    pub name: String,
    /// The fields, in table order.
    pub fields: Vec<Field>,
    /// The nested messages (those of map entries aside, which follow from the fields).
    pub messages: Vec<Self>,
    /// Numbers and names that are not to be given again.
    pub reserved: Vec<Reserved>,
}

impl Message {
    /// The nested message of this name.
    #[must_use]
    pub fn message(&self, name: &str) -> Option<&Self> {
        self.messages.iter().find(|message| message.name == name)
    }

    /// The field of this name.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }
}

/// A field of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Field {
    /// The name: that of the column.
    pub name: String,
    /// The number.
    pub number: u32,
    /// How often it stands in a record.
    pub label: Label,
    /// What it holds.
    pub kind: FieldKind,
    /// What the table says of the column.
    pub comment: Option<String>,
    /// What a value means, where the proto type does not say it.
    pub note: Option<String>,
}

/// How often a field stands in a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Label {
    /// At most once: the column may be NULL.
    Optional,
    /// Exactly once: the column is NOT NULL.
    Required,
    /// Any number of times: an ARRAY or a MAP.
    Repeated,
}

impl Label {
    /// The word in a `.proto` file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Optional => "optional",
            Self::Required => "required",
            Self::Repeated => "repeated",
        }
    }
}

/// What a field holds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldKind {
    /// A scalar, or a repeated one.
    Scalar(ScalarType),
    /// The message of this name, nested in the same message.
    Message(String),
    /// A map; its label is `Repeated`.
    Map {
        /// The key.
        key: ScalarType,
        /// The value.
        value: MapValue,
        /// The name of the entry message that protobuf makes of it.
        entry: String,
    },
}

/// The value of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum MapValue {
    /// A scalar.
    Scalar(ScalarType),
    /// The message of this name, nested in the message that has the map.
    Message(String),
}

/// The scalar types of protobuf that tables need.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ScalarType {
    /// `bool`
    Bool,
    /// `int32`
    Int32,
    /// `int64`
    Int64,
    /// `float`
    Float,
    /// `double`
    Double,
    /// `string`
    String,
    /// `bytes`
    Bytes,
}

impl ScalarType {
    /// The word in a `.proto` file.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Bool => "bool",
            Self::Int32 => "int32",
            Self::Int64 => "int64",
            Self::Float => "float",
            Self::Double => "double",
            Self::String => "string",
            Self::Bytes => "bytes",
        }
    }
}
