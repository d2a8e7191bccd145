use std::fmt;
use std::str::FromStr;

/// The longest part of a table name that Unity Catalog takes, in characters.
const PART_MAX: usize = 255;

/// A full table name, `catalog.schema.table`: what a service needs.
///
/// Each part is checked once, here, so that a name is safe as a file name and in a URL path: not
/// empty, at most 255 characters, no dot, space, slash, backslash, backtick or control character (Unity
/// Catalog's rule for object names, plus what a file name cannot hold).
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableName {
    catalog: String,
    schema: String,
    table: String,
}

impl TableName {
    /// Reads `catalog.schema.table`; each part may stand in backticks.
    ///
    /// # Errors
    /// [`NameError`] when there are not three parts or one of them is not a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        TableRef::parse(text)?.to_full()
    }

    /// The catalog.
    #[must_use]
    pub fn catalog(&self) -> &str {
        &self.catalog
    }

    /// The schema within the catalog.
    #[must_use]
    pub fn schema(&self) -> &str {
        &self.schema
    }

    /// The table within the schema.
    #[must_use]
    pub fn table(&self) -> &str {
        &self.table
    }
}

impl fmt::Display for TableName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.catalog, self.schema, self.table)
    }
}

impl FromStr for TableName {
    type Err = NameError;

    fn from_str(text: &str) -> Result<Self, NameError> {
        Self::parse(text)
    }
}

/// A table name of one to three parts, as it may stand in DDL or in a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct TableRef {
    parts: Vec<String>,
}

impl TableRef {
    /// Reads one to three parts divided by dots; each may stand in backticks.
    ///
    /// # Errors
    /// [`NameError`] when there are more than three parts or one of them is not a name.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let error = |problem: String| NameError {
            name: text.to_owned(),
            problem,
        };
        if text.len() > 4 * (PART_MAX + 3) * 3 {
            return Err(NameError {
                name: text.chars().take(40).chain("…".chars()).collect(),
                problem: "it is too long".to_owned(),
            });
        }
        let mut parts = Vec::new();
        let mut rest = text.trim();
        loop {
            let (part, tail) = match rest.strip_prefix('`') {
                Some(quoted) => quoted
                    .split_once('`')
                    .ok_or_else(|| error("a backtick is not closed".to_owned()))?,
                None => rest.split_at(rest.find('.').unwrap_or(rest.len())),
            };
            parts.push(part.to_owned());
            match tail.strip_prefix('.') {
                Some(next) => rest = next,
                None if tail.is_empty() => break,
                None => return Err(error(format!("`{tail}` follows a closing backtick"))),
            }
        }
        Self::from_parts(parts).map_err(|problem| error(problem.problem))
    }

    /// Takes the parts as they are, without any quoting.
    ///
    /// # Errors
    /// [`NameError`] when there are none, more than three, or one of them is not a name.
    pub fn from_parts(parts: Vec<String>) -> Result<Self, NameError> {
        let problem = if parts.is_empty() || parts.len() > 3 {
            Some(format!(
                "it has {} parts, at most three are known",
                parts.len()
            ))
        } else {
            parts.iter().find_map(|part| part_problem(part))
        };
        match problem {
            Some(problem) => Err(NameError {
                name: parts.join("."),
                problem,
            }),
            None => Ok(Self { parts }),
        }
    }

    /// The parts, outermost first.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }

    /// The table's own name: the last part.
    #[must_use]
    pub fn table(&self) -> &str {
        self.parts.last().map_or("", String::as_str)
    }

    /// The full name, where all three parts are there.
    ///
    /// # Errors
    /// [`NameError`] when a part is missing.
    pub fn to_full(&self) -> Result<TableName, NameError> {
        match self.parts.as_slice() {
            [catalog, schema, table] => Ok(TableName {
                catalog: catalog.clone(),
                schema: schema.clone(),
                table: table.clone(),
            }),
            parts => Err(NameError {
                name: self.to_string(),
                problem: format!(
                    "it has {} of three parts; write it as catalog.schema.table",
                    parts.len()
                ),
            }),
        }
    }
}

impl From<TableName> for TableRef {
    fn from(name: TableName) -> Self {
        Self {
            parts: vec![name.catalog, name.schema, name.table],
        }
    }
}

impl fmt::Display for TableRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.parts.join("."))
    }
}

fn part_problem(part: &str) -> Option<String> {
    if part.is_empty() {
        return Some("a part is empty".to_owned());
    }
    if part.chars().count() > PART_MAX {
        return Some(format!("a part is longer than {PART_MAX} characters"));
    }
    part.chars()
        .find(|c| c.is_control() || c.is_whitespace() || "./\\`".contains(*c))
        .map(|c| format!("{c:?} cannot stand in `{}`", part.escape_debug()))
}

/// A text that is not a table name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    name: String,
    problem: String,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` is not a table name: {}",
            self.name.escape_debug(),
            self.problem
        )
    }
}

impl std::error::Error for NameError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_parts_with_and_without_backticks() {
        let plain = TableName::parse("main.default.air_quality").unwrap();
        assert_eq!(
            plain,
            TableName::parse("`main`.default.`air_quality`").unwrap()
        );
        assert_eq!(plain.to_string(), "main.default.air_quality");
        assert_eq!(
            (plain.catalog(), plain.schema(), plain.table()),
            ("main", "default", "air_quality")
        );
    }

    #[test]
    fn what_is_no_name_says_why() {
        for (text, part) in [
            ("air_quality", "1 of three parts"),
            ("a.b.c.d", "4 parts"),
            ("a..c", "a part is empty"),
            ("a.b.c/d", "'/' cannot stand in"),
            ("a.`b.c", "not closed"),
            ("a.`..`.c", "'.' cannot stand in"),
            ("a.`b`x.c", "follows a closing backtick"),
            ("", "a part is empty"),
        ] {
            let error = TableName::parse(text).unwrap_err().to_string();
            assert!(error.contains(part), "{text}: {error}");
        }
        let long = "x".repeat(5000);
        assert!(TableName::parse(&long).unwrap_err().to_string().len() < 200);
    }
}
