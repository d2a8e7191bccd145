use std::fmt;

/// Where a column, nested or not, lies in a table: `location.lat`, `tags.element`, `attrs.value`.
///
/// Below an ARRAY the next part is `element`, below a MAP `key` or `value`, as Delta writes nested paths.
/// A part that is not a plain identifier stands in backticks.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct ColumnPath {
    parts: Vec<String>,
}

impl ColumnPath {
    /// The path of a top-level column.
    #[must_use]
    pub fn column(name: &str) -> Self {
        Self {
            parts: vec![name.to_owned()],
        }
    }

    /// The path one step further down.
    #[must_use]
    pub fn child(&self, name: &str) -> Self {
        let mut parts = self.parts.clone();
        parts.push(name.to_owned());
        Self { parts }
    }

    /// The parts, outermost first.
    #[must_use]
    pub fn parts(&self) -> &[String] {
        &self.parts
    }
}

impl fmt::Display for ColumnPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, part) in self.parts.iter().enumerate() {
            if i > 0 {
                f.write_str(".")?;
            }
            write_identifier(f, part)?;
        }
        Ok(())
    }
}

/// Writes a name as SQL takes it: bare when it is a plain identifier, else in backticks.
pub(crate) fn write_identifier(f: &mut impl fmt::Write, name: &str) -> fmt::Result {
    let plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && name.starts_with(|c: char| !c.is_ascii_digit());
    if plain {
        f.write_str(name)
    } else {
        write!(f, "`{}`", name.replace('`', "``"))
    }
}
