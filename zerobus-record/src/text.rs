use crate::layout::ColumnType;
use crate::report::Path;

/// Bytes put together while constants are evaluated, where nothing can be allocated.
///
/// What does not fit is counted all the same, so that a first run with `N` = 0 tells the length.
#[derive(Debug, Clone, Copy)]
pub struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
        }
    }

    /// How many bytes were added.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.len
    }

    /// What was added, as far as there was room.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8] {
        let (bytes, _) = self.bytes.split_at(if self.len < N { self.len } else { N });
        bytes
    }

    pub(crate) const fn push_byte(&mut self, byte: u8) {
        if self.len < N {
            self.bytes[self.len] = byte;
        }
        self.len += 1;
    }

    pub(crate) const fn push(&mut self, text: &str) {
        let bytes = text.as_bytes();
        let mut i = 0;
        while i < bytes.len() {
            self.push_byte(bytes[i]);
            i += 1;
        }
    }

    pub(crate) const fn push_varint(&mut self, mut value: usize) {
        while value >= 0x80 {
            self.push_byte(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.push_byte(value.to_le_bytes()[0]);
    }

    /// Puts the length of what was added since `start` before it.
    pub(crate) const fn insert_length(&mut self, start: usize) {
        let end = self.len;
        let length = end - start;
        self.push_varint(length);
        let count = self.len - end;
        if self.len > N {
            return;
        }
        let mut moved = 0;
        while moved < count {
            // One byte of the length, from behind to before.
            let byte = self.bytes[end + moved];
            let mut at = end + moved;
            while at > start + moved {
                self.bytes[at] = self.bytes[at - 1];
                at -= 1;
            }
            self.bytes[start + moved] = byte;
            moved += 1;
        }
    }

    /// Adds a path as errors and schemas write it; its parts are plain identifiers.
    pub(crate) const fn push_path(&mut self, path: &Path<'_>) {
        if let Some(parent) = path.parent {
            self.push_path(parent);
            self.push(".");
        }
        self.push(path.name);
    }

    const fn push_number(&mut self, number: u32) {
        if number >= 10 {
            self.push_number(number / 10);
        }
        self.push_byte(b'0' + (number % 10).to_le_bytes()[0]);
    }

    /// The length of a type as [`push_type`](Self::push_type) writes it.
    pub(crate) const fn of_type(column_type: ColumnType) -> usize {
        let mut text = Text::<0>::new();
        text.push_type(column_type);
        text.len
    }

    /// Adds a type as SQL writes it, with all that is in it.
    pub(crate) const fn push_type(&mut self, column_type: ColumnType) {
        match column_type {
            ColumnType::Boolean => self.push("BOOLEAN"),
            ColumnType::Byte => self.push("TINYINT"),
            ColumnType::Short => self.push("SMALLINT"),
            ColumnType::Integer => self.push("INT"),
            ColumnType::Long => self.push("BIGINT"),
            ColumnType::Float => self.push("FLOAT"),
            ColumnType::Double => self.push("DOUBLE"),
            ColumnType::Decimal(precision, scale) => {
                self.push("DECIMAL(");
                self.push_number(precision as u32);
                self.push(",");
                self.push_number(scale as u32);
                self.push(")");
            }
            ColumnType::String => self.push("STRING"),
            ColumnType::Char(n) => {
                self.push("CHAR(");
                self.push_number(n);
                self.push(")");
            }
            ColumnType::Varchar(n) => {
                self.push("VARCHAR(");
                self.push_number(n);
                self.push(")");
            }
            ColumnType::Binary => self.push("BINARY"),
            ColumnType::Date => self.push("DATE"),
            ColumnType::Timestamp => self.push("TIMESTAMP"),
            ColumnType::TimestampNtz => self.push("TIMESTAMP_NTZ"),
            ColumnType::Variant => self.push("VARIANT"),
            ColumnType::Undecided => self.push("undecided"),
            ColumnType::Array(element) => {
                self.push("ARRAY<");
                self.push_type(*element);
                self.push(">");
            }
            ColumnType::Map(key, value) => {
                self.push("MAP<");
                self.push_type(*key);
                self.push(", ");
                self.push_type(*value);
                self.push(">");
            }
            ColumnType::Struct(columns) => {
                self.push("STRUCT<");
                let mut i = 0;
                while i < columns.len() {
                    self.push(if i == 0 { "" } else { ", " });
                    self.push(columns[i].name);
                    self.push(": ");
                    self.push_type(columns[i].column_type);
                    self.push(if columns[i].nullable { "" } else { " NOT NULL" });
                    i += 1;
                }
                self.push(">");
            }
        }
    }
}
