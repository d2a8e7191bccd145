//! A message put together while constants are evaluated, where there is no `format!`.

use crate::layout::ColumnType;
use crate::shape::Shape;

const LEN_MAX: usize = 4096;

/// What is wrong with a type, a line for each mistake.
#[derive(Debug)]
pub struct Report {
    text: [u8; LEN_MAX],
    len: usize,
}

impl Report {
    pub(crate) const fn new() -> Self {
        Self {
            text: [0; LEN_MAX],
            len: 0,
        }
    }

    /// The message; `None` when nothing is wrong.
    #[must_use]
    pub const fn message(&self) -> Option<&str> {
        if self.len == 0 {
            return None;
        }
        let (text, _) = self.text.split_at(self.len);
        match std::str::from_utf8(text) {
            Ok(text) => Some(text),
            Err(_) => Some("the type does not fit its column"),
        }
    }

    /// Fails the build with the message, at the place of the call.
    #[expect(
        clippy::panic,
        reason = "called while constants are evaluated, where a panic is a compile error"
    )]
    #[track_caller]
    pub const fn assert_empty(&self) {
        if let Some(message) = self.message() {
            panic!("{}", message)
        }
    }

    /// Begins a line about the column at `path`.
    pub(crate) const fn line(&mut self, path: &Path<'_>) {
        if self.len > 0 {
            self.text("\n");
        }
        self.text("`");
        self.path(path);
        self.text("`");
    }

    const fn path(&mut self, path: &Path<'_>) {
        if let Some(parent) = path.parent {
            self.path(parent);
            self.text(".");
        }
        self.text(path.name);
    }

    /// Adds a text, whole or not at all.
    pub(crate) const fn text(&mut self, text: &str) {
        let bytes = text.as_bytes();
        if self.len + bytes.len() > LEN_MAX {
            return;
        }
        let mut i = 0;
        while i < bytes.len() {
            self.text[self.len] = bytes[i];
            self.len += 1;
            i += 1;
        }
    }

    const fn number(&mut self, number: u32) {
        if number >= 10 {
            self.number(number / 10);
        }
        let digit = (number % 10) as usize;
        let (_, rest) = "0123456789".split_at(digit);
        let (digit, _) = rest.split_at(1);
        self.text(digit);
    }

    /// Adds a type as SQL writes it.
    pub(crate) const fn column_type(&mut self, column_type: ColumnType) {
        match column_type {
            ColumnType::Boolean => self.text("BOOLEAN"),
            ColumnType::Byte => self.text("TINYINT"),
            ColumnType::Short => self.text("SMALLINT"),
            ColumnType::Integer => self.text("INT"),
            ColumnType::Long => self.text("BIGINT"),
            ColumnType::Float => self.text("FLOAT"),
            ColumnType::Double => self.text("DOUBLE"),
            ColumnType::Decimal(precision, scale) => {
                self.text("DECIMAL(");
                self.number(precision as u32);
                self.text(",");
                self.number(scale as u32);
                self.text(")");
            }
            ColumnType::String => self.text("STRING"),
            ColumnType::Char(n) => {
                self.text("CHAR(");
                self.number(n);
                self.text(")");
            }
            ColumnType::Varchar(n) => {
                self.text("VARCHAR(");
                self.number(n);
                self.text(")");
            }
            ColumnType::Binary => self.text("BINARY"),
            ColumnType::Date => self.text("DATE"),
            ColumnType::Timestamp => self.text("TIMESTAMP"),
            ColumnType::TimestampNtz => self.text("TIMESTAMP_NTZ"),
            ColumnType::Variant => self.text("VARIANT"),
            ColumnType::Array(element) => {
                self.text("ARRAY<");
                self.column_type(*element);
                self.text(">");
            }
            ColumnType::Map(key, value) => {
                self.text("MAP<");
                self.column_type(*key);
                self.text(", ");
                self.column_type(*value);
                self.text(">");
            }
            ColumnType::Struct(columns) => {
                self.text("STRUCT<");
                let mut i = 0;
                while i < columns.len() {
                    self.text(if i == 0 { "" } else { ", " });
                    self.text(columns[i].name);
                    i += 1;
                }
                self.text(">");
            }
        }
    }

    /// Adds what a Rust type is.
    pub(crate) const fn shape(&mut self, shape: Shape) {
        match shape {
            Shape::Leaf(rust, _) | Shape::Struct(rust, _) => {
                self.text("`");
                self.text(rust);
                self.text("`");
            }
            Shape::Array(_) => self.text("a collection"),
            Shape::Bytes(_) => self.text("a sequence of bytes"),
            Shape::Map(..) => self.text("a map"),
            Shape::Option(shape) => self.shape(*shape),
            Shape::Failed => self.text("the type"),
        }
    }
}

/// Where in a column a comparison has got to.
#[derive(Debug)]
pub(crate) struct Path<'a> {
    parent: Option<&'a Self>,
    name: &'a str,
    /// Whether this is an element, a key or a value, and not a field.
    is_within_collection: bool,
}

impl<'a> Path<'a> {
    pub(crate) const fn column(name: &'a str) -> Self {
        Self {
            parent: None,
            name,
            is_within_collection: false,
        }
    }

    pub(crate) const fn child(&'a self, name: &'a str) -> Self {
        Self {
            parent: Some(self),
            name,
            is_within_collection: false,
        }
    }

    /// The element, key or value of the collection here.
    pub(crate) const fn inside(&'a self, name: &'a str) -> Self {
        Self {
            is_within_collection: true,
            ..self.child(name)
        }
    }

    pub(crate) const fn is_within_collection(&self) -> bool {
        self.is_within_collection
    }
}
