use std::fmt;

/// Why one record was refused: the column, what was expected and what was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Fault(Box<Inner>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Inner {
    /// Innermost first, as it is gathered on the way out.
    path: Vec<String>,
    message: String,
}

impl Fault {
    #[cold]
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self(Box::new(Inner {
            path: Vec::new(),
            message: message.into(),
        }))
    }

    /// The same fault, seen from the field that holds it.
    #[cold]
    pub(super) fn within(mut self, name: &str) -> Self {
        self.0.path.push(name.to_owned());
        self
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.path.is_empty() {
            f.write_str("column ")?;
            for (i, part) in self.0.path.iter().rev().enumerate() {
                let dot = if i == 0 { "" } else { "." };
                write!(f, "{dot}{part}")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Fault {}
