use super::clause;
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
    let is_check = !key && pass_over(cursor)?;
    characteristics(cursor, is_check)?;
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

/// A constraint that leaves the columns as they are; whether it is a CHECK.
pub(super) fn pass_over(cursor: &mut Cursor<'_>) -> Result<bool, SchemaError> {
    if cursor.eat(&["CHECK"])? {
        let place = cursor.token().start;
        if cursor.parenthesised()?.trim().is_empty() {
            return Err(cursor.error_at(place, "the condition is empty"));
        }
        return Ok(true);
    }
    if cursor.eat(&["UNIQUE"])? {
        if cursor.is_symbol('(') {
            clause::columns(cursor)?;
        }
        return Ok(false);
    }
    if cursor.eat(&["FOREIGN", "KEY"])? && cursor.is_symbol('(') {
        clause::columns(cursor)?;
    }
    if !cursor.eat(&["REFERENCES"])? {
        return Err(cursor.expected("PRIMARY KEY, FOREIGN KEY, REFERENCES, UNIQUE or CHECK"));
    }
    cursor.dotted("a table name")?;
    if cursor.is_symbol('(') {
        clause::columns(cursor)?;
    }
    Ok(false)
}

/// What is said of a constraint besides; each once, and of a key never that it is enforced, of a CHECK always.
pub(super) fn characteristics(cursor: &mut Cursor<'_>, is_check: bool) -> Result<(), SchemaError> {
    let mut said: Vec<&[&str]> = Vec::new();
    loop {
        let Some(words) = CHARACTERISTICS
            .iter()
            .find(|words| cursor.looking_at(words))
        else {
            return Ok(());
        };
        let refused = match words {
            ["ENFORCED"] if !is_check => "only a CHECK can be ENFORCED; leave the word out",
            ["NOT", "ENFORCED"] if is_check => "a CHECK is always enforced; leave the words out",
            words if said.contains(words) || said.iter().any(|said| opposed(said, words)) => {
                "the constraint says this, or the opposite, before; say it once"
            }
            _ => {
                said.push(words);
                cursor.eat(words)?;
                continue;
            }
        };
        return Err(cursor.error(refused));
    }
}

fn opposed(one: &[&str], other: &[&str]) -> bool {
    let negated = |one: &[&str], other: &[&str]| match (one, other) {
        (["NOT", not], [plain]) => not == plain,
        (["NORELY"], ["RELY"]) => true,
        _ => false,
    };
    negated(one, other) || negated(other, one)
}
