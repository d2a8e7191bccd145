use std::collections::BTreeMap;

use super::cursor::{Cursor, short};
use super::lexer::{self, Kind};
use super::types::{self, Names, collated};
use super::{column, constraint};
use crate::error::SchemaError;
use crate::name::TableRef;
use crate::schema::{StructField, StructType, TableSchema};
use crate::types::DataType;

/// What a statement begins with that neither makes nor changes a table's columns.
const PASSED_OVER: [&[&str]; 8] = [
    &["USE"],
    &["SET"],
    &["GRANT"],
    &["DROP"],
    &["CREATE", "SCHEMA"],
    &["CREATE", "DATABASE"],
    &["CREATE", "CATALOG"],
    &["COMMENT", "ON"],
];

/// Reads the statement that stands here, up to its semicolon; `None` when it is one that is passed over.
pub(super) fn statement(cursor: &mut Cursor<'_>) -> Result<Option<TableSchema>, SchemaError> {
    if PASSED_OVER.iter().any(|words| cursor.looking_at(words)) {
        while !cursor.at_end() && !cursor.is_symbol(';') {
            cursor.advance()?;
        }
        return Ok(None);
    }
    if !cursor.looking_at(&["CREATE"]) && !cursor.looking_at(&["REPLACE", "TABLE"]) {
        return Err(cursor.expected("CREATE TABLE (no other statement is read)"));
    }
    let replaces = if cursor.eat(&["CREATE"])? {
        cursor.eat(&["OR", "REPLACE"])?
    } else {
        cursor.eat(&["REPLACE"])?
    };
    if !replaces {
        cursor.eat(&["EXTERNAL"])?;
    }
    if cursor.looking_at(&["STREAMING"]) || cursor.looking_at(&["OR", "REFRESH"]) {
        return Err(cursor
            .error("a streaming table takes rows from its own pipeline only; give a plain table"));
    }
    if !cursor.eat(&["TABLE"])? {
        return Err(cursor.expected("TABLE (views and other objects take no rows)"));
    }
    if replaces && cursor.looking_at(&["IF", "NOT", "EXISTS"]) {
        return Err(cursor.error("a table is either replaced, or created IF NOT EXISTS; take one"));
    }
    cursor.eat(&["IF", "NOT", "EXISTS"])?;
    let table = table_name(cursor)?;
    let mut statement = Statement::new(table);
    if cursor.is_symbol('(') {
        statement.columns(cursor)?;
    }
    while !cursor.at_end() && !cursor.is_symbol(';') {
        statement.clause(cursor)?;
    }
    statement.finish(cursor).map(Some)
}

/// The name of the table; `None` where the statement names a path or leaves the name to a parameter.
fn table_name(cursor: &mut Cursor<'_>) -> Result<Option<TableRef>, SchemaError> {
    let start = cursor.token().start;
    let problem = |cursor: &Cursor<'_>, error: &dyn std::fmt::Display| {
        cursor.error_at(start, error.to_string())
    };
    let is_clause =
        cursor.looking_at(&["IDENTIFIER"]) && cursor.next_kind() == Kind::Symbol('(') && {
            let mut ahead = cursor.clone();
            ahead.advance()?;
            matches!(
                ahead.next_kind(),
                Kind::Text | Kind::RawText | Kind::Symbol(':' | '?')
            )
        };
    if is_clause {
        cursor.advance()?;
        if cursor.next_kind() == Kind::Symbol(':') || cursor.next_kind() == Kind::Symbol('?') {
            cursor.parenthesised()?;
            return Ok(None);
        }
        cursor.advance()?;
        let name = cursor.string("a table name as a string")?;
        cursor.expect_symbol(')')?;
        let name = TableRef::parse(&name).map_err(|error| problem(cursor, &error))?;
        return Ok(Some(name));
    }
    let parts = cursor.dotted("a table name")?;
    let of_path = matches!(parts.as_slice(), [format, _] if format.eq_ignore_ascii_case("delta"));
    match TableRef::from_parts(parts) {
        Ok(name) => Ok(Some(name)),
        Err(_) if of_path => Ok(None),
        Err(error) => Err(problem(cursor, &error)),
    }
}

/// A `CREATE TABLE` statement as far as it has been read.
struct Statement {
    table: TableSchema,
    names: Names,
    /// Names of columns that a constraint makes NOT NULL, and where they stand.
    key: Vec<(String, usize)>,
    /// Names of partition columns, and where they stand.
    partitions: Vec<(String, usize)>,
    collation: Option<DataType>,
}

impl Statement {
    fn new(table: Option<TableRef>) -> Self {
        Self {
            table: TableSchema::new(table, StructType::default()),
            names: Names::default(),
            key: Vec::new(),
            partitions: Vec::new(),
            collation: None,
        }
    }

    /// `( column | constraint, … )`
    fn columns(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        cursor.expect_symbol('(')?;
        loop {
            if !self.table_constraint(cursor)? {
                let start = cursor.token().start;
                let column = column::column(cursor)?;
                self.push(cursor, start, column)?;
            }
            if cursor.eat_symbol(')')? {
                return Ok(());
            }
            if !cursor.eat_symbol(',')? {
                let hint = if cursor.looking_at(&["NULL"]) {
                    " (a column may be NULL unless it says NOT NULL: leave the word out)"
                } else {
                    ""
                };
                return Err(cursor.expected(&format!("`,` or `)` after the column{hint}")));
            }
        }
    }

    fn push(
        &mut self,
        cursor: &mut Cursor<'_>,
        start: usize,
        column: StructField,
    ) -> Result<(), SchemaError> {
        self.names.add(cursor, start, &column.name)?;
        self.table.columns.fields.push(column);
        Ok(())
    }

    /// A constraint among the columns; `false` when what stands here is a column.
    fn table_constraint(&mut self, cursor: &mut Cursor<'_>) -> Result<bool, SchemaError> {
        let named = cursor.looking_at(&["CONSTRAINT"]) && {
            let mut ahead = cursor.clone();
            ahead.advance()?;
            matches!(ahead.token().kind, Kind::Word | Kind::Quoted) && {
                ahead.advance()?;
                constraint::stands_at(&ahead)
            }
        };
        if named {
            cursor.advance()?;
            cursor.identifier("the name of the constraint")?;
        }
        // A column may be called like these words; a constraint is told by what follows.
        let opens = |words: &[&str]| {
            let mut ahead = cursor.clone();
            ahead.eat(words).unwrap_or(false) && ahead.is_symbol('(')
        };
        if opens(&["PRIMARY", "KEY"]) {
            cursor.eat(&["PRIMARY", "KEY"])?;
            cursor.expect_symbol('(')?;
            loop {
                cursor.count()?;
                let start = cursor.token().start;
                self.key
                    .push((cursor.identifier("a column of the key")?, start));
                cursor.eat(&["TIMESERIES"])?;
                if !cursor.eat_symbol(',')? {
                    break;
                }
            }
            cursor.expect_symbol(')')?;
        } else if named || opens(&["FOREIGN", "KEY"]) || opens(&["CHECK"]) || opens(&["UNIQUE"]) {
            constraint::pass_over(cursor)?;
        } else {
            return Ok(false);
        }
        constraint::characteristics(cursor)?;
        Ok(true)
    }

    /// A clause after the column list.
    fn clause(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        if cursor.eat(&["USING"])? {
            cursor.dotted("the name of a format")?;
        } else if cursor.eat(&["PARTITIONED", "BY"])? {
            self.partitioned_by(cursor)?;
        } else if cursor.eat(&["CLUSTER", "BY"])? {
            if !cursor.eat(&["AUTO"])? && !cursor.eat(&["NONE"])? {
                cursor.parenthesised()?;
            }
        } else if cursor.eat(&["CLUSTERED", "BY"])? {
            cursor.parenthesised()?;
            if cursor.eat(&["SORTED", "BY"])? {
                cursor.parenthesised()?;
            }
            cursor.expect("INTO")?;
            cursor.integer("the number of buckets")?;
            cursor.expect("BUCKETS")?;
        } else if cursor.eat(&["SKEWED", "BY"])? {
            cursor.parenthesised()?;
            cursor.expect("ON")?;
            cursor.parenthesised()?;
            cursor.eat(&["STORED", "AS", "DIRECTORIES"])?;
        } else if cursor.eat(&["TBLPROPERTIES"])? {
            let properties = properties(cursor)?;
            self.table.properties.extend(properties);
        } else if cursor.eat(&["OPTIONS"])? || cursor.eat(&["WITH", "SERDEPROPERTIES"])? {
            properties(cursor)?;
        } else if cursor.eat(&["COMMENT"])? {
            self.table.comment = Some(cursor.string("the comment as a string")?);
        } else if cursor.eat(&["LOCATION"])? {
            cursor.string("the location as a string")?;
            if cursor.looking_at(&["WITH"]) && cursor.next_kind() == Kind::Symbol('(') {
                cursor.advance()?;
                cursor.parenthesised()?;
            }
        } else if cursor.eat(&["DEFAULT", "COLLATION"])? {
            self.collation = Some(collated(&cursor.identifier("the name of a collation")?));
        } else if cursor.eat(&["WITH", "ROW", "FILTER"])? {
            cursor.dotted("the name of a function")?;
            cursor.expect("ON")?;
            cursor.parenthesised()?;
        } else if cursor.eat(&["STORED"])? || cursor.eat(&["ROW", "FORMAT"])? {
            hive_format(cursor)?;
        } else if cursor.looking_at(&["LIKE"]) {
            return Err(no_columns(cursor, "its columns are those of another table"));
        } else if ["AS", "SELECT", "WITH", "FROM", "TABLE", "VALUES"]
            .iter()
            .any(|word| cursor.looking_at(&[word]))
        {
            return Err(no_columns(cursor, "its columns come from a query"));
        } else {
            return Err(cursor.expected(
                "a clause of CREATE TABLE (USING, PARTITIONED BY, TBLPROPERTIES, …), or `;`",
            ));
        }
        Ok(())
    }

    /// `( column | column type | transform(…), … )`
    fn partitioned_by(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        cursor.expect_symbol('(')?;
        loop {
            cursor.count()?;
            let start = cursor.token().start;
            let name = cursor.identifier("a partition column")?;
            if cursor.is_symbol('(') {
                // A transform: the table is not partitioned by the column's own values.
                cursor.parenthesised()?;
            } else {
                if !cursor.is_symbol(',') && !cursor.is_symbol(')') && !cursor.is_symbol('.') {
                    let column = types::field(cursor, name.clone(), 0)?;
                    self.push(cursor, start, column)?;
                }
                self.partitions.push((name, start));
            }
            if !cursor.eat_symbol(',')? {
                break;
            }
        }
        cursor.expect_symbol(')')
    }

    /// Brings together what stands at different places of the statement.
    fn finish(mut self, cursor: &Cursor<'_>) -> Result<TableSchema, SchemaError> {
        let columns = &mut self.table.columns.fields;
        if columns.is_empty() {
            return Err(no_columns(
                cursor,
                "its columns come from what lies at its location",
            ));
        }
        let places: BTreeMap<String, usize> = columns
            .iter()
            .enumerate()
            .map(|(place, column)| (column.name.to_lowercase(), place))
            .collect();
        let find = |name: &str, start: usize| {
            places.get(&name.to_lowercase()).copied().ok_or_else(|| {
                let message = format!("`{}` is not a column of the table", short(name));
                cursor.error_at(start, message)
            })
        };
        for (name, start) in &self.key {
            let place = find(name, *start)?;
            if let Some(column) = columns.get_mut(place) {
                column.nullable = false;
            }
        }
        for (name, start) in &self.partitions {
            let place = find(name, *start)?;
            let name = columns.get(place).map(|column| column.name.clone());
            self.table.partition_columns.extend(name);
        }
        if let Some(collation) = &self.collation {
            for column in columns {
                collate(&mut column.data_type, collation);
            }
        }
        Ok(self.table)
    }
}

/// `(key [=] value, …)`; a key is a string or names divided by dots.
fn properties(cursor: &mut Cursor<'_>) -> Result<BTreeMap<String, String>, SchemaError> {
    let mut properties = BTreeMap::new();
    cursor.expect_symbol('(')?;
    loop {
        cursor.count()?;
        let start = cursor.token().start;
        let key = match cursor.token().kind {
            Kind::Text | Kind::RawText => lexer::unescape(&cursor.advance()?),
            _ => {
                cursor.dotted("the key of a property")?;
                cursor.text_from(start).replace('`', "")
            }
        };
        cursor.eat_symbol('=')?;
        let value = match cursor.token().kind {
            Kind::Text | Kind::RawText => lexer::unescape(&cursor.advance()?),
            _ => {
                let start = cursor.token().start;
                cursor.eat_symbol('-')?;
                if !matches!(
                    cursor.token().kind,
                    Kind::Word | Kind::Integer | Kind::Number
                ) {
                    return Err(
                        cursor.expected("the value of the property: a string, number or boolean")
                    );
                }
                cursor.advance()?;
                cursor.text_from(start).to_owned()
            }
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

/// Hive's formats: everything up to the next clause.
fn hive_format(cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
    const CLAUSES: [&str; 14] = [
        "USING",
        "PARTITIONED",
        "CLUSTER",
        "CLUSTERED",
        "SKEWED",
        "TBLPROPERTIES",
        "OPTIONS",
        "COMMENT",
        "LOCATION",
        "STORED",
        "ROW",
        "WITH",
        "AS",
        "SELECT",
    ];
    loop {
        cursor.advance()?;
        let clause = CLAUSES.iter().any(|word| cursor.token().is_word(word));
        if clause || cursor.at_end() || cursor.is_symbol(';') {
            return Ok(());
        }
    }
}

fn no_columns(cursor: &Cursor<'_>, why: &str) -> SchemaError {
    cursor.error(format!(
        "the statement has no column list: {why}; give the columns, or read the table itself once it is there"
    ))
}

/// Gives the strings of a type the collation that is the table's default.
fn collate(data_type: &mut DataType, collation: &DataType) {
    match data_type {
        DataType::String => *data_type = collation.clone(),
        DataType::Array(array) => collate(&mut array.element, collation),
        DataType::Map(map) => {
            collate(&mut map.key, collation);
            collate(&mut map.value, collation);
        }
        DataType::Struct(fields) => {
            for field in &mut fields.fields {
                collate(&mut field.data_type, collation);
            }
        }
        _ => {}
    }
}
