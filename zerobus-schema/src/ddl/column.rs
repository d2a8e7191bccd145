use serde_json::Value;

use super::constraint;
use super::cursor::Cursor;
use super::lexer::Kind;
use super::types;
use crate::error::SchemaError;
use crate::schema::StructField;
use crate::types::DataType;

/// `name type` and its clauses, in any order. What is no type or nullability goes into the metadata, as Delta keeps it.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Result<StructField, SchemaError> {
    let name = cursor.identifier("a column name")?;
    if cursor.is_symbol(':') {
        return Err(cursor.error(
            "a column has no `:` between name and type; only fields of a STRUCT may have one",
        ));
    }
    let mut column = StructField::nullable(name, types::data_type(cursor)?);
    loop {
        if cursor.eat(&["NOT", "NULL"])? {
            column.nullable = false;
        } else if cursor.eat(&["COMMENT"])? {
            let comment = cursor.string("the comment as a string")?;
            put(cursor, &mut column, "comment", comment.into())?;
        } else if cursor.eat(&["DEFAULT"])? {
            let default = expression(cursor)?;
            put(cursor, &mut column, "CURRENT_DEFAULT", default.into())?;
        } else if cursor.eat(&["GENERATED"])? {
            generated(cursor, &mut column)?;
        } else if cursor.eat(&["MASK"])? {
            cursor.dotted("the name of a function")?;
            if cursor.eat(&["USING", "COLUMNS"])? {
                cursor.parenthesised()?;
            }
        } else if constraint::stands_at(cursor) {
            if constraint::of_column(cursor)? {
                column.nullable = false;
            }
        } else {
            return Ok(column);
        }
    }
}

fn put(
    cursor: &Cursor<'_>,
    column: &mut StructField,
    key: &str,
    value: Value,
) -> Result<(), SchemaError> {
    match column.metadata.insert(key.to_owned(), value) {
        None => Ok(()),
        Some(_) => Err(cursor.error("the column says this before; say it once")),
    }
}

/// `GENERATED` has been read; what follows goes into the metadata, as Delta keeps it.
fn generated(cursor: &mut Cursor<'_>, column: &mut StructField) -> Result<(), SchemaError> {
    let by_default = cursor.eat(&["BY", "DEFAULT"])?;
    if !by_default {
        cursor.expect("ALWAYS")?;
    }
    cursor.expect("AS")?;
    let place = cursor.token().start;
    if !by_default && cursor.is_symbol('(') {
        let expression = cursor.parenthesised()?.trim();
        if expression.is_empty() {
            return Err(cursor.error_at(place, "the expression is empty"));
        }
        column
            .metadata
            .insert("delta.generationExpression".to_owned(), expression.into());
        return Ok(());
    }
    if !cursor.eat(&["IDENTITY"])? {
        return Err(cursor.expected(if by_default {
            "IDENTITY"
        } else {
            "IDENTITY or `(`"
        }));
    }
    if !matches!(column.data_type, DataType::Long | DataType::Integer) {
        let problem = format!("an identity column is a BIGINT, not a {}", column.data_type);
        return Err(cursor.error_at(place, problem));
    }
    let (mut start, mut step) = (1, 1);
    if cursor.eat_symbol('(')? {
        while !cursor.eat_symbol(')')? {
            if cursor.eat(&["START", "WITH"])? {
                start = signed(cursor)?;
            } else if cursor.eat(&["INCREMENT", "BY"])? {
                step = signed(cursor)?;
            } else {
                return Err(cursor.expected("START WITH, INCREMENT BY or `)`"));
            }
        }
    }
    if step == 0 {
        return Err(cursor.error_at(place, "an identity column cannot step by 0"));
    }
    let identity: [(&str, Value); 3] = [
        ("start", start.into()),
        ("step", step.into()),
        ("allowExplicitInsert", by_default.into()),
    ];
    for (key, value) in identity {
        column
            .metadata
            .insert(format!("delta.identity.{key}"), value);
    }
    Ok(())
}

fn signed(cursor: &mut Cursor<'_>) -> Result<i64, SchemaError> {
    let minus = if cursor.eat_symbol('-')? { "-" } else { "" };
    let digits = cursor.token().text.trim_end_matches(['l', 'L']);
    match format!("{minus}{digits}").parse() {
        Ok(number) => {
            cursor.advance()?;
            Ok(number)
        }
        Err(_) => Err(cursor.expected("a whole number of 64 bits")),
    }
}

/// The text of an expression that ends where the next clause of the column begins.
pub(super) fn expression(cursor: &mut Cursor<'_>) -> Result<String, SchemaError> {
    let start = cursor.token().start;
    let mut after_is = false;
    let mut empty = true;
    loop {
        let ends = match cursor.token().kind {
            Kind::End | Kind::Symbol(',' | ')' | ';') => true,
            Kind::Word if !empty => {
                (!after_is && cursor.looking_at(&["NOT", "NULL"]))
                    || (cursor.looking_at(&["COMMENT"])
                        && matches!(cursor.next_kind(), Kind::Text | Kind::RawText))
                    || cursor.looking_at(&["DEFAULT"])
                    || cursor.looking_at(&["GENERATED"])
                    || cursor.looking_at(&["MASK"])
                    || constraint::stands_at(cursor)
            }
            _ => false,
        };
        if ends && empty {
            return Err(cursor.expected("an expression"));
        }
        if ends {
            return Ok(cursor.text_from(start).to_owned());
        }
        empty = false;
        after_is = cursor.token().is_word("IS");
        if cursor.is_symbol('(') {
            cursor.parenthesised()?;
        } else {
            cursor.advance()?;
        }
    }
}
