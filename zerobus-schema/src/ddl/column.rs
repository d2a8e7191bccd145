use serde_json::Value;

use super::constraint;
use super::cursor::Cursor;
use super::lexer::Kind;
use super::types;
use crate::error::SchemaError;
use crate::schema::StructField;
use crate::types::DataType;

const SAID: &str = "the column says this before; say it once";

/// `name type` and its clauses, in any order. What is no type or nullability goes into the metadata, as Delta keeps it.
///
/// The second is whether the column is the table's key.
pub(super) fn column(cursor: &mut Cursor<'_>) -> Result<(StructField, bool), SchemaError> {
    let name = cursor.identifier("a column name")?;
    if cursor.is_symbol(':') {
        return Err(cursor.error(
            "a column has no `:` between name and type; only fields of a STRUCT may have one",
        ));
    }
    let mut column = StructField::nullable(name, types::data_type(cursor)?);
    let (mut constrained, mut not_null, mut is_key) = (false, false, false);
    loop {
        let start = cursor.token().start;
        let once = |cursor: &Cursor<'_>, said: &mut bool| match std::mem::replace(said, true) {
            false => Ok(()),
            true => Err(cursor.error_at(start, SAID)),
        };
        if cursor.eat(&["NOT", "NULL"])? {
            once(cursor, &mut not_null)?;
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
            once(cursor, &mut constrained)?;
            if constraint::of_column(cursor)? {
                column.nullable = false;
                is_key = true;
            }
        } else {
            return Ok((column, is_key));
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
        Some(_) => Err(cursor.error(SAID)),
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
    if column.generation_expression().is_some()
        || column.metadata.contains_key("delta.identity.start")
    {
        return Err(cursor.error_at(place, SAID));
    }
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
    let (mut start, mut step) = (None, None);
    if cursor.eat_symbol('(')? {
        while !cursor.eat_symbol(')')? {
            if start.is_none() && cursor.eat(&["START", "WITH"])? {
                start = Some(signed(cursor)?);
            } else if step.is_none() && cursor.eat(&["INCREMENT", "BY"])? {
                step = Some(signed(cursor)?);
            } else {
                return Err(cursor.expected("START WITH, INCREMENT BY or `)`"));
            }
        }
    }
    let (start, step) = (start.unwrap_or(1), step.unwrap_or(1));
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
    match format!("{minus}{}", cursor.token().text).parse() {
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
    let mut operand_is_due = false;
    let mut after_value = false;
    let mut empty = true;
    loop {
        let ends = match cursor.token().kind {
            Kind::End | Kind::Symbol(',' | ')' | ';') => true,
            Kind::Word if !empty => {
                (!operand_is_due && cursor.looking_at(&["NOT", "NULL"]))
                    || (cursor.looking_at(&["COMMENT"])
                        && matches!(cursor.next_kind(), Kind::Text | Kind::RawText))
                    || cursor.looking_at(&["DEFAULT"])
                    || cursor.looking_at(&["GENERATED"])
                    || cursor.looking_at(&["MASK"])
                    || constraint::stands_at(cursor)
            }
            _ => false,
        };
        let opens_none = matches!(
            cursor.token().kind,
            Kind::Symbol('?' | ':' | '@' | '$' | '[' | '{')
        );
        if empty && (ends || opens_none) {
            return Err(cursor.expected("an expression"));
        }
        if ends && operand_is_due {
            return Err(cursor.expected("the rest of the expression"));
        }
        if ends {
            return Ok(cursor.text_from(start).to_owned());
        }
        empty = false;
        let token = cursor.token();
        let is_value = matches!(
            token.kind,
            Kind::Integer | Kind::Number | Kind::Text | Kind::RawText | Kind::Quoted
        );
        if is_value && after_value {
            return Err(cursor.expected("the end of the expression"));
        }
        // After a string another one may follow, and after a word anything: `DATE '2020-01-01'`, `INTERVAL 1 DAY`.
        after_value = matches!(
            token.kind,
            Kind::Integer | Kind::Number | Kind::Quoted | Kind::Symbol('(' | ']')
        );
        operand_is_due = match token.kind {
            Kind::Symbol(symbol) => !matches!(symbol, '(' | ')' | ']'),
            _ => ["IS", "AND", "OR"].iter().any(|word| token.is_word(word)),
        };
        if cursor.is_symbol('(') {
            cursor.parenthesised()?;
        } else {
            cursor.advance()?;
        }
    }
}
