use std::fmt;

use crate::path::ColumnPath;

/// A column that no stream can carry, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// The column; empty when it is about the whole table.
    pub path: ColumnPath,
    /// Its type as SQL, or the name that is at fault.
    pub found: String,
    /// Why it is refused.
    pub reason: RefusalReason,
}

/// Why a column is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RefusalReason {
    /// The service has no such type.
    Unsupported,
    /// An ARRAY or MAP directly within an ARRAY or as the value of a MAP.
    NestedCollection,
    /// A map key that protobuf cannot have.
    MapKey,
    /// A map key that protobuf can have, but of which nobody has shown that the service takes it.
    UnprovenMapKey,
    /// A name with other characters than ASCII letters, digits and underscores, or with a digit first.
    Name,
    /// Two columns whose names differ in case alone, or not at all.
    DuplicateName,
    /// A MAP whose entry message would have the name of something else.
    EntryName,
    /// More columns than the service takes.
    TooManyColumns,
    /// Structs nested deeper than protobuf's compilers take.
    TooDeep,
    /// A struct without any field that can be carried.
    EmptyStruct,
    /// The table computes the column itself.
    Generated,
}

impl RefusalReason {
    /// A stable id for machines.
    #[must_use]
    pub const fn id(self) -> &'static str {
        match self {
            Self::Unsupported => "UNSUPPORTED_TYPE",
            Self::NestedCollection => "NESTED_COLLECTION",
            Self::MapKey => "MAP_KEY",
            Self::UnprovenMapKey => "UNPROVEN_MAP_KEY",
            Self::Name => "COLUMN_NAME",
            Self::DuplicateName => "DUPLICATE_NAME",
            Self::EntryName => "MAP_ENTRY_NAME",
            Self::TooManyColumns => "TOO_MANY_COLUMNS",
            Self::TooDeep => "NESTED_TOO_DEEP",
            Self::EmptyStruct => "EMPTY_STRUCT",
            Self::Generated => "GENERATED_COLUMN",
        }
    }

    /// What is wrong, and what to do about it.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Unsupported => {
                "Zerobus Ingest has no such type; leave the column out if it may be NULL, or change its type"
            }
            Self::NestedCollection => {
                "proto2 cannot put an ARRAY or MAP directly into another; wrap the inner one in a STRUCT"
            }
            Self::MapKey => {
                "a protobuf map key is integral, BOOLEAN or STRING; change the key's type"
            }
            Self::UnprovenMapKey => {
                "it is not established that the service takes such a map key; allow it explicitly, or change the key's type"
            }
            Self::Name => {
                "the service takes ASCII letters, digits and underscores, and protobuf no digit first; rename the column"
            }
            Self::DuplicateName => "column names must differ by more than case; rename one",
            Self::EntryName => {
                "protobuf names the entry message of a map after its column, and that name is taken; rename one of the columns"
            }
            Self::TooManyColumns => "Zerobus Ingest takes at most 2,000 columns",
            Self::TooDeep => {
                "protobuf takes at most 31 levels of messages; flatten the innermost STRUCT"
            }
            Self::EmptyStruct => "a message without fields carries nothing; leave the column out",
            Self::Generated => "the table computes the column, so no record may carry it",
        }
    }
}

impl Refusal {
    /// What is wrong, and what to do about it: for a name, one that would do.
    #[must_use]
    pub fn explanation(&self) -> String {
        let general = self.reason.explanation();
        match self.reason {
            RefusalReason::Name => match allowed_name(&self.found) {
                Some(name) => format!("{general}, to {name} for instance"),
                None => general.to_owned(),
            },
            _ => general.to_owned(),
        }
    }
}

/// The name with other characters replaced, where something is left of it.
fn allowed_name(name: &str) -> Option<String> {
    let allowed = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let mut replaced: String = name.chars().map(allowed).collect();
    if replaced.starts_with(|c: char| c.is_ascii_digit()) {
        replaced.insert(0, '_');
    }
    let is_telling = replaced.contains(|c: char| c.is_ascii_alphanumeric());
    is_telling.then_some(replaced)
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.parts().is_empty() {
            write!(f, "{}: {}", self.found, self.explanation())
        } else {
            write!(
                f,
                "column {} ({}): {}",
                self.path,
                self.found,
                self.explanation()
            )
        }
    }
}

/// All columns of a table that were refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusals(Vec<Refusal>);

impl Refusals {
    pub(super) fn new(refusals: Vec<Refusal>) -> Self {
        Self(refusals)
    }

    /// Each refusal, in table order.
    #[must_use]
    pub fn as_slice(&self) -> &[Refusal] {
        &self.0
    }
}

impl fmt::Display for Refusals {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, refusal) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str("\n")?;
            }
            write!(f, "{refusal}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Refusals {}
