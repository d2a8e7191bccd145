use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use prost::Message as _;
use prost_types::field_descriptor_proto::{Label as ProtoLabel, Type};
use prost_types::{DescriptorProto, FieldDescriptorProto};
use zerobus_schema::mapping::{self, MappingOptions, Refusals};
use zerobus_schema::proto::{Field, FieldKind, Label, MapValue, Message};
use zerobus_schema::{DataType, StructField, StructType, TableSchema};

use super::record::DynamicRecord;
use super::wire::{FIXED32, FIXED64, LENGTH_DELIMITED, Tag, VARINT};
use crate::descriptor::{DescriptorError, ProtoDescriptor, messages_by_name};
use crate::record::SchemaId;

/// The most fields of a descriptor. A small one can use one message in many places, level upon level.
const FIELDS_MAX: usize = 100_000;

/// The columns of a table, as dynamic records need them: made once, shared by all records and streams. Cheap to clone.
///
/// ```
/// use zerobus_client::RecordSchema;
/// use zerobus_client::schema::ddl;
///
/// let table = ddl::parse_create_table("CREATE TABLE main.default.t (name STRING NOT NULL, temp INT)")?;
/// let schema = RecordSchema::of(&table)?;
/// let mut record = schema.record();
/// record.set("name", "roof")?.set("temp", 21)?;
/// let error = record.set("temp", 1_i64 << 40).unwrap_err();
/// assert_eq!(error.path().to_string(), "temp");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct RecordSchema {
    inner: Arc<Inner>,
}

struct Inner {
    plan: Plan,
    descriptor: ProtoDescriptor,
    id: SchemaId,
    table: Option<TableSchema>,
    name: String,
}

impl RecordSchema {
    /// The columns of a table, from wherever its schema was read: the catalog
    /// ([`Client::table_schema`](crate::Client::table_schema)), a snapshot, DDL, a Delta log.
    ///
    /// # Errors
    /// [`Refusals`] names every column that no stream can carry, with the remedy.
    pub fn of(table: &TableSchema) -> Result<Self, Refusals> {
        Self::with_options(table, &MappingOptions::default())
    }

    /// The same, with columns left out, or map keys taken, as the options say.
    ///
    /// # Errors
    /// As [`of`](Self::of).
    pub fn with_options(table: &TableSchema, options: &MappingOptions) -> Result<Self, Refusals> {
        let message = mapping::message(table, options)?;
        let plan = Plan::of_table(&table.columns, &message);
        let name = table.table.as_ref().map(ToString::to_string);
        let descriptor = ProtoDescriptor::new(message.descriptor());
        Ok(Self::new(
            plan,
            descriptor,
            name.unwrap_or_default(),
            Some(table.clone()),
        ))
    }

    /// The fields of a message, where nothing but its descriptor is known. Values are then checked against protobuf's
    /// types alone: an `int64` takes an integer and a TIMESTAMP, a `string` text, a DECIMAL and JSON.
    ///
    /// # Errors
    /// [`DescriptorError`] when the descriptor cannot be used, or a field has a type that no column has.
    pub fn from_descriptor(
        descriptor: impl Into<ProtoDescriptor>,
    ) -> Result<Self, DescriptorError> {
        let descriptor = descriptor.into();
        descriptor.check()?;
        let message = DescriptorProto::decode(descriptor.as_bytes()).map_err(|error| {
            DescriptorError::Malformed {
                problem: error.to_string(),
            }
        })?;
        let scopes = messages_by_name(&message);
        let scope = format!(".{}", message.name());
        let mut room = FIELDS_MAX;
        let plan = Plan::of_descriptor(&message, &scope, &scopes, 1, &mut room)?;
        Ok(Self::new(plan, descriptor, String::new(), None))
    }

    fn new(
        plan: Plan,
        descriptor: ProtoDescriptor,
        name: String,
        table: Option<TableSchema>,
    ) -> Self {
        let mut hasher = DefaultHasher::new();
        hasher.write(descriptor.as_bytes());
        Self {
            inner: Arc::new(Inner {
                plan,
                id: SchemaId(hasher.finish()),
                descriptor,
                table,
                name,
            }),
        }
    }

    /// A record with no value yet. It keeps its memory when it is cleared and filled again.
    #[must_use]
    pub fn record(&self) -> DynamicRecord {
        DynamicRecord::new(self.clone())
    }

    /// The names of the columns that a record can have, in the order in which they are written.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.inner.plan.columns.iter().map(|column| &*column.name)
    }

    /// The message that records are.
    #[must_use]
    pub fn descriptor(&self) -> &ProtoDescriptor {
        &self.inner.descriptor
    }

    /// The table's schema, where the record's schema was made of one.
    #[must_use]
    pub fn table(&self) -> Option<&TableSchema> {
        self.inner.table.as_ref()
    }

    /// The table's name as far as it is known; empty where it is not.
    pub(crate) fn name(&self) -> &str {
        &self.inner.name
    }

    pub(crate) fn id(&self) -> SchemaId {
        self.inner.id
    }

    #[inline]
    pub(super) fn plan(&self) -> &Plan {
        &self.inner.plan
    }
}

impl fmt::Debug for RecordSchema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordSchema")
            .field("table", &self.inner.name)
            .field("columns", &self.inner.plan.columns.len())
            .finish_non_exhaustive()
    }
}

/// How the columns of a table, or the fields of a STRUCT, are written.
#[derive(Debug)]
pub(super) struct Plan {
    /// By field number, which is the order of the wire.
    pub(super) columns: Vec<Column>,
    by_name: HashMap<Box<str>, usize>,
    /// How many of the columns have to have a value.
    pub(super) required: usize,
}

#[derive(Debug)]
pub(super) struct Column {
    pub(super) name: Box<str>,
    pub(super) required: bool,
    pub(super) kind: Kind,
    pub(super) tag: Tag,
}

/// What a column takes.
#[derive(Debug)]
pub(super) enum Kind {
    Bool,
    /// An integer within these bounds, and what the type is called.
    Int(i64, i64, &'static str),
    Float,
    Double,
    /// With the most characters it may have.
    Text(Option<u32>),
    Decimal(u8, u8),
    Bytes,
    Date,
    Timestamp,
    TimestampNtz,
    Variant,
    /// A `string`, `int32` or `int64` of which nothing more is known.
    AnyText,
    AnyInt32,
    AnyInt64,
    Struct(Box<Plan>),
    Array(Box<Self>),
    /// Key and value, fields 1 and 2 of an entry.
    Map(Box<(Part, Part)>),
}

/// Key or value of a map.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) tag: Tag,
    pub(super) kind: Kind,
}

impl Kind {
    fn wire_type(&self) -> u32 {
        match self {
            Self::Bool
            | Self::Int(..)
            | Self::Date
            | Self::Timestamp
            | Self::TimestampNtz
            | Self::AnyInt32
            | Self::AnyInt64 => VARINT,
            Self::Float => FIXED32,
            Self::Double => FIXED64,
            Self::Array(element) => element.wire_type(),
            Self::Text(_)
            | Self::Decimal(..)
            | Self::Bytes
            | Self::Variant
            | Self::AnyText
            | Self::Struct(_)
            | Self::Map(_) => LENGTH_DELIMITED,
        }
    }

    fn part(self, number: u32) -> Part {
        Part {
            tag: Tag::new(number, self.wire_type()),
            kind: self,
        }
    }
}

impl Plan {
    fn new(mut columns: Vec<(u32, Column)>) -> Self {
        columns.sort_by_key(|(number, _)| *number);
        let columns: Vec<Column> = columns.into_iter().map(|(_, column)| column).collect();
        let names = columns.iter().map(|column| column.name.clone());
        Self {
            by_name: names.zip(0..).collect(),
            required: columns.iter().filter(|column| column.required).count(),
            columns,
        }
    }

    /// The place of the column of this name; `likely` is tried first, which costs next to nothing.
    #[inline]
    pub(super) fn position(&self, name: &str, likely: usize) -> Option<usize> {
        match self.columns.get(likely) {
            Some(column) if *column.name == *name => Some(likely),
            _ => self.by_name.get(name).copied(),
        }
    }

    fn of_table(columns: &StructType, message: &Message) -> Self {
        let columns: HashMap<&str, &StructField> = columns
            .fields
            .iter()
            .map(|column| (column.name.as_str(), column))
            .collect();
        let planned = message.fields.iter().filter_map(|field| {
            let column = columns.get(field.name.as_str())?;
            let kind = Self::kind_of_table(&column.data_type, field, message)?;
            let column = Column {
                name: field.name.as_str().into(),
                required: !column.nullable,
                tag: Tag::new(field.number, kind.wire_type()),
                kind,
            };
            Some((field.number, column))
        });
        Self::new(planned.collect())
    }

    /// None where type and field do not go together, which the mapping does not let happen.
    fn kind_of_table(data_type: &DataType, field: &Field, message: &Message) -> Option<Kind> {
        match (data_type, &field.kind) {
            (DataType::Array(array), kind) if field.label == Label::Repeated => {
                let nested = match kind {
                    FieldKind::Message(name) => message.message(name),
                    _ => None,
                };
                Some(Kind::Array(Box::new(scalar_or_struct(
                    &array.element,
                    nested,
                )?)))
            }
            (DataType::Map(map), FieldKind::Map { value, .. }) => {
                let nested = match value {
                    MapValue::Message(name) => message.message(name),
                    _ => None,
                };
                let key = scalar_or_struct(&map.key, None)?.part(1);
                let value = scalar_or_struct(&map.value, nested)?.part(2);
                Some(Kind::Map(Box::new((key, value))))
            }
            (data_type, FieldKind::Message(name)) => {
                scalar_or_struct(data_type, message.message(name))
            }
            (data_type, _) => scalar_or_struct(data_type, None),
        }
    }

    fn of_descriptor(
        message: &DescriptorProto,
        scope: &str,
        scopes: &BTreeMap<String, &DescriptorProto>,
        level: usize,
        room: &mut usize,
    ) -> Result<Self, DescriptorError> {
        let mut columns = Vec::new();
        for field in &message.field {
            *room = room
                .checked_sub(1)
                .ok_or_else(|| DescriptorError::Malformed {
                    problem: format!("one of more than {FIELDS_MAX} fields, nested ones counted where they are used"),
                })?;
            let kind = kind_of_field(field, scope, scopes, level, room)?;
            let column = Column {
                name: field.name().into(),
                required: field.label() == ProtoLabel::Required,
                tag: Tag::new(field.number().unsigned_abs(), kind.wire_type()),
                kind,
            };
            columns.push((field.number().unsigned_abs(), column));
        }
        Ok(Self::new(columns))
    }
}

fn scalar_or_struct(data_type: &DataType, nested: Option<&Message>) -> Option<Kind> {
    Some(match data_type {
        DataType::Boolean => Kind::Bool,
        DataType::Byte => Kind::Int(i8::MIN.into(), i8::MAX.into(), "TINYINT"),
        DataType::Short => Kind::Int(i16::MIN.into(), i16::MAX.into(), "SMALLINT"),
        DataType::Integer => Kind::Int(i32::MIN.into(), i32::MAX.into(), "INT"),
        DataType::Long => Kind::Int(i64::MIN, i64::MAX, "BIGINT"),
        DataType::Float => Kind::Float,
        DataType::Double => Kind::Double,
        DataType::Decimal(decimal) => Kind::Decimal(decimal.precision(), decimal.scale()),
        DataType::String | DataType::CollatedString(_) => Kind::Text(None),
        DataType::Char(most) | DataType::Varchar(most) => Kind::Text(Some(*most)),
        DataType::Binary => Kind::Bytes,
        DataType::Date => Kind::Date,
        DataType::Timestamp => Kind::Timestamp,
        DataType::TimestampNtz => Kind::TimestampNtz,
        DataType::Variant => Kind::Variant,
        DataType::Struct(fields) => Kind::Struct(Box::new(Plan::of_table(fields, nested?))),
        _ => return None,
    })
}

fn kind_of_field(
    field: &FieldDescriptorProto,
    scope: &str,
    scopes: &BTreeMap<String, &DescriptorProto>,
    level: usize,
    room: &mut usize,
) -> Result<Kind, DescriptorError> {
    let refused = |found: &str| DescriptorError::NoColumnType {
        field: format!("{}.{}", scope.trim_start_matches('.'), field.name()),
        found: found.to_owned(),
    };
    let single = match field.r#type() {
        Type::Bool => Kind::Bool,
        Type::Int32 => Kind::AnyInt32,
        Type::Int64 => Kind::AnyInt64,
        Type::Float => Kind::Float,
        Type::Double => Kind::Double,
        Type::String => Kind::AnyText,
        Type::Bytes => Kind::Bytes,
        Type::Message => {
            let name = field.type_name();
            let nested = scopes.get(name).ok_or_else(|| refused(name))?;
            // A message within itself has no end, and no column is one.
            if level >= mapping::MESSAGE_LEVELS_MAX {
                return Err(refused("a message that holds itself"));
            }
            let plan = Plan::of_descriptor(nested, name, scopes, level + 1, room)?;
            let is_entry = nested.options.as_ref().is_some_and(|o| o.map_entry());
            if is_entry {
                let mut parts = plan.columns.into_iter();
                return match (parts.next(), parts.next(), parts.next()) {
                    (Some(key), Some(value), None) => {
                        Ok(Kind::Map(Box::new((key.kind.part(1), value.kind.part(2)))))
                    }
                    _ => Err(refused("a map entry without key and value")),
                };
            }
            Kind::Struct(Box::new(plan))
        }
        other => return Err(refused(other.as_str_name())),
    };
    Ok(match field.label() {
        ProtoLabel::Repeated => Kind::Array(Box::new(single)),
        ProtoLabel::Optional | ProtoLabel::Required => single,
    })
}
