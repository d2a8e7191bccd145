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
    excerpt: Option<Box<str>>,
}

impl SchemaError {
    /// An error about the whole of a source.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            location: None,
            path: None,
            message: message.into(),
            excerpt: None,
        }
    }

    /// The same error, at this place of the text.
    #[must_use]
    pub fn at(mut self, location: Location) -> Self {
        self.location = Some(location);
        self
    }

    /// The same error, at this place of `text`, with the line that it is in.
    #[must_use]
    pub fn at_in(self, location: Location, text: &str) -> Self {
        Self {
            excerpt: Some(excerpt(text, location).into()),
            ..self.at(location)
        }
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

    /// The line of the text that it is in, with a caret under the place: two lines, for after the error.
    #[must_use]
    pub fn excerpt(&self) -> Option<&str> {
        self.excerpt.as_deref()
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

/// How many characters of a line are shown on either side of the place.
const SHOWN: usize = 60;

fn excerpt(text: &str, location: Location) -> String {
    let nth = |n: u32| usize::try_from(n.saturating_sub(1)).unwrap_or(usize::MAX);
    let line = text.split('\n').nth(nth(location.line)).unwrap_or("");
    let column = nth(location.column);
    let skipped = column.saturating_sub(SHOWN);
    let mut rest = line.trim_end_matches('\r').chars().skip(skipped);
    // Whatever a character is, it takes one place, so that the caret stands below its own.
    let shown: String = rest
        .by_ref()
        .take(column - skipped + SHOWN)
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect();
    let before = if skipped > 0 { "…" } else { "" };
    let after = if rest.next().is_some() { "…" } else { "" };
    let number = location.line.to_string();
    let caret = column - skipped + before.chars().count();
    format!(
        "{number} | {before}{shown}{after}\n{:gutter$} | {:caret$}^",
        "",
        "",
        gutter = number.len()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(text: &str, at: &str) -> String {
        let place = Location::of(text, text.find(at).unwrap());
        let error = SchemaError::new("expected another").at_in(place, text);
        error.excerpt().unwrap().to_owned()
    }

    #[test]
    fn the_caret_stands_under_the_place() {
        let text = "CREATE TABLE t (\n\tä int,\r\n  b: string\r\n)";
        assert_eq!(shown(text, ": s"), "3 |   b: string\n  |    ^");
        assert_eq!(shown(text, "int"), "2 |  ä int,\n  |    ^");
        assert_eq!(shown(text, ")"), "4 | )\n  | ^");
    }

    #[test]
    fn a_long_line_is_cut_on_both_sides() {
        let text = format!("{}!{}", "a".repeat(1_000), "b".repeat(1_000));
        let excerpt = shown(&text, "!");
        let (line, caret) = excerpt.split_once('\n').unwrap();
        assert_eq!(line, format!("1 | …{}!{}…", "a".repeat(60), "b".repeat(59)));
        assert_eq!(line.chars().position(|c| c == '!'), caret.find('^'));
    }
}
