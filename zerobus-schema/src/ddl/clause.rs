use std::collections::BTreeMap;
use std::fmt;

use super::column;
use super::cursor::Cursor;
use super::lexer::{self, Kind};
use crate::error::SchemaError;

/// A clause that may follow the column list of CREATE TABLE.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clause {
    Using,
    PartitionedBy,
    ClusterBy,
    ClusteredBy,
    TblProperties,
    Options,
    Comment,
    Location,
    DefaultCollation,
    RowFilter,
    StoredAs,
    RowFormat,
}

/// Each clause with the words that open it; a longer opening stands before a shorter one.
const OPENINGS: [(Clause, &[&str]); 12] = [
    (Clause::Using, &["USING"]),
    (Clause::PartitionedBy, &["PARTITIONED", "BY"]),
    (Clause::ClusterBy, &["CLUSTER", "BY"]),
    (Clause::ClusteredBy, &["CLUSTERED", "BY"]),
    (Clause::TblProperties, &["TBLPROPERTIES"]),
    (Clause::Options, &["OPTIONS"]),
    (Clause::Comment, &["COMMENT"]),
    (Clause::Location, &["LOCATION"]),
    (Clause::DefaultCollation, &["DEFAULT", "COLLATION"]),
    (Clause::RowFilter, &["WITH", "ROW", "FILTER"]),
    (Clause::StoredAs, &["STORED", "AS"]),
    (Clause::RowFormat, &["ROW", "FORMAT"]),
];

impl Clause {
    /// Steps over the words that open a clause; `None` where none stands here.
    pub(super) fn open(cursor: &mut Cursor<'_>) -> Result<Option<Self>, SchemaError> {
        for (clause, words) in OPENINGS {
            if cursor.eat(words)? {
                return Ok(Some(clause));
            }
        }
        Ok(None)
    }

    /// The clauses that Spark lets no statement have beside this one.
    pub(super) fn unlike(self) -> &'static [Self] {
        match self {
            Self::PartitionedBy | Self::ClusteredBy => &[Self::ClusterBy],
            Self::ClusterBy => &[Self::PartitionedBy, Self::ClusteredBy],
            Self::StoredAs | Self::RowFormat => &[Self::Using],
            _ => &[],
        }
    }

    /// Reads a clause that says nothing of columns, its opening words aside.
    pub(super) fn pass_over(self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        match self {
            Self::ClusterBy => {
                if !cursor.eat(&["AUTO"])? && !cursor.eat(&["NONE"])? {
                    columns(cursor)?;
                }
            }
            Self::ClusteredBy => {
                columns(cursor)?;
                if cursor.eat(&["SORTED", "BY"])? {
                    cursor.parenthesised()?;
                }
                cursor.expect("INTO")?;
                cursor.integer("the number of buckets")?;
                cursor.expect("BUCKETS")?;
            }
            Self::Options => options(cursor)?,
            Self::Location => {
                cursor.string("the location as a string")?;
                // Databricks names the credential here.
                if cursor.looking_at(&["WITH"]) && cursor.next_kind() == Kind::Symbol('(') {
                    cursor.advance()?;
                    cursor.parenthesised()?;
                }
            }
            Self::RowFilter => {
                cursor.dotted("the name of a function")?;
                cursor.expect("ON")?;
                cursor.parenthesised()?;
            }
            Self::StoredAs => stored_as(cursor)?,
            Self::RowFormat => row_format(cursor)?,
            Self::Using
            | Self::PartitionedBy
            | Self::TblProperties
            | Self::Comment
            | Self::DefaultCollation => {}
        }
        Ok(())
    }
}

impl fmt::Display for Clause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words = OPENINGS.iter().find(|(clause, _)| clause == self);
        f.write_str(&words.map_or(&[][..], |(_, words)| words).join(" "))
    }
}

/// `(key [=] value, …)`; a key is a string or names divided by dots, a value a string, number or boolean.
pub(super) fn properties(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, String>, SchemaError> {
    let mut properties = BTreeMap::new();
    cursor.expect_symbol('(')?;
    loop {
        let (start, key) = key(cursor)?;
        let value = if matches!(cursor.token().kind, Kind::Text | Kind::RawText) {
            cursor.string("the value of the property")?
        } else {
            let start = cursor.token().start;
            cursor.eat_symbol('-')?;
            let is_value = match cursor.token().kind {
                Kind::Integer | Kind::Number => true,
                Kind::Word => cursor.looking_at(&["TRUE"]) || cursor.looking_at(&["FALSE"]),
                _ => false,
            };
            if !is_value {
                return Err(
                    cursor.expected("the value of the property: a string, number or boolean")
                );
            }
            cursor.advance()?;
            cursor.text_from(start).to_owned()
        };
        if properties.insert(key, value).is_some() {
            return Err(cursor.error_at(start, "the property is there twice"));
        }
        if !cursor.eat_symbol(',')? {
            cursor.expect_symbol(')')?;
            return Ok(properties);
        }
    }
}

/// `(key [=] expression, …)`
fn options(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    cursor.expect_symbol('(')?;
    loop {
        key(cursor)?;
        column::expression(cursor)?;
        if !cursor.eat_symbol(',')? {
            return cursor.expect_symbol(')');
        }
    }
}

/// A property's key with the sign behind it, and where it stands.
fn key(cursor: &mut Cursor<'_>) -> Result<(usize, String), SchemaError> {
    cursor.count()?;
    let start = cursor.token().start;
    let key = match cursor.token().kind {
        Kind::Text | Kind::RawText => lexer::unescape(&cursor.advance()?),
        _ => cursor.dotted("the key of a property")?.join("."),
    };
    if cursor.eat_symbol('=')? {
        cursor.eat_symbol('=')?;
    }
    Ok((start, key))
}

/// `( column, … )`
pub(super) fn columns(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    cursor.expect_symbol('(')?;
    loop {
        cursor.dotted("the name of a column")?;
        if !cursor.eat_symbol(',')? {
            return cursor.expect_symbol(')');
        }
    }
}

/// `format`, or `INPUTFORMAT 'class' OUTPUTFORMAT 'class'`.
fn stored_as(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    const CLASS: &str = "the class of the format as a string";
    let names_classes = cursor.looking_at(&["INPUTFORMAT"])
        && matches!(cursor.next_kind(), Kind::Text | Kind::RawText);
    if names_classes {
        cursor.advance()?;
        cursor.string(CLASS)?;
        cursor.expect("OUTPUTFORMAT")?;
        cursor.string(CLASS)?;
    } else {
        cursor.identifier("the name of a format")?;
    }
    Ok(())
}

/// `SERDE 'class' [WITH SERDEPROPERTIES (…)]`, or `DELIMITED` with the signs that divide rows and values.
fn row_format(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    const SIGNS: [&[&str]; 4] = [
        &["COLLECTION", "ITEMS", "TERMINATED", "BY"],
        &["MAP", "KEYS", "TERMINATED", "BY"],
        &["LINES", "TERMINATED", "BY"],
        &["NULL", "DEFINED", "AS"],
    ];
    const SIGN: &str = "the sign as a string";
    if cursor.eat(&["SERDE"])? {
        cursor.string("the class as a string")?;
        if cursor.eat(&["WITH", "SERDEPROPERTIES"])? {
            properties(cursor)?;
        }
        return Ok(());
    }
    if !cursor.eat(&["DELIMITED"])? {
        return Err(cursor.expected("SERDE or DELIMITED"));
    }
    if cursor.eat(&["FIELDS", "TERMINATED", "BY"])? {
        cursor.string(SIGN)?;
        if cursor.eat(&["ESCAPED", "BY"])? {
            cursor.string(SIGN)?;
        }
    }
    for words in SIGNS {
        if cursor.eat(words)? {
            cursor.string(SIGN)?;
        }
    }
    Ok(())
}
