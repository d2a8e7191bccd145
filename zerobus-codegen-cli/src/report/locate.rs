use std::fs;
use std::path::{Path, PathBuf};

use zerobus_schema::ColumnPath;

use super::Place;

/// Far more than anyone has files of records.
const CODE_FILES_MAX: usize = 10_000;
const CODE_DEPTH_MAX: usize = 32;

/// A file that holds a schema: where in it is a column?
#[derive(Debug)]
pub(crate) struct Text {
    file: PathBuf,
    text: String,
    json: Option<Node>,
}

impl Text {
    /// The file as it is now; one that cannot be read has no lines.
    pub(crate) fn open(file: &Path) -> Self {
        Self::new(file, fs::read_to_string(file).unwrap_or_default())
    }

    pub(crate) fn new(file: &Path, text: String) -> Self {
        let json = text
            .trim_start()
            .starts_with(['{', '['])
            .then(|| Reader::new(&text).value())
            .flatten();
        Self {
            file: file.to_owned(),
            text,
            json,
        }
    }

    /// The line of a column; `None` where the text has no such column.
    pub(crate) fn place(&self, path: &ColumnPath) -> Option<Place> {
        let line = match &self.json {
            Some(root) => line_in_json(root, path.parts()),
            None => line_in_sql(&self.text, path.parts()),
        };
        Some(self.at(line?))
    }

    /// The first line.
    pub(crate) fn top(&self) -> Place {
        self.at(1)
    }

    fn at(&self, line: usize) -> Place {
        Place {
            file: self.file.clone(),
            line,
        }
    }
}

/// A JSON value with the line it begins on.
#[derive(Debug)]
struct Node {
    line: usize,
    value: Shape,
}

#[derive(Debug)]
enum Shape {
    Object(Vec<(String, Node)>),
    Array(Vec<Node>),
    String(String),
    Other,
}

impl Node {
    fn get(&self, key: &str) -> Option<&Self> {
        match &self.value {
            Shape::Object(entries) => entries.iter().find(|(name, _)| name == key).map(|(_, v)| v),
            _ => None,
        }
    }

    fn items(&self) -> &[Self] {
        match &self.value {
            Shape::Array(items) => items,
            _ => &[],
        }
    }

    fn is(&self, text: &str) -> bool {
        matches!(&self.value, Shape::String(own) if own == text)
    }
}

/// The line on which the column's object begins, or that of the deepest column above it that can be found.
fn line_in_json(root: &Node, path: &[String]) -> Option<usize> {
    let mut at = root.get("schema").unwrap_or(root);
    let mut line = None;
    for part in path {
        let fields = ["fields", "columns"].iter().find_map(|key| at.get(key));
        let inner = match part.as_str() {
            "element" => at.get("elementType"),
            "key" => at.get("keyType"),
            "value" => at.get("valueType"),
            _ => None,
        };
        let next = match (fields, inner) {
            (Some(fields), _) => {
                let named = |field: &&Node| field.get("name").is_some_and(|name| name.is(part));
                fields.items().iter().find(named)
            }
            (None, Some(inner)) => Some(inner),
            (None, None) => None,
        };
        match next {
            Some(next) => {
                // A type in the place of its field's name says less than the name.
                line = Some(next.get("name").map_or(next.line, |name| name.line));
                at = match fields {
                    Some(_) => next.get("type").unwrap_or(next),
                    None => next,
                };
            }
            // Types as text (a catalog's) have no lines of their own.
            None if fields.is_none() => return line,
            None => return None,
        }
    }
    line
}

/// Reads JSON that is known to be valid: a parser has taken it before.
struct Reader<'a> {
    rest: std::iter::Peekable<std::str::Chars<'a>>,
    line: usize,
}

impl<'a> Reader<'a> {
    fn new(text: &'a str) -> Self {
        Self {
            rest: text.chars().peekable(),
            line: 1,
        }
    }

    fn next(&mut self) -> Option<char> {
        let c = self.rest.next();
        self.line += usize::from(c == Some('\n'));
        c
    }

    fn skip_space(&mut self) {
        while self
            .rest
            .peek()
            .is_some_and(|c| c.is_whitespace() || *c == '\u{feff}')
        {
            self.next();
        }
    }

    fn value(&mut self) -> Option<Node> {
        self.nested(0)
    }

    fn nested(&mut self, depth: usize) -> Option<Node> {
        if depth > 200 {
            return None;
        }
        self.skip_space();
        let line = self.line;
        let value = match *self.rest.peek()? {
            '{' => {
                let mut entries = Vec::new();
                self.next();
                loop {
                    self.skip_space();
                    match self.rest.peek()? {
                        '}' => break,
                        ',' | ':' => {
                            self.next();
                        }
                        _ => {
                            let key = self.string()?;
                            self.skip_space();
                            self.next();
                            entries.push((key, self.nested(depth + 1)?));
                        }
                    }
                }
                self.next();
                Shape::Object(entries)
            }
            '[' => {
                let mut items = Vec::new();
                self.next();
                loop {
                    self.skip_space();
                    match self.rest.peek()? {
                        ']' => break,
                        ',' => {
                            self.next();
                        }
                        _ => items.push(self.nested(depth + 1)?),
                    }
                }
                self.next();
                Shape::Array(items)
            }
            '"' => Shape::String(self.string()?),
            _ => {
                while self
                    .rest
                    .peek()
                    .is_some_and(|c| !",]}".contains(*c) && !c.is_whitespace())
                {
                    self.next();
                }
                Shape::Other
            }
        };
        Some(Node { line, value })
    }

    fn string(&mut self) -> Option<String> {
        let mut raw = String::from(self.next()?);
        loop {
            let c = self.next()?;
            raw.push(c);
            match c {
                '"' => break,
                '\\' => raw.push(self.next()?),
                _ => {}
            }
        }
        serde_json::from_str(&raw).ok()
    }
}

/// The line on which the parts of a path stand, one after the other.
fn line_in_sql(text: &str, path: &[String]) -> Option<usize> {
    let mut at = 0;
    for part in path {
        if matches!(part.as_str(), "element" | "key" | "value") && path.len() > 1 {
            continue;
        }
        at += word(text.get(at..)?, part)?;
    }
    Some(text.get(..at)?.matches('\n').count() + 1)
}

/// The offset behind the first place where `word` stands alone.
fn word(text: &str, word: &str) -> Option<usize> {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    text.match_indices(word).find_map(|(at, found)| {
        let end = at + found.len();
        let before = text.get(..at)?.chars().next_back();
        let after = text.get(end..)?.chars().next();
        let alone = !before.is_some_and(is_word) && !after.is_some_and(is_word);
        // Behind a dot it is part of a table's name.
        (alone && before != Some('.')).then_some(end)
    })
}

/// Files of Rust, and the records in them.
#[derive(Debug, Default)]
pub(crate) struct Code {
    files: Vec<(PathBuf, String)>,
}

impl Code {
    /// Reads files, and what lies in folders.
    pub(crate) fn open(paths: &[PathBuf]) -> std::io::Result<Self> {
        let mut code = Self::default();
        for path in paths {
            code.add(path, 0).map_err(|error| {
                std::io::Error::new(error.kind(), format!("{}: {error}", path.display()))
            })?;
        }
        Ok(code)
    }

    fn add(&mut self, path: &Path, depth: usize) -> std::io::Result<()> {
        if !path.is_dir() {
            let text = fs::read_to_string(path)?;
            if text.contains("zerobus") {
                self.files.push((path.to_owned(), text));
            }
            return Ok(());
        }
        let mut entries: Vec<PathBuf> = fs::read_dir(path)?
            .map(|entry| entry.map(|entry| entry.path()))
            .collect::<Result<_, _>>()?;
        entries.sort();
        for entry in entries {
            let is_rust = entry.extension().is_some_and(|ending| ending == "rs");
            let hidden = entry
                .file_name()
                .is_some_and(|name| name == "target" || name.to_string_lossy().starts_with('.'));
            let is_folder = entry.is_dir() && !entry.is_symlink() && !hidden;
            if (is_rust || is_folder) && depth < CODE_DEPTH_MAX && self.files.len() < CODE_FILES_MAX
            {
                self.add(&entry, depth + 1)?;
            }
        }
        Ok(())
    }

    /// The field of a table's record that carries a column, as far as the text tells; for a column that no record has,
    /// the line that binds the record to the table.
    pub(crate) fn place(&self, table: &str, path: &ColumnPath) -> Option<Place> {
        let bound = format!("\"{table}\"");
        for (file, text) in &self.files {
            let lines: Vec<&str> = text.lines().collect();
            let Some(start) = lines
                .iter()
                .position(|line| line.contains("table") && line.contains(&bound))
            else {
                continue;
            };
            let mut line = start;
            for part in path.parts() {
                match field_line(&lines, line, part) {
                    Some(found) => line = found,
                    None => break,
                }
            }
            return Some(Place {
                file: file.clone(),
                line: line + 1,
            });
        }
        None
    }

    /// Every table that a record is bound to, with the place of the binding.
    pub(crate) fn tables(&self) -> Vec<(String, Place)> {
        let mut found = Vec::new();
        for (file, text) in &self.files {
            for (at, _) in text.match_indices("zerobus(") {
                let before = text.get(..at).unwrap_or("");
                let line_start = before.rfind('\n').map_or(0, |at| at + 1);
                let commented = text
                    .get(line_start..at)
                    .is_some_and(|line| line.contains("//"));
                let attribute = text.get(at..).and_then(|rest| rest.split(")]").next());
                // A record with a file of its own has its snapshot elsewhere.
                let bound = attribute
                    .filter(|attribute| !commented && value(attribute, "schema").is_none())
                    .and_then(|attribute| value(attribute, "table"));
                if let Some(name) = bound {
                    let place = Place {
                        file: file.clone(),
                        line: before.matches('\n').count() + 1,
                    };
                    found.push((name.to_owned(), place));
                }
            }
        }
        found
    }
}

/// The string that an attribute gives a key: `key = "…"`.
fn value<'a>(attribute: &'a str, key: &str) -> Option<&'a str> {
    let start = word(attribute, key)?;
    let rest = attribute.get(start..)?.trim_start().strip_prefix('=')?;
    let (text, _) = rest.trim_start().strip_prefix('"')?.split_once('"')?;
    Some(text)
}

/// The next line that declares a field for the column.
fn field_line(lines: &[&str], from: usize, column: &str) -> Option<usize> {
    let renamed = format!("rename = {column:?}");
    let declares = |line: &str| {
        let line = line.trim_start();
        let line = line.strip_prefix("pub ").unwrap_or(line);
        let (name, _) = line.split_once(':')?;
        let name = name.rsplit(' ').next()?.trim();
        Some(name.strip_prefix("r#").unwrap_or(name) == column)
    };
    let is = |line: &&str| line.contains(&renamed) || declares(line) == Some(true);
    Some(from + lines.get(from..)?.iter().position(is)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn path(parts: &[&str]) -> ColumnPath {
        parts
            .iter()
            .fold(ColumnPath::default(), |path, part| path.child(part))
    }

    #[test]
    fn columns_of_a_snapshot_have_lines() {
        let ddl = "CREATE TABLE a.b.t (id INT, l ARRAY<STRUCT<m: INT, n: STRING>>, m MAP<STRING, STRUCT<m: INT>>)";
        let table = zerobus_schema::ddl::parse_create_table(ddl).unwrap();
        let json = zerobus_schema::Snapshot::new(table).to_json();
        let text = Text::new(Path::new("t.json"), json.clone());
        for parts in [
            &["id"][..],
            &["l"],
            &["l", "element", "n"],
            &["m", "value", "m"],
        ] {
            let place = text.place(&path(parts)).unwrap();
            let line = json.lines().nth(place.line - 1).unwrap();
            assert_eq!(
                line.trim(),
                format!("\"name\": {:?},", parts.last().unwrap())
            );
        }
        assert_eq!(text.place(&path(&["none"])), None);
    }

    #[test]
    fn columns_of_ddl_have_lines() {
        let sql = "CREATE TABLE main.id.t (\n  id INT,\n  ids ARRAY<STRUCT<\n    m: INT>>\n)";
        let text = Text::new(Path::new("t.sql"), sql.to_owned());
        let line = |parts: &[&str]| text.place(&path(parts)).map(|place| place.line);
        assert_eq!(line(&["id"]), Some(2));
        assert_eq!(line(&["ids", "element", "m"]), Some(4));
        assert_eq!(line(&["x"]), None);
    }

    #[test]
    fn a_field_of_a_record_has_a_line() {
        let code = Code {
            files: vec![(
                "src/record.rs".into(),
                "#[derive(ZerobusRecord)]\n#[zerobus(table = \"a.b.t\")]\nstruct T {\n    pub id: i64,\n    #[zerobus(rename = \"Temp\")]\n    t: i32,\n    r#type: String,\n}\n".into(),
            )],
        };
        let line = |part: &str| code.place("a.b.t", &path(&[part])).map(|place| place.line);
        assert_eq!(line("id"), Some(4));
        assert_eq!(line("Temp"), Some(5));
        assert_eq!(line("type"), Some(7));
        assert_eq!(line("none"), Some(2));
        assert_eq!(code.place("a.b.other", &path(&["id"])), None);
        let tables: Vec<_> = code.tables().into_iter().map(|(name, _)| name).collect();
        assert_eq!(tables, ["a.b.t"]);
    }

    #[test]
    fn bindings_are_found_however_they_are_written() {
        let text = "#[zerobus(\n    table = \"a.b.c\",\n)]\nstruct A;\n// #[zerobus(table = \"no.no.no\")]\n#[zerobus(table=\"d.e.f\", schema = \"x.json\")]\nstruct B;\n#[zerobus(rename = \"table\")]\n#[zerobus(crate = x, table = \"g.h.i\")]\n";
        let code = Code {
            files: vec![("a.rs".into(), text.into())],
        };
        let tables = code
            .tables()
            .into_iter()
            .map(|(name, place)| (name, place.line));
        let tables: Vec<_> = tables.collect();
        assert_eq!(tables, [("a.b.c".to_owned(), 1), ("g.h.i".to_owned(), 9)]);
    }
}
