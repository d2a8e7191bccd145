use std::collections::{BTreeMap, BTreeSet};

use super::clause::{self, Clause};
use super::cursor::{Cursor, short};
use super::lexer::Kind;
use super::types::{self, Names};
use super::{collation, column, constraint};
use crate::error::SchemaError;
use crate::name::TableRef;
use crate::schema::{StructField, StructType, TableSchema};

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
    if cursor.eat(&["USING"])? {
        cursor.dotted("the name of a format")?;
        statement.clauses.insert(Clause::Using);
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
    clauses: BTreeSet<Clause>,
}

impl Statement {
    fn new(table: Option<TableRef>) -> Self {
        Self {
            table: TableSchema::new(table, StructType::default()),
            names: Names::default(),
            key: Vec::new(),
            partitions: Vec::new(),
            clauses: BTreeSet::new(),
        }
    }

    /// `( column | constraint, … )`
    fn columns(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        cursor.expect_symbol('(')?;
        loop {
            if !self.table_constraint(cursor)? {
                let start = cursor.token().start;
                let (column, is_key) = column::column(cursor)?;
                if is_key {
                    self.only_key(cursor, start)?;
                    self.key.push((column.name.clone(), start));
                }
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
            self.only_key(cursor, cursor.token().start)?;
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
            let is_check = constraint::pass_over(cursor)?;
            constraint::characteristics(cursor, is_check)?;
            return Ok(true);
        } else {
            return Ok(false);
        }
        constraint::characteristics(cursor, false)?;
        Ok(true)
    }

    fn only_key(&self, cursor: &Cursor<'_>, start: usize) -> Result<(), SchemaError> {
        match self.key.as_slice() {
            [] => Ok(()),
            _ => Err(cursor.error_at(start, "the table has a PRIMARY KEY before; it has but one")),
        }
    }

    /// A clause after the column list; none may stand twice.
    fn clause(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        let start = cursor.token().start;
        let Some(clause) = Clause::open(cursor)? else {
            return Err(no_clause(cursor));
        };
        if clause == Clause::Using {
            let message = "USING stands directly after the column list, before every other clause";
            return Err(cursor.error_at(start, message));
        }
        let unlike = clause
            .unlike()
            .iter()
            .find(|one| self.clauses.contains(one));
        if let Some(other) = unlike {
            let message = format!("{clause} cannot stand beside {other}; take one of them");
            return Err(cursor.error_at(start, message));
        }
        if !self.clauses.insert(clause) {
            let message = format!("{clause} is there twice; say it once");
            return Err(cursor.error_at(start, message));
        }
        match clause {
            Clause::PartitionedBy => self.partitioned_by(cursor)?,
            Clause::TblProperties => self.table.properties.extend(clause::properties(cursor)?),
            Clause::Comment => {
                self.table.comment = Some(cursor.string("the comment as a string")?);
            }
            Clause::DefaultCollation => {
                // Spark, too, keeps it as a property of this name until the table is made.
                let name = collation::name(cursor)?;
                self.table.properties.insert("collation".to_owned(), name);
            }
            other => other.pass_over(cursor)?,
        }
        Ok(())
    }

    /// `( column | transform(…), … )` or `( column type, … )`
    fn partitioned_by(&mut self, cursor: &mut Cursor<'_>) -> Result<(), SchemaError> {
        cursor.expect_symbol('(')?;
        let mut declares = None;
        loop {
            cursor.count()?;
            let start = cursor.token().start;
            let name = cursor.identifier("a partition column")?;
            let ends = matches!(cursor.token().kind, Kind::Symbol(',' | ')' | '.' | '('));
            if *declares.get_or_insert(!ends) == ends {
                let message = "PARTITIONED BY takes either columns of the table or new ones with their types, not both";
                return Err(cursor.error_at(start, message));
            }
            if !ends {
                let column = types::field(cursor, name.clone(), 0)?;
                self.push(cursor, start, column)?;
                self.partitions.push((name, start));
            } else if name.eq_ignore_ascii_case("identity") && cursor.eat_symbol('(')? {
                let start = cursor.token().start;
                let column = cursor.identifier("a partition column")?;
                self.partitions.push((column, start));
                cursor.expect_symbol(')')?;
            } else if cursor.is_symbol('(') {
                // A transform: the table is not partitioned by the column's own values.
                let place = cursor.token().start;
                if cursor.parenthesised()?.trim().is_empty() {
                    let message = format!("{} is given no column", short(&name));
                    return Err(cursor.error_at(place, message));
                }
            } else {
                self.partitions.push((name, start));
                if cursor.is_symbol('.') {
                    return Err(cursor.error(
                        "a field of a STRUCT cannot partition a Delta table; give a column",
                    ));
                }
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
        Ok(self.table)
    }
}

/// What stands here opens no clause; a query is the reason most often.
fn no_clause(cursor: &Cursor<'_>) -> SchemaError {
    let query = ["AS", "SELECT", "WITH", "FROM", "TABLE", "VALUES"];
    if cursor.looking_at(&["LIKE"]) {
        no_columns(cursor, "its columns are those of another table")
    } else if query.iter().any(|word| cursor.looking_at(&[word])) {
        no_columns(cursor, "its columns come from a query")
    } else {
        cursor
            .expected("a clause of CREATE TABLE (USING, PARTITIONED BY, TBLPROPERTIES, …), or `;`")
    }
}

fn no_columns(cursor: &Cursor<'_>, why: &str) -> SchemaError {
    cursor.error(format!(
        "the statement has no column list: {why}; give the columns, or read the table itself once it is there"
    ))
}
