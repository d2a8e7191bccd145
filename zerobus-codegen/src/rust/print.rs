use std::fmt::Write as _;

use zerobus_schema::mapping::{self, Mapping};
use zerobus_schema::proto::{FieldKind, MapValue, Message};
use zerobus_schema::{ColumnPath, DataType, StructField, StructType, TableName, TableSchema};

use super::RustOptions;
use super::names::{Names, is_snake_case, type_name};

/// A struct that is still to be printed.
struct Pending<'a> {
    name: String,
    /// Where it lies; empty for the record.
    path: ColumnPath,
    fields: &'a StructType,
    message: &'a Message,
}

/// The record's struct, then those of its STRUCT columns, outer ones first.
pub(super) fn structs(
    table_name: &TableName,
    name: &str,
    table: &TableSchema,
    mapping: &Mapping,
    options: &RustOptions,
) -> String {
    let mut printer = Printer {
        out: String::new(),
        types: Names::of_types(),
        options,
    };
    let mut pending = std::collections::VecDeque::from([Pending {
        name: printer.types.give(name),
        path: ColumnPath::default(),
        fields: &table.columns,
        message: &mapping.message,
    }]);
    let mut table_name = Some(table_name);
    while let Some(next) = pending.pop_front() {
        // The outermost comes first, and it alone is bound to the table.
        let nested = printer.print(&next, table_name.take());
        pending.extend(nested);
    }
    printer.out
}

struct Printer<'a> {
    out: String,
    types: Names,
    options: &'a RustOptions,
}

impl Printer<'_> {
    fn print<'a>(&mut self, this: &Pending<'a>, table: Option<&TableName>) -> Vec<Pending<'a>> {
        let options = self.options;
        if table.is_none() {
            self.out.push('\n');
        }
        let derives = options.derives.iter().map(String::as_str);
        let record = format!("::{}::ZerobusRecord", options.record_crate);
        let derives: Vec<&str> = derives.chain([record.as_str()]).collect();
        match table {
            Some(table) => {
                let _ = writeln!(self.out, "/// A row of {}.", code(&table.to_string()));
            }
            None => {
                let _ = writeln!(self.out, "/// A value of {}.", code(&this.path.to_string()));
            }
        }
        // What the mapping left out (computed by the table, or refused and nullable) is no field.
        let columns: Vec<&'a StructField> = this
            .fields
            .fields
            .iter()
            .filter(|field| this.message.field(&field.name).is_some())
            .collect();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let names = Names::of_fields(&names);
        if !names.iter().all(|name| is_snake_case(name)) {
            self.out.push_str("#[allow(non_snake_case)]\n");
        }
        let _ = writeln!(self.out, "#[derive({})]", derives.join(", "));
        if let Some(table) = table {
            let schema = options
                .schema_file
                .as_ref()
                .map_or_else(String::new, |file| format!(", schema = {file:?}"));
            let _ = writeln!(
                self.out,
                "#[zerobus(table = {:?}{schema})]",
                table.to_string()
            );
        }
        let _ = writeln!(self.out, "pub struct {} {{", this.name);
        let mut nested = Vec::new();
        for (column, field) in columns.iter().zip(&names) {
            self.doc(column);
            if field.strip_prefix("r#").unwrap_or(field) != column.name {
                let _ = writeln!(self.out, "    #[zerobus(rename = {:?})]", column.name);
            }
            let rust = self.column_type(this, column, &mut nested);
            let _ = writeln!(self.out, "    pub {field}: {rust},");
        }
        self.out.push_str("}\n");
        nested
    }

    fn doc(&mut self, column: &StructField) {
        let mut line = code(&sql(&column.data_type));
        if !column.nullable {
            line.push_str(" NOT NULL");
        }
        if let Some(value) = mapping::row(innermost(&column.data_type)).and_then(|row| row.value) {
            line.push_str(": ");
            line.push_str(&escape(value));
        }
        let _ = writeln!(self.out, "    /// {line}");
        if let Some(comment) = column.comment() {
            self.out.push_str("    ///\n");
            for line in comment.lines() {
                let line = format!("    /// {}", escape(line.trim()));
                let _ = writeln!(self.out, "{}", line.trim_end());
            }
        }
    }

    fn column_type<'a>(
        &mut self,
        parent: &Pending<'a>,
        column: &'a StructField,
        nested: &mut Vec<Pending<'a>>,
    ) -> String {
        let message = match parent.message.field(&column.name).map(|field| &field.kind) {
            Some(
                FieldKind::Message(name)
                | FieldKind::Map {
                    value: MapValue::Message(name),
                    ..
                },
            ) => parent.message.message(name),
            _ => None,
        };
        let rust = match (nested_struct(&column.data_type), message) {
            (Some(fields), Some(message)) => {
                let mut name = type_name(&column.name);
                if self.types.has(&name) {
                    name = format!("{}{name}", parent.name);
                }
                let name = self.types.give(&name);
                nested.push(Pending {
                    name: name.clone(),
                    path: parent.path.child(&column.name),
                    fields,
                    message,
                });
                self.rust_type(&column.data_type, &name)
            }
            _ => self.rust_type(&column.data_type, ""),
        };
        match column.data_type {
            // The wire cannot tell NULL from empty here.
            DataType::Array(_) | DataType::Map(_) => rust,
            _ if column.nullable => format!("Option<{rust}>"),
            _ => rust,
        }
    }

    /// The type of a value; `nested` is the name of the struct somewhere in it.
    fn rust_type(&self, data_type: &DataType, nested: &str) -> String {
        match data_type {
            DataType::Struct(_) => nested.to_owned(),
            DataType::Array(array) => format!("Vec<{}>", self.rust_type(&array.element, nested)),
            DataType::Map(map) => format!(
                "::std::collections::BTreeMap<{}, {}>",
                self.rust_type(&map.key, ""),
                self.rust_type(&map.value, nested)
            ),
            scalar => {
                // The first that asks for no other crate.
                let rust = mapping::row(scalar)
                    .into_iter()
                    .flat_map(|row| row.rust)
                    .find(|carrier| carrier.feature.is_none() && !carrier.rust.contains("::"))
                    .map_or("()", |carrier| carrier.rust);
                let of_ours = rust.starts_with(|c: char| c.is_ascii_uppercase())
                    && !matches!(rust, "String" | "Vec<u8>");
                if of_ours {
                    format!("::{}::{rust}", self.options.record_crate)
                } else {
                    rust.to_owned()
                }
            }
        }
    }
}

fn nested_struct(data_type: &DataType) -> Option<&StructType> {
    match data_type {
        DataType::Struct(fields) => Some(fields),
        DataType::Array(array) => nested_struct(&array.element),
        DataType::Map(map) => nested_struct(&map.value),
        _ => None,
    }
}

/// The type as SQL, with the fields of a STRUCT left to the struct generated for it.
fn sql(data_type: &DataType) -> String {
    match data_type {
        DataType::Struct(_) => "STRUCT".to_owned(),
        DataType::Array(array) => format!("ARRAY<{}>", sql(&array.element)),
        DataType::Map(map) => format!("MAP<{}, {}>", sql(&map.key), sql(&map.value)),
        other => other.to_string(),
    }
}

/// The type whose values a reader of the code must know how to fill.
fn innermost(data_type: &DataType) -> &DataType {
    match data_type {
        DataType::Array(array) => innermost(&array.element),
        DataType::Map(map) => innermost(&map.value),
        other => other,
    }
}

/// Text as code within Markdown, where it can stand there.
fn code(text: &str) -> String {
    let escaped = escape(text);
    if text.contains('`') || escaped.len() < text.len() {
        escaped
    } else {
        format!("`{text}`")
    }
}

/// Text as Markdown that says just that: a table's comments may hold anything, and neither links, HTML, code that would be
/// tested, nor characters that turn the reading direction may come of it.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    // rustdoc complains of a bare URL, and sees none that is escaped.
    for (i, c) in text.char_indices() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {}
            ':' if text.get(i..).is_some_and(|rest| rest.starts_with("://")) => out.push_str("\\:"),
            c if c.is_control() || c == '\u{2028}' || c == '\u{2029}' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}
