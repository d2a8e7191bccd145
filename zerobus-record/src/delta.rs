//! Delta's types as Rust types: what stands for a column in a bound such as `T: ColumnValue<delta::Double>`.

use std::fmt;
use std::marker::PhantomData;

use crate::layout::{ColumnType, StructColumn};

/// A Delta type that a stream can carry.
pub trait DeltaType {
    /// The type as a value.
    #[doc(hidden)]
    const TYPE: ColumnType;
}

macro_rules! delta_types {
    ($($sql:literal $name:ident)*) => {$(
        #[doc = $sql]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl DeltaType for $name {
            const TYPE: ColumnType = ColumnType::$name;
        }
    )*};
}

delta_types! {
    "BOOLEAN" Boolean
    "TINYINT" Byte
    "SMALLINT" Short
    "INT" Integer
    "BIGINT" Long
    "FLOAT" Float
    "DOUBLE" Double
    "STRING, with or without a collation" String
    "BINARY" Binary
    "DATE" Date
    "TIMESTAMP" Timestamp
    "TIMESTAMP_NTZ" TimestampNtz
    "VARIANT" Variant
}

/// DECIMAL(p, s)
#[derive(Debug, Clone, Copy)]
pub enum Decimal<const PRECISION: u8, const SCALE: u8> {}

impl<const PRECISION: u8, const SCALE: u8> DeltaType for Decimal<PRECISION, SCALE> {
    const TYPE: ColumnType = ColumnType::Decimal(PRECISION, SCALE);
}

/// CHAR(n)
#[derive(Debug, Clone, Copy)]
pub enum Char<const N: u32> {}

impl<const N: u32> DeltaType for Char<N> {
    const TYPE: ColumnType = ColumnType::Char(N);
}

/// VARCHAR(n)
#[derive(Debug, Clone, Copy)]
pub enum Varchar<const N: u32> {}

impl<const N: u32> DeltaType for Varchar<N> {
    const TYPE: ColumnType = ColumnType::Varchar(N);
}

macro_rules! generic_types {
    ($($(#[$doc:meta])* $name:ident<$($param:ident),*>)*) => {$(
        $(#[$doc])*
        pub struct $name<$($param),*>(PhantomData<fn() -> ($($param,)*)>);

        impl<$($param),*> fmt::Debug for $name<$($param),*> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

generic_types! {
    /// ARRAY of elements of type `E`
    Array<E>
    /// MAP from `K` to `V`
    Map<K, V>
    /// STRUCT, with its fields in `L`
    Struct<L>
    /// A column of type `D` that may be NULL
    Nullable<D>
}

impl<E: DeltaType> DeltaType for Array<E> {
    const TYPE: ColumnType = ColumnType::Array(&E::TYPE);
}

impl<K: DeltaType, V: DeltaType> DeltaType for Map<K, V> {
    const TYPE: ColumnType = ColumnType::Map(&K::TYPE, &V::TYPE);
}

impl<L: Layout> DeltaType for Struct<L> {
    const TYPE: ColumnType = ColumnType::Struct(L::COLUMNS);
}

/// The fields of one STRUCT of one table, as the derive writes them down.
pub trait Layout {
    /// The fields, in the table's order.
    #[doc(hidden)]
    const COLUMNS: &'static [StructColumn];
}
