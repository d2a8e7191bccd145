use crate::proto::ScalarType;
use crate::types::DataType;

/// One row of the type table.
#[derive(Debug)]
#[non_exhaustive]
pub struct TypeRow {
    /// The Delta type as SQL writes it, with its parameters by name.
    pub delta: &'static str,
    /// The proto2 type as a `.proto` file writes it.
    pub proto: &'static str,
    /// The scalar that a value travels as; `None` for ARRAY, MAP and STRUCT.
    pub scalar: Option<ScalarType>,
    /// The Rust types that can stand for it, the one that generated code uses first.
    pub rust: &'static [Carrier],
    /// What a value means, where the proto type does not say it.
    pub value: Option<&'static str>,
    matches: fn(&DataType) -> bool,
}

/// A Rust type that carries a Delta type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Carrier {
    /// The type, as a user writes it.
    pub rust: &'static str,
    /// The feature of `zerobus-record` (and `zerobus-client`) that brings it.
    pub feature: Option<&'static str>,
}

const fn built_in(rust: &'static str) -> Carrier {
    Carrier {
        rust,
        feature: None,
    }
}

const fn with_feature(rust: &'static str, feature: &'static str) -> Carrier {
    Carrier {
        rust,
        feature: Some(feature),
    }
}

macro_rules! row {
    ($delta:literal, $proto:literal, $scalar:expr, [$($rust:expr),* $(,)?], $value:expr, $pattern:pat $(,)?) => {
        TypeRow {
            delta: $delta,
            proto: $proto,
            scalar: $scalar,
            rust: &[$($rust),*],
            value: $value,
            matches: |data_type| matches!(data_type, $pattern),
        }
    };
}

/// Every Delta type that a stream can carry.
pub const TYPES: &[TypeRow] = &[
    row!(
        "BOOLEAN",
        "bool",
        Some(ScalarType::Bool),
        [built_in("bool")],
        None,
        DataType::Boolean
    ),
    row!(
        "TINYINT",
        "int32",
        Some(ScalarType::Int32),
        [built_in("i8")],
        Some("an integer of 8 bits"),
        DataType::Byte,
    ),
    row!(
        "SMALLINT",
        "int32",
        Some(ScalarType::Int32),
        [built_in("i16"), built_in("i8"), built_in("u8")],
        Some("an integer of 16 bits"),
        DataType::Short,
    ),
    row!(
        "INT",
        "int32",
        Some(ScalarType::Int32),
        [
            built_in("i32"),
            built_in("i16"),
            built_in("i8"),
            built_in("u16"),
            built_in("u8")
        ],
        None,
        DataType::Integer,
    ),
    row!(
        "BIGINT",
        "int64",
        Some(ScalarType::Int64),
        [
            built_in("i64"),
            built_in("i32"),
            built_in("i16"),
            built_in("i8"),
            built_in("u32"),
            built_in("u16"),
            built_in("u8"),
        ],
        None,
        DataType::Long,
    ),
    row!(
        "FLOAT",
        "float",
        Some(ScalarType::Float),
        [built_in("f32")],
        None,
        DataType::Float
    ),
    row!(
        "DOUBLE",
        "double",
        Some(ScalarType::Double),
        [built_in("f64"), built_in("f32")],
        None,
        DataType::Double,
    ),
    row!(
        "DECIMAL(p,s)",
        "string",
        Some(ScalarType::String),
        [
            built_in("DecimalText"),
            built_in("Decimal"),
            built_in("String"),
            built_in("&str"),
            with_feature("rust_decimal::Decimal", "rust_decimal"),
            with_feature("bigdecimal::BigDecimal", "bigdecimal"),
        ],
        Some("decimal text that fits precision and scale, e.g. 19.99"),
        DataType::Decimal(_),
    ),
    row!(
        "STRING",
        "string",
        Some(ScalarType::String),
        [
            built_in("String"),
            built_in("&str"),
            built_in("std::net::IpAddr"),
            with_feature("uuid::Uuid", "uuid")
        ],
        None,
        DataType::String | DataType::CollatedString(_),
    ),
    row!(
        "VARCHAR(n)",
        "string",
        Some(ScalarType::String),
        [built_in("String"), built_in("&str")],
        Some("at most n characters"),
        DataType::Varchar(_),
    ),
    row!(
        "CHAR(n)",
        "string",
        Some(ScalarType::String),
        [built_in("String"), built_in("&str")],
        Some("at most n characters"),
        DataType::Char(_),
    ),
    row!(
        "BINARY",
        "bytes",
        Some(ScalarType::Bytes),
        [
            built_in("Vec<u8>"),
            built_in("&[u8]"),
            built_in("[u8; N]"),
            built_in("bytes::Bytes")
        ],
        None,
        DataType::Binary,
    ),
    row!(
        "DATE",
        "int32",
        Some(ScalarType::Int32),
        [
            built_in("DateDays"),
            with_feature("jiff::civil::Date", "jiff"),
            with_feature("chrono::NaiveDate", "chrono"),
            with_feature("time::Date", "time"),
        ],
        Some("days since 1970-01-01"),
        DataType::Date,
    ),
    row!(
        "TIMESTAMP",
        "int64",
        Some(ScalarType::Int64),
        [
            built_in("TimestampMicros"),
            built_in("std::time::SystemTime"),
            with_feature("jiff::Timestamp", "jiff"),
            with_feature("chrono::DateTime<Utc>", "chrono"),
            with_feature("time::OffsetDateTime", "time"),
        ],
        Some("microseconds since 1970-01-01T00:00:00Z"),
        DataType::Timestamp,
    ),
    row!(
        "TIMESTAMP_NTZ",
        "int64",
        Some(ScalarType::Int64),
        [
            built_in("TimestampNtzMicros"),
            with_feature("jiff::civil::DateTime", "jiff"),
            with_feature("chrono::NaiveDateTime", "chrono"),
            with_feature("time::PrimitiveDateTime", "time"),
        ],
        Some("microseconds of the wall clock since 1970-01-01T00:00:00"),
        DataType::TimestampNtz,
    ),
    row!(
        "VARIANT",
        "string",
        Some(ScalarType::String),
        [
            built_in("serde_json::Value"),
            built_in("VariantJson"),
            with_feature("serde_json::value::RawValue", "raw_value"),
        ],
        Some("JSON text"),
        DataType::Variant,
    ),
    row!(
        "ARRAY<T>",
        "repeated T",
        None,
        [
            built_in("Vec<T>"),
            built_in("&[T]"),
            built_in("[T; N]"),
            built_in("VecDeque<T>")
        ],
        Some("no NULL elements; NULL and empty are the same"),
        DataType::Array(_),
    ),
    row!(
        "MAP<K, V>",
        "map<K, V>",
        None,
        [
            built_in("BTreeMap<K, V>"),
            built_in("HashMap<K, V>"),
            with_feature("indexmap::IndexMap<K, V>", "indexmap")
        ],
        Some("K is integral, BOOLEAN or STRING; no NULL values; NULL and empty are the same"),
        DataType::Map(_),
    ),
    row!(
        "STRUCT<…>",
        "message",
        None,
        [built_in("a struct that derives ZerobusRecord")],
        None,
        DataType::Struct(_),
    ),
];

/// The row of a type; `None` where a stream cannot carry it.
#[must_use]
pub fn row(data_type: &DataType) -> Option<&'static TypeRow> {
    TYPES.iter().find(|row| (row.matches)(data_type))
}

/// The scalar that a type travels as; `None` for ARRAY, MAP, STRUCT and for what a stream cannot carry.
#[must_use]
pub fn scalar(data_type: &DataType) -> Option<ScalarType> {
    row(data_type)?.scalar
}
