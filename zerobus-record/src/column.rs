/// One column of the table a record was compiled against, or one field of a STRUCT in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct ColumnInfo {
    /// Where it lies: `location.lat`, `tags.element.name`; a part that is no plain identifier stands in backticks.
    pub path: &'static str,
    /// The whole type as SQL writes it: `STRUCT<lat: DOUBLE NOT NULL>`.
    pub data_type: &'static str,
    /// Whether it may be NULL.
    pub nullable: bool,
    /// Where its values come from.
    pub source: ColumnSource,
    /// Whether every record has a value for it: it is NOT NULL, or what is written to it is no `Option`. Then records
    /// go on fitting when a column that could be NULL becomes NOT NULL.
    pub never_null: bool,
    /// Whether the record type sends it. What lies in a STRUCT is told apart only by whether the STRUCT is sent.
    pub sent: bool,
}

impl ColumnInfo {
    /// A column that records supply.
    #[must_use]
    pub const fn new(path: &'static str, data_type: &'static str, nullable: bool) -> Self {
        Self {
            path,
            data_type,
            nullable,
            never_null: !nullable,
            source: ColumnSource::Record,
            sent: true,
        }
    }

    /// The same column with values from elsewhere.
    #[must_use]
    pub const fn with_source(mut self, source: ColumnSource) -> Self {
        self.source = source;
        self
    }

    /// The same column, which has a value in every record though it may be NULL.
    #[must_use]
    pub const fn never_null(mut self) -> Self {
        self.never_null = true;
        self
    }

    /// The same column, which the record type leaves out.
    #[must_use]
    pub const fn left_out(mut self) -> Self {
        self.sent = false;
        self.never_null = false;
        self
    }
}

/// Where the values of a column come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ColumnSource {
    /// The record.
    Record,
    /// An expression of the table (GENERATED ALWAYS AS).
    Generated,
    /// A counter of the table (GENERATED … AS IDENTITY).
    Identity,
}
