use std::collections::BTreeSet;

use super::collation;
use super::cursor::{Cursor, short};
use super::lexer::Kind;
use crate::delta::{DEPTH_MAX, FIELDS_MAX};
use crate::error::SchemaError;
use crate::schema::{StructField, StructType};
use crate::types::{DataType, DecimalType};

/// The units an interval may have; those before the division never meet those behind it.
const INTERVAL_UNITS: [&[&str]; 2] = [&["YEAR", "MONTH"], &["DAY", "HOUR", "MINUTE", "SECOND"]];

pub(super) fn data_type(cursor: &mut Cursor<'_>) -> Result<DataType, SchemaError> {
    nested_type(cursor, 0)
}

/// `name type [NOT NULL] [COMMENT 'text'], …`, the form of a schema string: no colon and no other clauses.
pub(super) fn column_list(cursor: &mut Cursor<'_>) -> Result<StructType, SchemaError> {
    fields(cursor, |cursor| {
        let name = cursor.identifier("a column name")?;
        field(cursor, name, 0)
    })
}

/// One or more fields divided by commas, no two of one name.
pub(super) fn fields(
    cursor: &mut Cursor<'_>,
    mut read: impl FnMut(&mut Cursor<'_>) -> Result<StructField, SchemaError>,
) -> Result<StructType, SchemaError> {
    let mut names = Names::default();
    let mut fields = Vec::new();
    loop {
        let start = cursor.token().start;
        let field = read(cursor)?;
        names.add(cursor, start, &field.name)?;
        fields.push(field);
        if !cursor.eat_symbol(',')? {
            return Ok(StructType::new(fields));
        }
    }
}

/// The names of one struct so far; Delta tells them apart by more than case.
#[derive(Default)]
pub(super) struct Names(BTreeSet<String>);

impl Names {
    pub(super) fn add(
        &mut self,
        cursor: &mut Cursor<'_>,
        start: usize,
        name: &str,
    ) -> Result<(), SchemaError> {
        cursor.count()?;
        if self.0.len() >= FIELDS_MAX {
            return Err(cursor.error_at(start, format!("more than {FIELDS_MAX} columns or fields")));
        }
        if self.0.insert(name.to_lowercase()) {
            return Ok(());
        }
        let name = short(name);
        Err(cursor.error_at(
            start,
            format!("`{name}` is there twice; names must differ by more than case"),
        ))
    }
}

/// What follows a field's name: `type [NOT NULL] [COMMENT 'text']`.
pub(super) fn field(
    cursor: &mut Cursor<'_>,
    name: String,
    depth: usize,
) -> Result<StructField, SchemaError> {
    let mut field = StructField::nullable(name, nested_type(cursor, depth)?);
    field.nullable = !cursor.eat(&["NOT", "NULL"])?;
    if cursor.eat(&["COMMENT"])? {
        let comment = cursor.string("the comment as a string")?;
        field.metadata.insert("comment".to_owned(), comment.into());
    }
    Ok(field)
}

fn nested_type(cursor: &mut Cursor<'_>, depth: usize) -> Result<DataType, SchemaError> {
    if depth > DEPTH_MAX {
        return Err(cursor.error(format!("the type is nested deeper than {DEPTH_MAX} levels")));
    }
    let name = cursor.token();
    if name.kind != Kind::Word {
        return Err(cursor.expected("a type"));
    }
    cursor.advance()?;
    let upper = name.text.to_ascii_uppercase();
    match upper.as_str() {
        "ARRAY" => {
            cursor.expect_symbol('<')?;
            let element = nested_type(cursor, depth + 1)?;
            close(cursor)?;
            return Ok(DataType::array(element));
        }
        "MAP" => {
            cursor.expect_symbol('<')?;
            let key = nested_type(cursor, depth + 1)?;
            cursor.expect_symbol(',')?;
            let value = nested_type(cursor, depth + 1)?;
            close(cursor)?;
            return Ok(DataType::map(key, value));
        }
        "STRUCT" => return structure(cursor, depth),
        "INTERVAL" => return interval(cursor),
        "STRING" if cursor.eat(&["COLLATE"])? => return collation::read(cursor),
        "GEOMETRY" | "GEOGRAPHY" => return spatial(cursor, &upper),
        _ => {}
    }
    let mut parameters = Vec::new();
    if cursor.eat_symbol('(')? {
        parameters.push(cursor.integer("a whole number")?);
        while cursor.eat_symbol(',')? {
            parameters.push(cursor.integer("a whole number")?);
        }
        cursor.expect_symbol(')')?;
    }
    let read =
        primitive(&upper, &parameters).map_err(|problem| cursor.error_at(name.start, problem))?;
    let zoned = match upper.as_str() {
        "TIMESTAMP" if cursor.eat(&["WITH", "LOCAL", "TIME", "ZONE"])? => return Ok(read),
        "TIMESTAMP" | "TIME" => cursor.eat(&["WITHOUT", "TIME", "ZONE"])?,
        _ => false,
    };
    Ok(match read {
        DataType::Timestamp if zoned => DataType::TimestampNtz,
        // Spark's parser has such a type; nothing can be written to it yet.
        DataType::Char(_) | DataType::Varchar(_) if cursor.eat(&["COLLATE"])? => {
            DataType::Unsupported(format!("{read} COLLATE {}", collation::name(cursor)?))
        }
        other => other,
    })
}

/// A type by its name in upper case and its parameters; the error says what to write.
fn primitive(name: &str, parameters: &[u32]) -> Result<DataType, String> {
    let written = || match parameters {
        [] => name.to_owned(),
        _ => {
            let list: Vec<String> = parameters.iter().map(ToString::to_string).collect();
            format!("{name}({})", list.join(","))
        }
    };
    Ok(match (name, parameters) {
        ("BOOLEAN", []) => DataType::Boolean,
        ("TINYINT" | "BYTE", []) => DataType::Byte,
        ("SMALLINT" | "SHORT", []) => DataType::Short,
        ("INT" | "INTEGER", []) => DataType::Integer,
        ("BIGINT" | "LONG", []) => DataType::Long,
        ("FLOAT" | "REAL", []) => DataType::Float,
        ("DOUBLE", []) => DataType::Double,
        ("STRING", []) => DataType::String,
        ("BINARY", []) => DataType::Binary,
        ("DATE", []) => DataType::Date,
        ("TIMESTAMP" | "TIMESTAMP_LTZ", [] | [6]) => DataType::Timestamp,
        ("TIMESTAMP_NTZ", [] | [6]) => DataType::TimestampNtz,
        ("TIMESTAMP" | "TIMESTAMP_LTZ", [p @ 7..=9]) => {
            DataType::Unsupported(format!("TIMESTAMP({p})"))
        }
        ("TIMESTAMP_NTZ", [p @ 7..=9]) => DataType::Unsupported(format!("TIMESTAMP_NTZ({p})")),
        ("VARIANT", []) => DataType::Variant,
        ("VOID", []) => DataType::Void,
        ("TIME", []) => DataType::Unsupported("TIME(6)".to_owned()),
        ("TIME", [p @ 0..=9]) => DataType::Unsupported(format!("TIME({p})")),
        ("DECIMAL" | "DEC" | "NUMERIC", [] | [_] | [_, _]) => {
            let precision = parameters.first().copied().unwrap_or(10);
            let scale = parameters.get(1).copied().unwrap_or(0);
            if (precision, scale) == (0, 0) {
                // A type to Spark, in which no digit fits.
                return Ok(DataType::Unsupported("DECIMAL(0,0)".to_owned()));
            }
            let checked = u8::try_from(precision).ok().zip(u8::try_from(scale).ok());
            return checked
                .and_then(|(precision, scale)| DecimalType::new(precision, scale))
                .map(DataType::Decimal)
                .ok_or_else(|| {
                    format!("{} is not a type: the precision is 1 to 38, the scale at most the precision", written())
                });
        }
        ("CHAR" | "CHARACTER", [n]) => DataType::Char(*n),
        ("VARCHAR", [n]) => DataType::Varchar(*n),
        ("CHAR" | "CHARACTER" | "VARCHAR", []) => {
            return Err(format!("{name} needs a length; write {name}(n), or STRING"));
        }
        _ => {
            return Err(format!(
                "expected a type, found `{}`{}",
                short(&written()),
                remedy(name)
            ));
        }
    })
}

/// What other databases and languages call a type, and what it is here.
fn remedy(name: &str) -> String {
    let meant = match name {
        "TEXT" | "STR" | "NVARCHAR" | "CLOB" | "UUID" | "UTF8" => "STRING",
        "DATETIME" | "TIMESTAMPTZ" => "TIMESTAMP",
        "BOOL" => "BOOLEAN",
        "BYTES" | "BLOB" | "BYTEA" | "VARBINARY" => "BINARY",
        "JSON" | "JSONB" => "VARIANT",
        "NUMBER" => "DECIMAL(p,s)",
        "FLOAT64" => "DOUBLE",
        "INT64" | "BIGSERIAL" => "BIGINT",
        "INT32" | "SERIAL" | "MEDIUMINT" => "INT",
        "NULL" => "VOID",
        "STRING" | "INT" | "INTEGER" | "BIGINT" | "FLOAT" | "DOUBLE" | "BINARY" | "DATE"
        | "BOOLEAN" | "TINYINT" | "SMALLINT" | "VARIANT" => {
            return format!("; {name} takes no parameters");
        }
        _ => return String::new(),
    };
    format!("; write {meant}")
}

fn close(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    if cursor.looking_at(&["NOT", "NULL"]) {
        return Err(cursor.error(
            "NOT NULL cannot stand on an element, key or value; DDL has no such types: leave it out",
        ));
    }
    cursor.expect_symbol('>')
}

fn structure(cursor: &mut Cursor<'_>, depth: usize) -> Result<DataType, SchemaError> {
    cursor.expect_symbol('<')?;
    if cursor.eat_symbol('>')? {
        return Ok(DataType::Struct(StructType::default()));
    }
    let fields = fields(cursor, |cursor| {
        let name = cursor.identifier("a field name")?;
        cursor.eat_symbol(':')?;
        field(cursor, name, depth + 1)
    })?;
    cursor.expect_symbol('>')?;
    Ok(DataType::Struct(fields))
}

fn interval(cursor: &mut Cursor<'_>) -> Result<DataType, SchemaError> {
    let mut text = "INTERVAL".to_owned();
    for units in INTERVAL_UNITS {
        let Some(from) = units.iter().position(|unit| cursor.token().is_word(unit)) else {
            continue;
        };
        text.push(' ');
        text.push_str(units.get(from).unwrap_or(&""));
        cursor.advance()?;
        if cursor.eat(&["TO"])? {
            let later = units.get(from + 1..).unwrap_or(&[]);
            let to = later.iter().find(|unit| cursor.token().is_word(unit));
            let to = to.ok_or_else(|| {
                cursor.expected(&match later {
                    [] => "no TO after the smallest unit".to_owned(),
                    _ => later.join(" or "),
                })
            })?;
            text.push_str(" TO ");
            text.push_str(to);
            cursor.advance()?;
        }
        break;
    }
    Ok(DataType::Unsupported(text))
}

/// `GEOMETRY(srid)`: the number of a coordinate system, or ANY. GEOGRAPHY takes those that are on the globe.
fn spatial(cursor: &mut Cursor<'_>, name: &str) -> Result<DataType, SchemaError> {
    cursor.expect_symbol('(')?;
    let srid = if cursor.eat(&["ANY"])? {
        "ANY".to_owned()
    } else {
        let place = cursor.token().start;
        let srid = cursor.integer("the number of a coordinate system, or ANY")?;
        let known = match name {
            "GEOMETRY" => srid == 0 || (1024..1_000_000).contains(&srid),
            _ => (4000..5000).contains(&srid),
        };
        if !known {
            let problem = format!(
                "{name} knows no coordinate system of the number {srid}; write {name}(4326)"
            );
            return Err(cursor.error_at(place, problem));
        }
        srid.to_string()
    };
    cursor.expect_symbol(')')?;
    Ok(DataType::Unsupported(format!("{name}({srid})")))
}
