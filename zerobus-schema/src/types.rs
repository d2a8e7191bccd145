use std::fmt;

use crate::path::write_identifier;
use crate::schema::StructType;

/// A Delta type, in Delta's own words.
///
/// CHAR, VARCHAR and collations are types here; Delta's JSON keeps them in the metadata of the
/// nearest field, and the readers and writers of this crate translate.
///
/// `Display` writes the type as SQL (`ARRAY<STRING>`, `STRUCT<lat: DOUBLE NOT NULL>`), the spelling
/// that errors and DDL use.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DataType {
    /// BOOLEAN
    Boolean,
    /// TINYINT, an 8-bit integer
    Byte,
    /// SMALLINT, a 16-bit integer
    Short,
    /// INT, a 32-bit integer
    Integer,
    /// BIGINT, a 64-bit integer
    Long,
    /// FLOAT
    Float,
    /// DOUBLE
    Double,
    /// DECIMAL(p, s)
    Decimal(DecimalType),
    /// STRING
    String,
    /// STRING COLLATE name
    CollatedString(String),
    /// CHAR(n), n in characters
    Char(u32),
    /// VARCHAR(n), n in characters
    Varchar(u32),
    /// BINARY
    Binary,
    /// DATE
    Date,
    /// TIMESTAMP, an instant in microseconds
    Timestamp,
    /// TIMESTAMP_NTZ, a wall-clock time in microseconds
    TimestampNtz,
    /// VARIANT
    Variant,
    /// ARRAY
    Array(Box<ArrayType>),
    /// MAP
    Map(Box<MapType>),
    /// STRUCT
    Struct(StructType),
    /// VOID, the type of a column that is always NULL
    Void,
    /// INTERVAL, TIME, GEOMETRY, GEOGRAPHY, OBJECT, user-defined types and whatever comes later: known by
    /// its SQL text, which no Zerobus stream can carry
    Unsupported(String),
}

/// The two parameters of DECIMAL, checked: 1 ≤ precision ≤ 38 and scale ≤ precision.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct DecimalType {
    precision: u8,
    scale: u8,
}

impl DecimalType {
    /// The most digits a Delta decimal has.
    pub const PRECISION_MAX: u8 = 38;

    /// A decimal of `precision` digits, `scale` of them behind the point; `None` where Delta has no such type.
    #[must_use]
    pub const fn new(precision: u8, scale: u8) -> Option<Self> {
        if precision >= 1 && precision <= Self::PRECISION_MAX && scale <= precision {
            Some(Self { precision, scale })
        } else {
            None
        }
    }

    /// All digits.
    #[must_use]
    pub const fn precision(self) -> u8 {
        self.precision
    }

    /// The digits behind the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }
}

/// The element of an ARRAY.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ArrayType {
    /// The element's type.
    pub element: DataType,
    /// Whether an element may be NULL (a stream cannot send one in any case).
    pub contains_null: bool,
}

/// Key and value of a MAP.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MapType {
    /// The key's type.
    pub key: DataType,
    /// The value's type.
    pub value: DataType,
    /// Whether a value may be NULL (a stream cannot send one in any case).
    pub value_contains_null: bool,
}

impl DataType {
    /// An ARRAY of elements that may be NULL.
    #[must_use]
    pub fn array(element: Self) -> Self {
        Self::Array(Box::new(ArrayType {
            element,
            contains_null: true,
        }))
    }

    /// A MAP with values that may be NULL.
    #[must_use]
    pub fn map(key: Self, value: Self) -> Self {
        Self::Map(Box::new(MapType {
            key,
            value,
            value_contains_null: true,
        }))
    }
}

impl fmt::Display for DataType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean => f.write_str("BOOLEAN"),
            Self::Byte => f.write_str("TINYINT"),
            Self::Short => f.write_str("SMALLINT"),
            Self::Integer => f.write_str("INT"),
            Self::Long => f.write_str("BIGINT"),
            Self::Float => f.write_str("FLOAT"),
            Self::Double => f.write_str("DOUBLE"),
            Self::Decimal(d) => write!(f, "DECIMAL({},{})", d.precision, d.scale),
            Self::String => f.write_str("STRING"),
            Self::CollatedString(collation) => write!(f, "STRING COLLATE {collation}"),
            Self::Char(n) => write!(f, "CHAR({n})"),
            Self::Varchar(n) => write!(f, "VARCHAR({n})"),
            Self::Binary => f.write_str("BINARY"),
            Self::Date => f.write_str("DATE"),
            Self::Timestamp => f.write_str("TIMESTAMP"),
            Self::TimestampNtz => f.write_str("TIMESTAMP_NTZ"),
            Self::Variant => f.write_str("VARIANT"),
            Self::Array(array) => write!(f, "ARRAY<{}>", array.element),
            Self::Map(map) => write!(f, "MAP<{}, {}>", map.key, map.value),
            Self::Struct(fields) => {
                f.write_str("STRUCT<")?;
                for (i, field) in fields.fields.iter().enumerate() {
                    if i > 0 {
                        f.write_str(", ")?;
                    }
                    write_identifier(f, &field.name)?;
                    write!(f, ": {}", field.data_type)?;
                    if !field.nullable {
                        f.write_str(" NOT NULL")?;
                    }
                }
                f.write_str(">")
            }
            Self::Void => f.write_str("VOID"),
            Self::Unsupported(text) => f.write_str(text),
        }
    }
}
