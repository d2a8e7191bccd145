use super::cursor::Cursor;
use crate::error::SchemaError;

/// The words of a constraint's characteristics; none of them says anything about a column.
const CHARACTERISTICS: [&[&str]; 19] = [
    &["NOT", "ENFORCED"],
    &["NOT", "DEFERRABLE"],
    &["ENFORCED"],
    &["DEFERRABLE"],
    &["INITIALLY", "DEFERRED"],
    &["INITIALLY", "IMMEDIATE"],
    &["NORELY"],
    &["RELY"],
    &["ENABLE", "NOVALIDATE"],
    &["DISABLE", "NOVALIDATE"],
    &["ENABLE", "VALIDATE"],
    &["DISABLE", "VALIDATE"],
    &["MATCH", "FULL"],
    &["ON", "UPDATE", "NO", "ACTION"],
    &["ON", "DELETE", "NO", "ACTION"],
    &["NOVALIDATE"],
    &["VALIDATE"],
    &["ENABLE"],
    &["DISABLE"],
];

/// Reads a constraint that stands at a column; whether it makes the column NOT NULL.
pub(super) fn of_column(cursor: &mut Cursor<'_>) -> Result<bool, SchemaError> {
    if cursor.eat(&["CONSTRAINT"])? {
        cursor.identifier("the name of the constraint")?;
    }
    let key = cursor.eat(&["PRIMARY", "KEY"])?;
    if !key {
        pass_over(cursor)?;
    }
    characteristics(cursor)?;
    Ok(key)
}

pub(super) fn stands_at(cursor: &Cursor<'_>) -> bool {
    [
        &["PRIMARY", "KEY"][..],
        &["FOREIGN", "KEY"],
        &["CONSTRAINT"],
        &["CHECK"],
        &["UNIQUE"],
        &["REFERENCES"],
    ]
    .iter()
    .any(|words| cursor.looking_at(words))
}

/// A constraint that leaves the columns as they are.
pub(super) fn pass_over(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    if cursor.eat(&["CHECK"])? {
        cursor.parenthesised()?;
        return Ok(());
    }
    if cursor.eat(&["UNIQUE"])? {
        if cursor.is_symbol('(') {
            cursor.parenthesised()?;
        }
        return Ok(());
    }
    if cursor.eat(&["FOREIGN", "KEY"])? && cursor.is_symbol('(') {
        cursor.parenthesised()?;
    }
    if !cursor.eat(&["REFERENCES"])? {
        return Err(cursor.expected("PRIMARY KEY, FOREIGN KEY, REFERENCES, UNIQUE or CHECK"));
    }
    cursor.dotted("a table name")?;
    if cursor.is_symbol('(') {
        cursor.parenthesised()?;
    }
    Ok(())
}

pub(super) fn characteristics(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    loop {
        let Some(words) = CHARACTERISTICS
            .iter()
            .find(|words| cursor.looking_at(words))
        else {
            return Ok(());
        };
        cursor.eat(words)?;
    }
}
