//! What a Rust type can stand for, as a constant, and the check of it against a column.
//!
//! The derive knows the columns but not the types of fields: an alias, a newtype or a generic says nothing to a macro. So
//! each type carries its shape, and the build compares the two when it evaluates constants.

#![expect(missing_docs, reason = "only the derive sees it, through `__private`")]

use crate::column::ColumnInfo;
use crate::delta::DeltaType;
use crate::layout::{ColumnType, StructColumn, str_eq};
use crate::report::{Path, Report};

/// What a Rust type can stand for.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// One of these types; the name is the Rust type's, for messages.
    Leaf(&'static str, Kinds),
    /// NULL, or the other shape.
    Option(&'static Self),
    /// An ARRAY.
    Array(&'static Self),
    /// A slice of bytes: BINARY, or an ARRAY of the other shape.
    Bytes(&'static Self),
    /// A MAP.
    Map(&'static Self, &'static Self),
    /// A STRUCT; the name is the Rust type's.
    Struct(&'static str, &'static [FieldShape]),
    /// A type whose derive failed: that was reported, and nothing more is said of it.
    Failed,
}

impl Shape {
    pub(crate) const fn leaf(rust: &'static str, kinds: Kinds) -> Self {
        Self::Leaf(rust, kinds)
    }

    /// The type of its column where the struct is the schema, for what is no collection and no struct.
    pub(crate) const fn column_type(self) -> ColumnType {
        match self {
            Self::Leaf(_, kinds) => kinds.natural(),
            _ => ColumnType::Undecided,
        }
    }

    pub(crate) const fn is_option(self) -> bool {
        matches!(self, Self::Option(_))
    }

    /// Whether there is a value whenever there is one of what it lies in.
    pub(crate) const fn is_never_null(self) -> bool {
        !matches!(self, Self::Option(_) | Self::Failed)
    }

    /// What lies one step further down; `Failed` where nothing does.
    pub(crate) const fn part(self, name: &str) -> Self {
        match self {
            Self::Option(inner) => inner.part(name),
            Self::Struct(_, fields) => {
                let mut i = 0;
                while i < fields.len() {
                    if str_eq(fields[i].name, name) {
                        return fields[i].shape;
                    }
                    i += 1;
                }
                Self::Failed
            }
            Self::Array(element) => *element,
            Self::Map(_, value) if str_eq(name, "value") => *value,
            _ => Self::Failed,
        }
    }
}

/// A field of a Rust struct, by the name of its column.
#[derive(Debug, Clone, Copy)]
pub struct FieldShape {
    pub name: &'static str,
    pub shape: Shape,
}

/// A set of Delta types, parameters aside.
#[derive(Debug, Clone, Copy)]
pub struct Kinds(u32);

impl Kinds {
    pub(crate) const NONE: Self = Self(0);

    pub(crate) const fn or<D: DeltaType>(self) -> Self {
        self.with(D::TYPE)
    }

    pub(crate) const fn with(self, column_type: ColumnType) -> Self {
        Self(self.0 | Self::bit(column_type))
    }

    /// The type that a column gets where the struct is the schema: text is a STRING, an integer takes what is closest.
    const fn natural(self) -> ColumnType {
        const CANDIDATES: [ColumnType; 14] = [
            ColumnType::String,
            ColumnType::Boolean,
            ColumnType::Byte,
            ColumnType::Short,
            ColumnType::Integer,
            ColumnType::Long,
            ColumnType::Float,
            ColumnType::Double,
            ColumnType::Binary,
            ColumnType::Date,
            ColumnType::Timestamp,
            ColumnType::TimestampNtz,
            ColumnType::Variant,
            ColumnType::Undecided,
        ];
        let mut i = 0;
        while i < CANDIDATES.len() - 1 && !self.contains(CANDIDATES[i]) {
            i += 1;
        }
        CANDIDATES[i]
    }

    const fn contains(self, column_type: ColumnType) -> bool {
        self.0 & Self::bit(column_type) != 0
    }

    /// Marks a type of which a value may not fit, though its column has no parameters.
    pub(crate) const fn fallible(self) -> Self {
        Self(self.0 | Self::FALLIBLE)
    }

    const fn is_fallible(self) -> bool {
        self.0 & Self::FALLIBLE != 0
    }

    const FALLIBLE: u32 = 1 << 30;

    const fn bit(column_type: ColumnType) -> u32 {
        1 << match column_type {
            ColumnType::Boolean => 0,
            ColumnType::Byte => 1,
            ColumnType::Short => 2,
            ColumnType::Integer => 3,
            ColumnType::Long => 4,
            ColumnType::Float => 5,
            ColumnType::Double => 6,
            ColumnType::Decimal(..) => 7,
            ColumnType::String => 8,
            ColumnType::Char(_) => 9,
            ColumnType::Varchar(_) => 10,
            ColumnType::Binary => 11,
            ColumnType::Date => 12,
            ColumnType::Timestamp => 13,
            ColumnType::TimestampNtz => 14,
            ColumnType::Variant => 15,
            ColumnType::Array(_) => 16,
            ColumnType::Map(..) => 17,
            ColumnType::Struct(_) => 18,
            ColumnType::Undecided => 31,
        }
    }
}

/// The column, never NULL where what is written to it is no `Option`; that lies at `path` in `shape`.
#[must_use]
pub const fn written_by(column: ColumnInfo, shape: Shape, path: &[&str]) -> ColumnInfo {
    let mut shape = shape;
    let mut i = 0;
    while i < path.len() {
        shape = shape.part(path[i]);
        i += 1;
    }
    if shape.is_never_null() {
        column.never_null()
    } else {
        column
    }
}

/// Compares a column with the shape of the type that is to be written to it, nested fields and all.
#[must_use]
pub const fn check(name: &str, column: ColumnType, nullable: bool, shape: Shape) -> Report {
    let mut report = Report::new();
    compare(&Path::column(name), column, nullable, shape, &mut report);
    report
}

const fn compare(
    path: &Path<'_>,
    column: ColumnType,
    nullable: bool,
    shape: Shape,
    report: &mut Report,
) {
    match (column, shape) {
        (_, Shape::Failed) => {}
        (_, Shape::Option(shape)) => {
            if !nullable {
                report.line(path);
                report.text(match path.is_within_collection() {
                    true => {
                        " is an `Option`; no NULL can be sent in an ARRAY or as the value of a MAP"
                    }
                    false => " is NOT NULL; an `Option` may have no value",
                });
            }
            compare(path, column, nullable, *shape, report);
        }
        (ColumnType::Array(column), Shape::Array(shape) | Shape::Bytes(shape)) => {
            compare(&path.inside("element"), *column, false, *shape, report);
        }
        (ColumnType::Binary, Shape::Bytes(_)) => {}
        (ColumnType::Map(key, value), Shape::Map(key_shape, value_shape)) => {
            compare(&path.inside("key"), *key, false, *key_shape, report);
            compare(&path.inside("value"), *value, false, *value_shape, report);
        }
        (ColumnType::Struct(columns), Shape::Struct(rust, fields)) => {
            compare_struct(path, columns, rust, fields, report);
        }
        (column, Shape::Leaf(_, kinds)) if kinds.contains(column) => {}
        (column, shape) => {
            report.line(path);
            report.text(" is ");
            report.column_type(column);
            report.text("; ");
            report.shape(shape);
            report.text(" cannot be written to it");
        }
    }
}

const fn compare_struct(
    path: &Path<'_>,
    columns: &[StructColumn],
    rust: &str,
    fields: &[FieldShape],
    report: &mut Report,
) {
    let mut i = 0;
    while i < fields.len() {
        let field = &fields[i];
        let path = path.child(field.name);
        let at = position(columns, field.name);
        if at < columns.len() {
            let column = &columns[at];
            compare(
                &path,
                column.column_type,
                column.nullable,
                field.shape,
                report,
            );
        } else {
            report.line(&path);
            report.text(" is not in the table; it has ");
            report.names(columns);
        }
        i += 1;
    }
    let mut at = 0;
    while at < columns.len() {
        let column = &columns[at];
        if !column.nullable && !has_field(fields, column.name) {
            report.line(&path.child(column.name));
            report.text(" is NOT NULL; `");
            report.text(rust);
            report.text("` has no field for it");
        }
        at += 1;
    }
}

/// Compares a struct whose fields are columns of the table with the columns that are left for it.
#[must_use]
pub const fn check_flat(table: &str, columns: &[StructColumn], shape: Shape) -> Report {
    let mut report = Report::new();
    let Shape::Struct(rust, fields) = shape else {
        if !matches!(shape, Shape::Failed) {
            report.text("only a struct that derives `ZerobusRecord` can be flattened, and not within an `Option`");
        }
        return report;
    };
    let mut i = 0;
    while i < fields.len() {
        let field = &fields[i];
        let path = Path::column(field.name);
        let at = position(columns, field.name);
        if at < columns.len() {
            let column = &columns[at];
            compare(
                &path,
                column.column_type,
                column.nullable,
                field.shape,
                &mut report,
            );
        } else {
            report.line(&path);
            report.text(" of `");
            report.text(rust);
            report.text("` is no column of ");
            report.text(table);
            report.text(", or another field has it; left are ");
            report.names(columns);
        }
        i += 1;
    }
    report
}

/// What flattened structs leave out, or give twice, of the columns that are left for all of them.
#[must_use]
pub const fn check_flat_all(table: &str, columns: &[StructColumn], shapes: &[Shape]) -> Report {
    let mut report = Report::new();
    let mut i = 0;
    while i < columns.len() {
        let mut count = 0;
        let mut is_known = true;
        let mut at = 0;
        while at < shapes.len() {
            match shapes[at] {
                Shape::Struct(_, fields) if has_field(fields, columns[i].name) => count += 1,
                Shape::Struct(..) => {}
                _ => is_known = false,
            }
            at += 1;
        }
        if count == 0 && is_known && !columns[i].nullable {
            report.line(&Path::column(columns[i].name));
            report.text(" of ");
            report.text(table);
            report.text(
                " is NOT NULL; neither the struct nor what is flattened into it has a field for it",
            );
        } else if count > 1 {
            report.line(&Path::column(columns[i].name));
            report.text(" is a field of two flattened structs");
        }
        i += 1;
    }
    report
}

/// Whether a value of this shape can fail to fit the column: what `validate` has to look at.
#[must_use]
pub const fn needs_validation(column: ColumnType, shape: Shape) -> bool {
    match (column, shape) {
        (ColumnType::Decimal(..) | ColumnType::Char(_) | ColumnType::Varchar(_), _) => true,
        (_, Shape::Leaf(_, kinds)) => kinds.is_fallible(),
        (column, Shape::Option(shape)) => needs_validation(column, *shape),
        (ColumnType::Array(column), Shape::Array(shape)) => needs_validation(*column, *shape),
        (ColumnType::Map(key, value), Shape::Map(key_shape, value_shape)) => {
            needs_validation(*key, *key_shape) || needs_validation(*value, *value_shape)
        }
        (ColumnType::Struct(columns), Shape::Struct(_, fields)) => {
            let mut i = 0;
            while i < fields.len() {
                let at = position(columns, fields[i].name);
                if at < columns.len() && needs_validation(columns[at].column_type, fields[i].shape)
                {
                    return true;
                }
                i += 1;
            }
            false
        }
        _ => false,
    }
}

/// Where the column of this name stands; behind the last one when there is none.
const fn position(columns: &[StructColumn], name: &str) -> usize {
    let mut at = 0;
    while at < columns.len() && !str_eq(columns[at].name, name) {
        at += 1;
    }
    at
}

const fn has_field(fields: &[FieldShape], name: &str) -> bool {
    let mut i = 0;
    while i < fields.len() {
        if str_eq(fields[i].name, name) {
            return true;
        }
        i += 1;
    }
    false
}
