//! Column types and places as constants, so that numbers and tags are settled before a program runs.

#![expect(missing_docs, reason = "only the derive sees it, through `__private`")]

use std::marker::PhantomData;

use crate::delta::DeltaType;
use crate::value::StructValue;

/// A Delta type, as a constant.
#[derive(Debug, Clone, Copy)]
pub enum ColumnType {
    Boolean,
    Byte,
    Short,
    Integer,
    Long,
    Float,
    Double,
    /// Precision and scale.
    Decimal(u8, u8),
    String,
    Char(u32),
    Varchar(u32),
    Binary,
    Date,
    Timestamp,
    TimestampNtz,
    Variant,
    Array(&'static Self),
    Map(&'static Self, &'static Self),
    Struct(&'static [StructColumn]),
    /// Which it is the Rust type does not say: a decimal has any precision.
    Undecided,
}

/// A field of a STRUCT, as a constant.
#[derive(Debug, Clone, Copy)]
pub struct StructColumn {
    pub name: &'static str,
    pub number: u32,
    pub nullable: bool,
    pub column_type: ColumnType,
}

/// Where a value goes: the field number, and the column's type.
pub trait Place {
    const NUMBER: u32;
    const TYPE: ColumnType;
}

/// The field of this number, in a column of type `D`.
#[derive(Debug)]
pub struct At<const NUMBER: u32, D>(PhantomData<fn() -> D>);

impl<const NUMBER: u32, D: DeltaType> Place for At<NUMBER, D> {
    const NUMBER: u32 = NUMBER;
    const TYPE: ColumnType = D::TYPE;
}

/// The elements of the ARRAY at `P`.
#[derive(Debug)]
pub(crate) struct Element<P>(PhantomData<fn() -> P>);

impl<P: Place> Place for Element<P> {
    const NUMBER: u32 = P::NUMBER;
    const TYPE: ColumnType = match P::TYPE {
        ColumnType::Array(element) => *element,
        other => other,
    };
}

/// The keys of the MAP at `P`.
#[derive(Debug)]
pub(crate) struct Key<P>(PhantomData<fn() -> P>);

impl<P: Place> Place for Key<P> {
    const NUMBER: u32 = 1;
    const TYPE: ColumnType = match P::TYPE {
        ColumnType::Map(key, _) => *key,
        other => other,
    };
}

/// The values of the MAP at `P`.
#[derive(Debug)]
pub(crate) struct MapValue<P>(PhantomData<fn() -> P>);

impl<P: Place> Place for MapValue<P> {
    const NUMBER: u32 = 2;
    const TYPE: ColumnType = match P::TYPE {
        ColumnType::Map(_, value) => *value,
        other => other,
    };
}

/// The column in the STRUCT at `P` that the field `INDEX` of the Rust struct `S` goes to.
#[derive(Debug)]
pub struct Member<P, S: ?Sized, const INDEX: usize>(PhantomData<fn() -> P>, PhantomData<S>);

impl<P: Place, S: StructValue + ?Sized, const INDEX: usize> Place for Member<P, S, INDEX> {
    const NUMBER: u32 = member::<P, S>(INDEX).number;
    const TYPE: ColumnType = member::<P, S>(INDEX).column_type;
}

const fn member<P: Place, S: StructValue + ?Sized>(index: usize) -> StructColumn {
    if let ColumnType::Struct(columns) = P::TYPE {
        let mut i = 0;
        while i < columns.len() {
            if str_eq(columns[i].name, S::NAMES[index]) {
                return columns[i];
            }
            i += 1;
        }
    }
    // The check of the struct against the table has failed the build by now.
    StructColumn {
        name: "",
        number: 1,
        nullable: true,
        column_type: ColumnType::Boolean,
    }
}

/// The fields of `S`, by index, in the order of their numbers at `P`.
#[must_use]
pub const fn order<P: Place, S: StructValue + ?Sized, const N: usize>() -> [usize; N] {
    let mut order = [0; N];
    let mut i = 0;
    while i < N {
        let number = member::<P, S>(i).number;
        let mut at = i;
        while at > 0 && member::<P, S>(order[at - 1]).number > number {
            order[at] = order[at - 1];
            at -= 1;
        }
        order[at] = i;
        i += 1;
    }
    order
}

/// Whether the fields of `S` stand in the order of their numbers at `P`.
#[must_use]
pub const fn is_in_order<P: Place, S: StructValue + ?Sized>() -> bool {
    let mut i = 1;
    while i < S::NAMES.len() {
        if member::<P, S>(i - 1).number > member::<P, S>(i).number {
            return false;
        }
        i += 1;
    }
    true
}

pub(crate) const fn str_eq(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
