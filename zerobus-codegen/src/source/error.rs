use std::{fmt, io};

use zerobus_schema::SchemaError;

/// A source that could not be read: which one, where in it, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceError {
    origin: String,
    problem: Problem,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Problem {
    Text(String),
    Schema(SchemaError),
}

impl SourceError {
    pub(crate) fn new(origin: &str, problem: impl Into<String>) -> Self {
        Self {
            origin: origin.to_owned(),
            problem: Problem::Text(problem.into()),
        }
    }

    pub(crate) fn schema(origin: &str, error: SchemaError) -> Self {
        Self {
            origin: origin.to_owned(),
            problem: Problem::Schema(error),
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "made to be given to map_err")]
    pub(crate) fn io(origin: &str, error: io::Error) -> Self {
        Self::new(origin, error.to_string())
    }

    /// Where the text came from.
    #[must_use]
    pub fn origin(&self) -> &str {
        &self.origin
    }
}

impl fmt::Display for SourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.origin)?;
        match &self.problem {
            Problem::Text(problem) => write!(f, ": {problem}"),
            // `file:line:column:` is what editors and terminals make a link of.
            Problem::Schema(error) => {
                let after = if error.location().is_some() {
                    ":"
                } else {
                    ": "
                };
                write!(f, "{after}{error}")?;
                match error.excerpt() {
                    Some(excerpt) => write!(f, "\n{excerpt}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl std::error::Error for SourceError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.problem {
            Problem::Text(_) => None,
            Problem::Schema(error) => Some(error),
        }
    }
}
