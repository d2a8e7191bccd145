//! The Rust types that the mapping names for a Delta type are those that can be written to it.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::time::SystemTime;

use bytes::Bytes;
use serde_json::Value;
use zerobus_record::delta::*;
use zerobus_record::{
    ColumnValue, DateDays, Decimal, DecimalText, TimestampMicros, TimestampNtzMicros, VariantJson,
};
use zerobus_schema::mapping::TYPES;

/// Compiles where each type can stand for the Delta type, and names them.
macro_rules! carriers {
    ($($delta:literal $marker:ty: $($rust:ty as $name:literal),+;)*) => {
        [$(($delta, {
            fn stands<T: ColumnValue<$marker> + ColumnValue<Nullable<$marker>> + ?Sized>() {}
            $(stands::<$rust>();)+
            vec![$($name),+]
        })),*]
    };
}

#[test]
fn the_mapping_and_the_impls_name_the_same_types() {
    let written = carriers! {
        "BOOLEAN" BooleanType: bool as "bool";
        "TINYINT" ByteType: i8 as "i8";
        "SMALLINT" ShortType: i16 as "i16", i8 as "i8", u8 as "u8";
        "INT" IntegerType: i32 as "i32", i16 as "i16", i8 as "i8", u16 as "u16", u8 as "u8";
        "BIGINT" LongType: i64 as "i64", i32 as "i32", i16 as "i16", i8 as "i8", u32 as "u32", u16 as "u16", u8 as "u8";
        "FLOAT" FloatType: f32 as "f32";
        "DOUBLE" DoubleType: f64 as "f64", f32 as "f32";
        "DECIMAL(p,s)" DecimalType<10, 2>: DecimalText as "DecimalText", Decimal as "Decimal", String as "String", &str as "&str";
        "STRING" StringType: String as "String", &str as "&str", IpAddr as "std::net::IpAddr";
        "VARCHAR(n)" VarcharType<3>: String as "String", &str as "&str";
        "CHAR(n)" CharType<3>: String as "String", &str as "&str";
        "BINARY" BinaryType: Vec<u8> as "Vec<u8>", &[u8] as "&[u8]", [u8; 3] as "[u8; N]", Bytes as "bytes::Bytes";
        "DATE" DateType: DateDays as "DateDays";
        "TIMESTAMP" TimestampType: TimestampMicros as "TimestampMicros", SystemTime as "std::time::SystemTime";
        "TIMESTAMP_NTZ" TimestampNtzType: TimestampNtzMicros as "TimestampNtzMicros";
        "VARIANT" VariantType: Value as "serde_json::Value", VariantJson as "VariantJson";
        "ARRAY<T>" ArrayType<LongType>: Vec<i64> as "Vec<T>", &[i64] as "&[T]", [i64; 3] as "[T; N]", VecDeque<i64> as "VecDeque<T>";
        "MAP<K, V>" MapType<StringType, LongType>: BTreeMap<String, i64> as "BTreeMap<K, V>", HashMap<String, i64> as "HashMap<K, V>";
    };
    let mapped: Vec<(&str, Vec<&str>)> = TYPES
        .iter()
        .filter(|row| row.delta != "STRUCT<…>")
        .map(|row| {
            let built_in = row.rust.iter().filter(|carrier| carrier.feature.is_none());
            (row.delta, built_in.map(|carrier| carrier.rust).collect())
        })
        .collect();
    assert_eq!(mapped, written);
}
