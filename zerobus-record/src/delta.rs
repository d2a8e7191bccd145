//! Delta's types as Rust types: what stands for a column in a bound such as `T: ColumnValue<delta::DoubleType>`.

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
    ($($sql:literal $name:ident = $constant:ident;)*) => {$(
        #[doc = $sql]
        #[derive(Debug, Clone, Copy)]
        pub enum $name {}

        impl DeltaType for $name {
            const TYPE: ColumnType = ColumnType::$constant;
        }
    )*};
}

delta_types! {
    "BOOLEAN" BooleanType = Boolean;
    "TINYINT" ByteType = Byte;
    "SMALLINT" ShortType = Short;
    "INT" IntegerType = Integer;
    "BIGINT" LongType = Long;
    "FLOAT" FloatType = Float;
    "DOUBLE" DoubleType = Double;
    "STRING, with or without a collation" StringType = String;
    "BINARY" BinaryType = Binary;
    "DATE" DateType = Date;
    "TIMESTAMP" TimestampType = Timestamp;
    "TIMESTAMP_NTZ" TimestampNtzType = TimestampNtz;
    "VARIANT" VariantType = Variant;
}

/// DECIMAL(p, s)
#[derive(Debug, Clone, Copy)]
pub enum DecimalType<const PRECISION: u8, const SCALE: u8> {}

impl<const PRECISION: u8, const SCALE: u8> DeltaType for DecimalType<PRECISION, SCALE> {
    const TYPE: ColumnType = ColumnType::Decimal(PRECISION, SCALE);
}

/// CHAR(n)
#[derive(Debug, Clone, Copy)]
pub enum CharType<const N: u32> {}

impl<const N: u32> DeltaType for CharType<N> {
    const TYPE: ColumnType = ColumnType::Char(N);
}

/// VARCHAR(n)
#[derive(Debug, Clone, Copy)]
pub enum VarcharType<const N: u32> {}

impl<const N: u32> DeltaType for VarcharType<N> {
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
    ArrayType<E>
    /// MAP from `K` to `V`
    MapType<K, V>
    /// STRUCT, with its fields in `L`
    StructType<L>
    /// A column of type `D` that may be NULL
    Nullable<D>
}

impl<E: DeltaType> DeltaType for ArrayType<E> {
    const TYPE: ColumnType = ColumnType::Array(&E::TYPE);
}

impl<K: DeltaType, V: DeltaType> DeltaType for MapType<K, V> {
    const TYPE: ColumnType = ColumnType::Map(&K::TYPE, &V::TYPE);
}

impl<L: Layout> DeltaType for StructType<L> {
    const TYPE: ColumnType = ColumnType::Struct(L::COLUMNS);
}

/// The fields of one STRUCT of one table, as the derive writes them down.
pub trait Layout {
    /// The fields, in the table's order.
    #[doc(hidden)]
    const COLUMNS: &'static [StructColumn];
}
