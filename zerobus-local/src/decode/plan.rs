//! What a stream's records look like and where each of their fields goes.

use std::collections::HashMap;
use std::sync::Arc;

use zerobus_schema::{DataType, TableSchema};

use super::descriptor::Descriptor;
use super::partition::PartitionColumn;
use super::planner::{self, Mismatch};
use super::wire;

/// Field numbers below this are found by place, larger ones by search.
const DENSE_NUMBERS: u32 = 4_096;

/// How the records of one stream are read.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    pub(super) root: Arc<MessagePlan>,
    pub(super) partition: Arc<[PartitionColumn]>,
}

#[derive(Debug)]
pub(super) struct MessagePlan {
    /// The fields that records have, by number: the order in which encoders write them.
    pub(super) fields: Vec<FieldPlan>,
    /// For each column of the table, in order, its place in `fields`.
    pub(super) columns: Vec<Option<usize>>,
    /// The places of fields that a finished record is checked for.
    pub(super) checks: Vec<usize>,
    /// How many values a row takes in memory even when the record has none of them.
    pub(super) cells: usize,
    names: HashMap<String, usize>,
    dense: Vec<Option<u16>>,
    sparse: Vec<(u32, usize)>,
}

#[derive(Debug, Clone)]
pub(super) struct FieldPlan {
    pub(super) name: String,
    /// The column's type as SQL, for errors.
    pub(super) sql: String,
    pub(super) nullable: bool,
    pub(super) number: u32,
    /// Number and wire type, as records have it unless they are packed.
    pub(super) tag: u32,
    pub(super) kind: Kind,
}

/// How a value is stored; the table's type, seen from here.
#[derive(Debug, Clone)]
pub(super) enum Kind {
    Boolean,
    Byte,
    Short,
    /// INT and DATE.
    Integer,
    /// BIGINT, TIMESTAMP and TIMESTAMP_NTZ.
    Long,
    Float,
    Double,
    Decimal {
        precision: u8,
        scale: u8,
    },
    /// STRING, CHAR and VARCHAR; the last two with their word and length.
    Text(Option<(&'static str, u32)>),
    Binary,
    Variant,
    Struct(Arc<MessagePlan>),
    /// Its elements, and how many cells each takes.
    Array(Box<FieldPlan>, usize),
    /// Its entries: a message of `key` and `value`.
    Map(Arc<MessagePlan>),
}

impl Plan {
    /// A plan for protobuf records of this descriptor; the mismatches, when it does not fit the table.
    pub(crate) fn for_proto(
        table: &TableSchema,
        descriptor: &Descriptor,
    ) -> Result<Self, Vec<Mismatch>> {
        planner::plan(table, Some(descriptor))
    }

    /// A plan for JSON records, whose keys are the column names.
    pub(crate) fn for_json(table: &TableSchema) -> Result<Self, Vec<Mismatch>> {
        planner::plan(table, None)
    }

    /// How many values a record takes in memory, whatever it holds.
    pub(crate) fn cells(&self) -> usize {
        self.root.cells
    }
}

impl MessagePlan {
    pub(super) fn new(fields: Vec<FieldPlan>, columns: Vec<Option<usize>>, cells: usize) -> Self {
        let checks = fields
            .iter()
            .enumerate()
            .filter(|(_, field)| match &field.kind {
                Kind::Struct(nested) => !field.nullable || !nested.checks.is_empty(),
                Kind::Map(_) => true,
                // Nothing of an ARRAY on the wire is an empty one.
                Kind::Array(..) => false,
                _ => !field.nullable,
            })
            .map(|(at, _)| at)
            .collect();
        let mut dense = Vec::new();
        let mut sparse = Vec::new();
        for (at, field) in fields.iter().enumerate() {
            match (usize::try_from(field.number), u16::try_from(at)) {
                (Ok(number), Ok(short)) if field.number < DENSE_NUMBERS => {
                    if dense.len() <= number {
                        dense.resize(number + 1, None);
                    }
                    if let Some(slot) = dense.get_mut(number) {
                        *slot = Some(short);
                    }
                }
                _ => sparse.push((field.number, at)),
            }
        }
        sparse.sort_unstable();
        let names = fields
            .iter()
            .enumerate()
            .map(|(at, field)| (field.name.clone(), at))
            .collect();
        Self {
            fields,
            columns,
            checks,
            cells,
            names,
            dense,
            sparse,
        }
    }

    #[inline]
    pub(super) fn by_number(&self, number: u32) -> Option<usize> {
        if number < DENSE_NUMBERS {
            let slot = self.dense.get(usize::try_from(number).ok()?)?;
            return slot.map(usize::from);
        }
        let found = self
            .sparse
            .binary_search_by_key(&number, |(n, _)| *n)
            .ok()?;
        self.sparse.get(found).map(|(_, at)| *at)
    }

    pub(super) fn by_name(&self, name: &str) -> Option<usize> {
        self.names.get(name).copied()
    }
}

impl FieldPlan {
    pub(super) fn new(
        name: &str,
        number: u32,
        nullable: bool,
        data_type: &DataType,
        kind: Kind,
    ) -> Self {
        Self {
            name: name.to_owned(),
            sql: data_type.to_string(),
            nullable,
            number,
            tag: (number << 3) | kind.wire_type(),
            kind,
        }
    }
}

impl Kind {
    /// The wire type of one value, unpacked.
    pub(super) fn wire_type(&self) -> u32 {
        match self {
            Self::Boolean | Self::Byte | Self::Short | Self::Integer | Self::Long => wire::VARINT,
            Self::Float => wire::FIXED32,
            Self::Double => wire::FIXED64,
            Self::Array(element, _) => element.kind.wire_type(),
            Self::Decimal { .. }
            | Self::Text(_)
            | Self::Binary
            | Self::Variant
            | Self::Struct(_)
            | Self::Map(_) => wire::BYTES,
        }
    }
}
