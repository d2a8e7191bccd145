use crate::column::ColumnInfo;
use crate::layout::{ColumnType, StructColumn};
use crate::report::Path;
use crate::shape::{Shape, written_by};
use crate::text::Text;

/// How many columns there are, nested ones too.
#[must_use]
pub const fn count(columns: &[StructColumn]) -> usize {
    let mut total = 0;
    let mut i = 0;
    while i < columns.len() {
        total += 1 + count_in(columns[i].column_type);
        i += 1;
    }
    total
}

const fn count_in(column_type: ColumnType) -> usize {
    match column_type {
        ColumnType::Struct(columns) => count(columns),
        ColumnType::Array(element) => count_in(*element),
        ColumnType::Map(key, value) => count_in(*key) + count_in(*value),
        _ => 0,
    }
}

/// Path and type of every column, one after the other: the text that [`column_infos`] points into.
#[must_use]
pub const fn paths<const N: usize>(columns: &[StructColumn]) -> Text<N> {
    let mut text = Text::new();
    let mut infos = Infos::<'_, 0>::new(b"");
    walk(None, columns, Shape::Failed, &mut text, &mut infos);
    text
}

/// How long that text is.
#[must_use]
pub const fn paths_len(columns: &[StructColumn]) -> usize {
    paths::<0>(columns).len()
}

/// The columns as a record lists them, parents before children; `shape` is that of the record's type.
#[must_use]
pub const fn column_infos<const N: usize>(
    columns: &[StructColumn],
    shape: Shape,
    paths: &'static [u8],
) -> [ColumnInfo; N] {
    let mut infos = Infos::<N>::new(paths);
    walk(None, columns, shape, &mut Text::<0>::new(), &mut infos);
    infos.list
}

struct Infos<'a, const N: usize> {
    list: [ColumnInfo; N],
    len: usize,
    /// What is left of the text.
    paths: &'a [u8],
}

impl<'a, const N: usize> Infos<'a, N> {
    const fn new(paths: &'a [u8]) -> Self {
        Self {
            list: [ColumnInfo::new("", "", true); N],
            len: 0,
            paths,
        }
    }
}

impl<const N: usize> Infos<'static, N> {
    /// Takes the next `len` bytes.
    const fn take(&mut self, len: usize) -> &'static str {
        let (text, rest) = self.paths.split_at(len);
        self.paths = rest;
        match std::str::from_utf8(text) {
            Ok(text) => text,
            Err(_) => "",
        }
    }
}

const fn walk<const T: usize, const N: usize>(
    parent: Option<&Path<'_>>,
    columns: &[StructColumn],
    shape: Shape,
    text: &mut Text<T>,
    infos: &mut Infos<'static, N>,
) {
    let mut i = 0;
    while i < columns.len() {
        let column = &columns[i];
        let path = Path::within(parent, column.name);
        let shape = shape.part(column.name);
        let start = text.len();
        text.push_path(&path);
        let path_end = text.len();
        text.push_type(column.column_type);
        if infos.len < N {
            let name = infos.take(path_end - start);
            let data_type = infos.take(text.len() - path_end);
            let info = ColumnInfo::new(name, data_type, column.nullable);
            infos.list[infos.len] = written_by(info, shape, &[]);
            infos.len += 1;
        }
        walk_type(&path, column.column_type, shape, text, infos);
        i += 1;
    }
}

const fn walk_type<const T: usize, const N: usize>(
    path: &Path<'_>,
    column_type: ColumnType,
    shape: Shape,
    text: &mut Text<T>,
    infos: &mut Infos<'static, N>,
) {
    match column_type {
        ColumnType::Struct(columns) => walk(Some(path), columns, shape, text, infos),
        ColumnType::Array(element) => {
            let shape = shape.part("element");
            walk_type(&path.child("element"), *element, shape, text, infos);
        }
        ColumnType::Map(key, value) => {
            walk_type(&path.child("key"), *key, Shape::Failed, text, infos);
            let shape = shape.part("value");
            walk_type(&path.child("value"), *value, shape, text, infos);
        }
        _ => {}
    }
}
