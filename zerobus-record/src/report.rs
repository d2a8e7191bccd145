//! A message put together while constants are evaluated, where there is no `format!`.

use crate::layout::{ColumnType, StructColumn};
use crate::shape::Shape;
use crate::text::Text;

const LEN_MAX: usize = 4096;

/// What is wrong with a type, a line for each mistake.
#[derive(Debug)]
pub struct Report {
    text: Text<LEN_MAX>,
}

impl Report {
    pub(crate) const fn new() -> Self {
        Self { text: Text::new() }
    }

    /// The message; `None` when nothing is wrong.
    #[must_use]
    pub const fn message(&self) -> Option<&str> {
        if self.text.len() == 0 {
            return None;
        }
        match std::str::from_utf8(self.text.as_bytes()) {
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
        if self.text.len() > 0 {
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
        if self.text.len() + text.len() <= LEN_MAX {
            self.text.push(text);
        }
    }

    /// Adds a type as SQL writes it, the fields of a STRUCT by name alone.
    pub(crate) const fn column_type(&mut self, column_type: ColumnType) {
        match column_type {
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
                self.names(columns);
                self.text(">");
            }
            scalar => {
                if self.text.len() + Text::<0>::of_type(scalar) <= LEN_MAX {
                    self.text.push_type(scalar);
                }
            }
        }
    }

    /// Adds the columns by name.
    pub(crate) const fn names(&mut self, columns: &[StructColumn]) {
        let mut i = 0;
        while i < columns.len() {
            self.text(if i == 0 { "" } else { ", " });
            self.text(columns[i].name);
            i += 1;
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
    pub(crate) parent: Option<&'a Self>,
    pub(crate) name: &'a str,
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

    /// The column here, or the field of the STRUCT at `parent`.
    pub(crate) const fn within(parent: Option<&'a Self>, name: &'a str) -> Self {
        Self {
            parent,
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
