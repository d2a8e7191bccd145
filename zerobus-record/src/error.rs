use std::fmt;

use zerobus_schema::ColumnPath;

/// A value that does not fit its column: which column of which table, what it takes, what it was given.
///
/// `found` shows the value; a long text is cut after 60 characters.
#[derive(Clone, PartialEq, Eq)]
pub struct RecordError {
    // One word wide, so that the result of writing a field travels in a register.
    inner: Box<Inner>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    /// Innermost first, because that is where an error starts.
    parts: Vec<Part>,
    table: Option<String>,
    expected: String,
    found: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Field(String),
    Element(usize),
    Key,
    Value(String),
}

impl RecordError {
    /// An error about a value whose column the callers add with [`in_column`](Self::in_column).
    #[must_use]
    #[cold]
    pub fn new(expected: impl Into<String>, found: impl Into<String>) -> Self {
        Self {
            inner: Box::new(Inner {
                parts: Vec::new(),
                table: None,
                expected: expected.into(),
                found: found.into(),
            }),
        }
    }

    /// The same error, one level further out: in the column, or the field of a struct, of this name.
    #[must_use]
    #[cold]
    pub fn in_column(self, name: &str) -> Self {
        self.inside(Part::Field(name.to_owned()))
    }

    /// The same error, in the element of an ARRAY at this index.
    #[must_use]
    #[cold]
    pub fn in_element(self, index: usize) -> Self {
        self.inside(Part::Element(index))
    }

    /// The same error, in a key of a MAP.
    #[must_use]
    #[cold]
    pub fn in_key(self) -> Self {
        self.inside(Part::Key)
    }

    /// The same error, in the value that a MAP has under `key`.
    #[must_use]
    #[cold]
    pub fn in_value(self, key: impl Into<String>) -> Self {
        self.inside(Part::Value(key.into()))
    }

    /// The same error, of a record of this table.
    #[must_use]
    #[cold]
    pub fn in_table(mut self, table: &str) -> Self {
        self.inner.table = Some(table.to_owned());
        self
    }

    fn inside(mut self, part: Part) -> Self {
        self.inner.parts.push(part);
        self
    }

    /// The column, as schemas name it: `location.label`, `tags.element`.
    #[must_use]
    pub fn path(&self) -> ColumnPath {
        let path = ColumnPath::default();
        self.inner.parts.iter().rev().fold(path, |path, part| {
            path.child(match part {
                Part::Field(name) => name,
                Part::Element(_) => "element",
                Part::Key => "key",
                Part::Value(_) => "value",
            })
        })
    }

    /// The table that the record type was compiled against, where it is known.
    #[must_use]
    pub fn table(&self) -> Option<&str> {
        self.inner.table.as_deref()
    }

    /// What the column takes.
    #[must_use]
    pub fn expected(&self) -> &str {
        &self.inner.expected
    }

    /// What it was given.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.inner.found
    }
}

impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // What is wrong with a record as a whole lies in no column.
        if self.inner.parts.is_empty() {
            f.write_str("record")?;
        } else {
            write!(f, "column {}", self.path())?;
        }
        if let Some(table) = &self.inner.table {
            write!(f, " of {table}")?;
        }
        for part in self.inner.parts.iter().rev() {
            match part {
                Part::Element(index) => write!(f, ", element {index}")?,
                Part::Value(key) => write!(f, ", key {key}")?,
                Part::Field(_) | Part::Key => {}
            }
        }
        write!(
            f,
            ": expected {}, found {}",
            self.inner.expected, self.inner.found
        )
    }
}

impl fmt::Debug for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecordError({self})")
    }
}

impl std::error::Error for RecordError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_is_the_schemas_and_the_place_is_the_values() {
        let error = RecordError::new("at most 3 characters", "4 characters")
            .in_column("name")
            .in_element(7)
            .in_value("\"k\"")
            .in_column("attrs");
        assert_eq!(error.path().to_string(), "attrs.value.element.name");
        assert_eq!(
            error.to_string(),
            "column attrs.value.element.name, key \"k\", element 7: \
             expected at most 3 characters, found 4 characters"
        );
    }
}
