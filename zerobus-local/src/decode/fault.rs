use std::fmt;

use super::position::{Position, Step};

/// Why one record was refused: the column, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    /// Innermost first, as it is gathered on the way out.
    path: Vec<String>,
    message: String,
    /// The words that the service has for it, where they are known.
    said: Option<String>,
    /// The same way as `path`, through a record that is JSON.
    steps: Vec<Step>,
    position: Option<Position>,
}

impl Fault {
    #[cold]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            path: Vec::new(),
            message: message.into(),
            said: None,
            steps: Vec::new(),
            position: None,
        }))
    }

    /// With the words that the service has for it.
    #[cold]
    pub(super) fn said(mut self, words: impl Into<String>) -> Self {
        self.0.said = Some(words.into());
        self
    }

    /// The same fault, seen from the field that holds it.
    #[cold]
    pub(super) fn within(mut self, name: &str) -> Self {
        self.0.path.push(name.to_owned());
        self
    }

    /// The same in JSON.
    #[cold]
    pub(super) fn at(mut self, step: Step) -> Self {
        self.0.steps.push(step);
        self
    }

    /// With its place in the text of the record, if it has one.
    #[cold]
    pub(super) fn in_text(mut self, record: &str) -> Self {
        if !self.0.steps.is_empty() {
            self.0.position = Position::of(&self.0.steps, record);
        }
        self
    }
}

impl Inner {
    fn own_words(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.path.is_empty() {
            f.write_str("column ")?;
            for (i, part) in self.path.iter().rev().enumerate() {
                let dot = if i == 0 { "" } else { "." };
                write!(f, "{dot}{part}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.message)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(inner) = self;
        match &inner.said {
            Some(said) => f.write_str(said)?,
            None => inner.own_words(f)?,
        }
        if let Some(position) = inner.position {
            write!(f, " at {position}")?;
        }
        if inner.said.is_some() {
            f.write_str(" (")?;
            inner.own_words(f)?;
            f.write_str(")")?;
        }
        Ok(())
    }
}

impl std::error::Error for Fault {}
