//! The structured causes of a schema mismatch.

use std::fmt;

/// `reason` of the `google.rpc.ErrorInfo` that comes with
/// [`ErrorCode::SCHEMA_MISMATCH`](crate::ErrorCode::SCHEMA_MISMATCH).
pub const SCHEMA_ERROR_REASON: &str = "SCHEMA_VALIDATION_FAILED";

/// `domain` of the service's `google.rpc.ErrorInfo`.
pub const ERROR_DOMAIN: &str = "zerobus.databricks.com";

/// Key in `metadata` of the `google.rpc.ErrorInfo`: the numeric code.
pub const ERROR_CODE_KEY: &str = "error_code";

/// Key in `metadata` of the `google.rpc.ErrorInfo`: the causes, see [`SchemaCause::parse_list`].
pub const CAUSES_KEY: &str = "causes";

/// Why a schema does not fit its table, in the service's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum SchemaCause {
    /// A field that is not a column of the table.
    FieldNotInTable,
    /// A NOT NULL column without a field.
    MissingRequiredColumn,
    /// Fields in another order than the table's columns.
    FieldOutOfOrder,
    /// A field whose type cannot be written to its column.
    TypeIncompatible,
    /// Another number of fields than the table has columns.
    FieldCountMismatch,
}

impl SchemaCause {
    /// Every cause known.
    pub const ALL: [Self; 5] = [
        Self::FieldNotInTable,
        Self::MissingRequiredColumn,
        Self::FieldOutOfOrder,
        Self::TypeIncompatible,
        Self::FieldCountMismatch,
    ];

    /// The service's word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::FieldNotInTable => "FIELD_NOT_IN_TABLE",
            Self::MissingRequiredColumn => "MISSING_REQUIRED_COLUMN",
            Self::FieldOutOfOrder => "FIELD_OUT_OF_ORDER",
            Self::TypeIncompatible => "TYPE_INCOMPATIBLE",
            Self::FieldCountMismatch => "FIELD_COUNT_MISMATCH",
        }
    }

    /// The cause of this name; `None` for one that is not known here.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|cause| cause.as_str() == name)
    }

    /// The known causes in a list as the service sends it, `A,B`, in its order. Unknown ones are passed over.
    pub fn parse_list(list: &str) -> impl Iterator<Item = Self> + '_ {
        list.split(',').filter_map(|name| Self::parse(name.trim()))
    }
}

impl fmt::Display for SchemaCause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn list_keeps_the_order_and_passes_over_what_is_not_known() {
        let causes: Vec<_> =
            SchemaCause::parse_list("TYPE_INCOMPATIBLE, NEW_CAUSE,FIELD_NOT_IN_TABLE,").collect();
        assert_eq!(
            causes,
            [SchemaCause::TypeIncompatible, SchemaCause::FieldNotInTable]
        );
    }

    #[test]
    fn every_cause_is_found_by_its_own_name() {
        for cause in SchemaCause::ALL {
            assert_eq!(SchemaCause::parse(&cause.to_string()), Some(cause));
        }
    }
}
