use std::fmt;

use crate::path::ColumnPath;

/// Line and column in a text, both from 1; the column counts characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// The line.
    pub line: u32,
    /// The character within the line.
    pub column: u32,
}

impl Location {
    /// The place of a byte offset within `text`.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX).saturating_add(1);
        Self {
            line: count(before.matches('\n').count()),
            column: count(before.get(line_start..).unwrap_or("").chars().count()),
        }
    }
}

impl fmt::Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// A schema that could not be read: where, what was expected, what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SchemaError {
    location: Option<Location>,
    path: Option<ColumnPath>,
    message: String,
}

impl SchemaError {
    /// An error about the whole of a source.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            location: None,
            path: None,
            message: message.into(),
        }
    }

    /// The same error, at this place of the text.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The same error, about this column.
    #[must_use]
    pub fn in_column(mut self, path: &ColumnPath) -> Self {
        self.path.get_or_insert_with(|| path.clone());
        self
    }

    /// Where in the text it is, where the source is a text.
    #[must_use]
    pub fn location(&self) -> Option<Location> {
        self.location
    }

    /// The column it is about.
    #[must_use]
    pub fn path(&self) -> Option<&ColumnPath> {
        self.path.as_ref()
    }

    /// What was expected and what was found, without the place.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }
}

impl fmt::Display for SchemaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(location) = self.location {
            write!(f, "{location}: ")?;
        }
        if let Some(path) = &self.path {
            write!(f, "column {path}: ")?;
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for SchemaError {}
