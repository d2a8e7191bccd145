use zerobus_schema::mapping::{COLUMNS_MAX, MESSAGE_LEVELS_MAX};

use super::descriptor::Name;
use crate::layout::{ColumnType, StructColumn};
use crate::report::{Path, Report};
use crate::text::Text;

/// A field name that is longer is not compared with the names of messages.
const NAME_MAX: usize = 256;

/// What keeps a struct from being the schema of a table.
#[must_use]
pub const fn problem(columns: &[StructColumn]) -> Report {
    let mut report = Report::new();
    if columns.len() > COLUMNS_MAX {
        report.text("Zerobus Ingest takes at most 2,000 columns");
    }
    in_struct(None, columns, 1, &mut report);
    report
}

const fn in_struct(
    parent: Option<&Path<'_>>,
    columns: &[StructColumn],
    level: usize,
    report: &mut Report,
) {
    let mut i = 0;
    while i < columns.len() {
        let path = Path::within(parent, columns[i].name);
        if !is_field_name(columns[i].name) {
            report.line(&path);
            report.text(
                ": the service takes ASCII letters, digits and underscores, and protobuf no digit first; rename the column",
            );
        }
        let mut other = 0;
        while other < columns.len() {
            if other < i && same_but_case(columns[i].name, columns[other].name) {
                report.line(&path);
                report.text(": column names must differ by more than case; rename one");
            }
            name_is_free(&path, &columns[i], &columns[other], other < i, report);
            other += 1;
        }
        in_type(&path, columns[i].column_type, false, level, report);
        i += 1;
    }
    if columns.is_empty() {
        match parent {
            Some(path) => report.line(path),
            None => report.text("the struct"),
        }
        report.text(": a message without fields carries nothing");
    }
}

const fn in_type(
    path: &Path<'_>,
    column_type: ColumnType,
    is_within_collection: bool,
    level: usize,
    report: &mut Report,
) {
    match column_type {
        ColumnType::Undecided => {
            report.line(path);
            report.text(
                ": the Rust type does not say which column type it is; say it, as in `#[zerobus(type = \"DECIMAL(10,2)\")]`",
            );
        }
        ColumnType::Array(_) | ColumnType::Map(..) if is_within_collection => {
            report.line(path);
            report.text(": proto2 cannot put an ARRAY or MAP directly into another; wrap the inner one in a struct");
        }
        ColumnType::Array(element) => {
            in_type(&path.inside("element"), *element, true, level, report);
        }
        ColumnType::Map(key, value) => {
            if !is_map_key(*key) {
                report.line(path);
                report.text(": a map key is integral, BOOLEAN or STRING, not ");
                report.column_type(*key);
            }
            in_type(&path.inside("value"), *value, true, level, report);
        }
        ColumnType::Struct(_) if level >= MESSAGE_LEVELS_MAX => {
            report.line(path);
            report.text(": protobuf takes at most 31 levels of messages");
        }
        ColumnType::Struct(columns) => in_struct(Some(path), columns, level + 1, report),
        _ => {}
    }
}

const fn is_map_key(key: ColumnType) -> bool {
    matches!(
        key,
        ColumnType::Boolean
            | ColumnType::Byte
            | ColumnType::Short
            | ColumnType::Integer
            | ColumnType::Long
            | ColumnType::String
            | ColumnType::Char(_)
            | ColumnType::Varchar(_)
    )
}

/// Fields and nested messages share one scope; the mapping moves a message out of the way, a struct's author can do better.
const fn name_is_free(
    path: &Path<'_>,
    column: &StructColumn,
    other: &StructColumn,
    is_before: bool,
    report: &mut Report,
) {
    let (ours, count) = messages(column.column_type, column.name);
    let (theirs, their_count) = messages(other.column_type, other.name);
    let mut i = 0;
    while i < count {
        let mut name = Text::<NAME_MAX>::new();
        ours[i].write(&mut name);
        let mut is_taken = same(name.as_bytes(), other.name.as_bytes());
        let mut at = 0;
        while is_before && at < their_count {
            let mut taken = Text::<NAME_MAX>::new();
            theirs[at].write(&mut taken);
            is_taken |= same(name.as_bytes(), taken.as_bytes());
            at += 1;
        }
        if is_taken {
            report.line(path);
            report.text(
                ": the name of its protobuf message is that of something else, by the field `",
            );
            report.text(other.name);
            report.text("`; rename one of them");
        }
        i += 1;
    }
}

/// The messages that a column needs beside its field, and how many.
const fn messages(column_type: ColumnType, name: &str) -> ([Name<'_>; 2], usize) {
    let (is_map, value) = match column_type {
        ColumnType::Map(_, value) => (true, *value),
        ColumnType::Array(element) => (false, *element),
        other => (false, other),
    };
    match (is_map, matches!(value, ColumnType::Struct(_))) {
        (true, true) => ([Name::Entry(name), Name::Struct(name)], 2),
        (true, false) => ([Name::Entry(name); 2], 1),
        (false, true) => ([Name::Struct(name); 2], 1),
        (false, false) => ([Name::Struct(name); 2], 0),
    }
}

const fn is_field_name(name: &str) -> bool {
    let bytes = name.as_bytes();
    let mut i = 0;
    while i < bytes.len() {
        let byte = bytes[i];
        if !(byte.is_ascii_alphabetic() || byte == b'_' || (i > 0 && byte.is_ascii_digit())) {
            return false;
        }
        i += 1;
    }
    !bytes.is_empty()
}

const fn same(a: &[u8], b: &[u8]) -> bool {
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}

const fn same_but_case(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if !a[i].eq_ignore_ascii_case(&b[i]) {
            return false;
        }
        i += 1;
    }
    true
}
