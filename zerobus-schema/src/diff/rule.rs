use std::fmt;

/// Whether a producer that is compiled against the old schema may go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Severity {
    /// Records are refused, or stored with loss or with another meaning.
    Breaking,
    /// Records are stored as before.
    Compatible,
}

impl Severity {
    /// The word for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Breaking => "breaking",
            Self::Compatible => "compatible",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Which side of a change is deployed before the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum DeployFirst {
    /// The table is altered, then the producers follow.
    Table,
    /// The producers are deployed, then the table is altered.
    Producer,
    /// The order does not matter, or nothing has to be deployed.
    Either,
    /// Neither can go first: producers stop, the table is altered, new producers start.
    Together,
}

impl DeployFirst {
    /// The word for it in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Producer => "producer",
            Self::Either => "either",
            Self::Together => "together",
        }
    }

    /// The same as advice.
    #[must_use]
    pub const fn advice(self) -> &'static str {
        match self {
            Self::Table => "alter the table first, then deploy the producers",
            Self::Producer => "deploy the producers first, then alter the table",
            Self::Either => "the order does not matter",
            Self::Together => "stop the producers, alter the table, start the new producers",
        }
    }
}

impl fmt::Display for DeployFirst {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A rule: what all findings of one kind have in common.
///
/// Where the service has a word for it (the causes of `SCHEMA_VALIDATION_FAILED` on the documentation page "Zerobus
/// Ingest error codes"), the id is that word. Ids are stable; none is given another meaning.
#[derive(Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct Rule {
    /// The stable id.
    pub id: &'static str,
    /// Whether it keeps producers of the old schema from going on.
    pub severity: Severity,
    /// Which side is deployed first.
    pub deploy_first: DeployFirst,
    /// What has happened, in one line.
    pub summary: &'static str,
    /// Why it matters, and what to do.
    pub explanation: &'static str,
}

/// The rule of this id, whatever its case.
#[must_use]
pub fn rule(id: &str) -> Option<&'static Rule> {
    RULES
        .iter()
        .find(|rule| rule.id.eq_ignore_ascii_case(id))
        .copied()
}

macro_rules! rules {
    ($($id:ident, $severity:ident, $first:ident, $summary:literal, $explanation:literal;)*) => {
        $(pub(super) static $id: Rule = Rule {
            id: stringify!($id),
            severity: Severity::$severity,
            deploy_first: DeployFirst::$first,
            summary: $summary,
            explanation: $explanation,
        };)*

        /// Every rule, those about columns first.
        pub static RULES: &[&Rule] = &[$(&$id),*];
    };
}

rules! {
    FIELD_NOT_IN_TABLE, Breaking, Producer,
        "a column that records carry is gone",
        "The service refuses a stream whose message has a field that the table has not. Take the field out of the record and deploy that, then drop the column; or put the column back.";
    COLUMN_RENAMED, Breaking, Together,
        "a column seems to have got another name",
        "Columns are matched by name, so records with the old name are refused (FIELD_NOT_IN_TABLE). That it is one column under two names is known where Delta's column mapping gives both the same id; otherwise it is a guess from type and place, and the finding says so. Rename the field with `#[zerobus(rename = \"…\")]`, or name the column back. To keep producers running, add the new column, let producers write it, and drop the old one last.";
    MISSING_REQUIRED_COLUMN, Breaking, Together,
        "records lack a column that is NOT NULL",
        "A record must carry every NOT NULL column; a DEFAULT does not stand in for it. Producers cannot send the column before it exists, nor leave it out once it does: add it nullable, deploy producers that fill it, and only then make it NOT NULL.";
    NULLABILITY_TIGHTENED, Breaking, Producer,
        "a column that could be NULL is now NOT NULL",
        "Records that leave the column out are refused. Deploy producers that always fill it (`T` in the place of `Option<T>`), then alter the table.";
    TYPE_INCOMPATIBLE, Breaking, Together,
        "a column has a type that takes other records",
        "The service holds the message's field type against the column's and refuses the stream. That holds for widenings that change the proto type too: INT to BIGINT reads alike on the wire (int32, int64) but is announced as another type, FLOAT to DOUBLE is another width on the wire. Generate the record anew against the new type.";
    TYPE_NARROWED, Breaking, Producer,
        "an integer column holds a smaller range",
        "Values outside the new range are refused, and one refused record ends the stream. Deploy producers that keep to the new range, then alter the table.";
    MEANING_CHANGED, Breaking, Together,
        "a column has the same wire type with another meaning",
        "TIMESTAMP, TIMESTAMP_NTZ and BIGINT all travel as int64, DATE and INT as int32, STRING, DECIMAL and VARIANT as string. The service may take the old records, and what it then stores is wrong or unreadable. Stop the producers before the table changes, and generate the record anew.";
    LENGTH_REDUCED, Breaking, Producer,
        "a CHAR or VARCHAR column takes fewer characters",
        "Longer values are refused, and one refused record ends the stream. Deploy producers that keep to the new length, then alter the table.";
    PRECISION_REDUCED, Breaking, Producer,
        "a DECIMAL column has fewer digits before the point",
        "Values with more digits are refused. The digits before the point are precision less scale: they shrink when the scale alone grows.";
    SCALE_REDUCED, Breaking, Producer,
        "a DECIMAL column has fewer digits behind the point",
        "Values with more digits behind the point are refused or rounded. Deploy producers that round as you want it, then alter the table.";
    COLUMN_NOW_GENERATED, Breaking, Producer,
        "the table now computes a column that records carry",
        "A GENERATED ALWAYS column is computed by the table; no record may carry it. Take the field out of the record, then alter the table.";
    COLUMN_NOW_IDENTITY, Breaking, Producer,
        "the table now numbers a column that records carry",
        "A GENERATED ALWAYS AS IDENTITY column gets its values from the table; no record may carry it. Take the field out of the record, then alter the table.";
    NAME_NOT_ALLOWED, Breaking, Table,
        "a name that the service does not take",
        "Zerobus Ingest takes ASCII letters, digits and underscores in the names of tables and columns (documentation page \"Zerobus Ingest connector limitations\"). Rename what is new before producers open another stream.";
    TOO_MANY_COLUMNS, Breaking, Table,
        "the table has more columns than the service takes",
        "Zerobus Ingest takes tables of at most 2,000 columns (documentation page \"Zerobus Ingest connector limitations\"). Put columns together in a STRUCT, or divide the table.";
    TABLE_GONE, Breaking, Producer,
        "the table is not there any more",
        "The catalog knows no table of this name, or its snapshot was taken away. When it was renamed, pull it under its new name; when it was dropped, remove its snapshot and the code that writes to it.";
    COLUMN_ADDED, Compatible, Table,
        "a column is new and may be NULL",
        "Records without the column go on as before; it is NULL in their rows. Add it to the table first, then to the record: before the table has it, the service refuses the field.";
    COLUMN_ADDED_WITH_DEFAULT, Compatible, Table,
        "a column is new, may be NULL, and has a DEFAULT",
        "Records without the column go on as before. Do not count on the DEFAULT for them: a column that a record leaves out becomes NULL.";
    GENERATED_COLUMN_ADDED, Compatible, Table,
        "a column is new that the table computes",
        "No record carries the column, so none has to change.";
    UNSENT_COLUMN_DROPPED, Compatible, Table,
        "a column is gone that no record carried",
        "The table computed the column, or no stream could carry its type or name, so no producer of the old schema sends it.";
    UNSENT_COLUMN_CHANGED, Compatible, Table,
        "a column has changed that no record carried",
        "The table computed the column, or no stream could carry its type or name. Producers of the old schema leave it out, and may go on doing so.";
    NULLABILITY_RELAXED, Compatible, Table,
        "a column that was NOT NULL may now be NULL",
        "Records that fill the column go on as before. Alter the table first, then let records leave it out (`Option<T>`).";
    ELEMENT_NULLABILITY_CHANGED, Compatible, Either,
        "whether elements or values of a collection may be NULL has changed",
        "No stream can send a NULL within an ARRAY or as the value of a MAP, so no record is affected.";
    TYPE_WIDENED, Compatible, Table,
        "an integer column holds a larger range and travels as before",
        "TINYINT, SMALLINT and INT all travel as int32. Alter the table first, then send larger values.";
    LENGTH_EXTENDED, Compatible, Table,
        "a CHAR or VARCHAR column takes more characters",
        "Every value that fitted still fits. Alter the table first, then send longer values.";
    STRING_KIND_CHANGED, Compatible, Either,
        "a CHAR column is now VARCHAR, or the other way round",
        "The same values fit. CHAR is padded with blanks when it is read, VARCHAR is not.";
    PRECISION_EXTENDED, Compatible, Table,
        "a DECIMAL column has more digits",
        "Every value that fitted still fits, before and behind the point. Alter the table first, then send longer values.";
    COLLATION_CHANGED, Compatible, Either,
        "a STRING column has another collation",
        "The values are stored as they are sent. What changes is how queries compare and order them.";
    GENERATION_REMOVED, Compatible, Table,
        "the table no longer computes a column",
        "Records that do not carry the column go on; it is NULL in their rows from now on. Add the field to the record to fill it.";
    GENERATION_CHANGED, Compatible, Either,
        "the table computes a column in another way",
        "No record carries the column, so none has to change.";
    IDENTITY_CHANGED, Compatible, Either,
        "the table numbers an IDENTITY column in another way",
        "No record has to change: what the table always numbers, none carries, and what it numbers by default, a record may go on to carry.";
    DEFAULT_CHANGED, Compatible, Either,
        "the DEFAULT of a column has changed",
        "A column that a record leaves out becomes NULL, whatever the DEFAULT is, so no record is affected.";
    COMMENT_CHANGED, Compatible, Either,
        "a comment has changed",
        "Generated code carries the comments of the table; generate it anew to have the current ones.";
    COLUMN_REPLACED, Compatible, Either,
        "a column was dropped and added again under its name",
        "Delta's column mapping gives the column another id, so the values written before are gone. Records are matched by name and go on.";
    FIELD_OUT_OF_ORDER, Compatible, Either,
        "columns stand in another order",
        "Records are matched by name, so their order does not matter. (An Arrow stream, which is matched by place, would be refused with this word.)";
    NUMBER_MOVED, Compatible, Either,
        "a column has another protobuf field number",
        "Every stream sends its own descriptor, so producers with the old number go on. Records that were stored encoded can no longer be read with the new one; `zerobus pull` never moves a number.";
    NUMBER_REUSED, Compatible, Either,
        "a new column has the protobuf field number of another one",
        "Every stream sends its own descriptor, so producers go on. Records that were stored encoded would be read with a wrong column; `zerobus pull` never gives a number twice.";
    PARTITIONING_CHANGED, Compatible, Either,
        "the table is partitioned by other columns",
        "Records are the same whatever the table is partitioned by.";
    TABLE_REPLACED, Compatible, Either,
        "another table has taken the name",
        "The catalog gives the table another id: it was dropped and created again, or replaced. Open streams end; what was written before may be gone. Producers that open a new stream go on.";
    TABLE_ADDED, Compatible, Either,
        "a table is new",
        "No producer writes to it yet.";
    SNAPSHOT_MISSING, Breaking, Either,
        "a table has no snapshot",
        "The configuration names a table whose schema is not checked in, so nothing holds code to it. Write it with `zerobus pull`.";
    SNAPSHOT_NOT_CANONICAL, Compatible, Either,
        "a snapshot is not as `zerobus pull` writes it",
        "It was edited by hand or written by another release. It says the same; `zerobus pull` on the file writes it in its own form, so that later changes show no more than they are.";
    OUTPUT_STALE, Breaking, Either,
        "a generated file is not what its snapshot gives",
        "The snapshot, the settings or the file has changed since it was generated. Generate it again and check it in.";
    OUTPUT_MISSING, Breaking, Either,
        "a generated file is not there",
        "The configuration names an output that has not been generated. Generate it and check it in.";
    APPROVAL_EXPIRED, Compatible, Either,
        "an approval is past its date",
        "What it approved counts again. Settle the finding, or give the approval a new date and reason.";
    APPROVAL_UNUSED, Compatible, Either,
        "an approval approves nothing",
        "No finding has its rule and path. Take it out, so that it does not approve something later that nobody has looked at.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_is_its_own_and_found() {
        for (i, one) in RULES.iter().enumerate() {
            assert!(RULES.iter().skip(i + 1).all(|other| other.id != one.id));
            assert_eq!(rule(&one.id.to_lowercase()), Some(*one));
            assert!(one.explanation.ends_with(['.', ')']) && !one.summary.ends_with('.'));
        }
        assert_eq!(rule("no such rule"), None);
    }
}
