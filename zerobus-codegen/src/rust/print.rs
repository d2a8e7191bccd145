use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write as _;

use zerobus_schema::mapping::Mapping;
use zerobus_schema::proto::{FieldKind, MapValue, Message};
use zerobus_schema::rust::{is_snake_case, type_name};
use zerobus_schema::{ColumnPath, DataType, StructField, StructType, TableName, TableSchema};

use super::names::Names;
use super::options::{RustOptions, matches};
use super::types::{borrows, nested_struct, rust_type};
use super::{construct, markdown};

/// Names and comments are the table's, not every column is used by everyone, and a file that is checked in must not become
/// another one by `cargo fmt`.
pub(super) const ALLOW: &str =
    "#[rustfmt::skip]\n#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]\n";

/// A struct that is still to be printed.
struct Pending<'a> {
    name: String,
    /// Where it lies; empty for the record.
    path: ColumnPath,
    fields: &'a StructType,
    message: &'a Message,
}

/// A field of a struct as it stands in code.
pub(super) struct PrintedField<'a> {
    pub(super) name: String,
    pub(super) rust: String,
    pub(super) column: &'a StructField,
}

/// The record's struct, and in a module beside it those of its STRUCT columns, outer ones first.
pub(super) fn structs(
    table_name: &TableName,
    name: &str,
    module: &str,
    table: &TableSchema,
    mapping: &Mapping,
    options: &RustOptions,
) -> String {
    let mut printer = Printer {
        types: Names::of_types(),
        options,
        table: table_name,
        module,
        lifetimes: BTreeMap::new(),
    };
    let record = Pending {
        name: name.to_owned(),
        path: ColumnPath::default(),
        fields: &table.columns,
        message: &mapping.message,
    };
    let (mut out, nested) = printer.print(&record);
    let mut pending = VecDeque::from(nested);
    let mut inner = String::new();
    while let Some(next) = pending.pop_front() {
        let (code, nested) = printer.print(&next);
        if !inner.is_empty() {
            inner.push('\n');
        }
        inner.push_str(&code);
        pending.extend(nested);
    }
    if !inner.is_empty() {
        let _ = write!(
            out,
            "\n/// The structs within a [`{name}`].\n{ALLOW}pub mod {module} {{\n{}}}\n",
            indent(&inner)
        );
    }
    out
}

struct Printer<'a> {
    types: Names,
    options: &'a RustOptions,
    table: &'a TableName,
    module: &'a str,
    /// Whether the struct at a path borrows.
    lifetimes: BTreeMap<ColumnPath, bool>,
}

impl Printer<'_> {
    fn print<'a>(&mut self, this: &Pending<'a>) -> (String, Vec<Pending<'a>>) {
        let options = self.options;
        let is_record = this.path.parts().is_empty();
        let mut out = String::new();
        let columns = self.columns(this);
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let names = Names::of_fields(&names);
        let mut nested = Vec::new();
        let mut fields: Vec<PrintedField<'a>> = Vec::new();
        for (column, name) in columns.iter().zip(names) {
            let rust = self.column_type(this, column, &mut nested);
            fields.push(PrintedField { name, rust, column });
        }
        let lifetime = if self.borrows(this) { "<'a>" } else { "" };

        let what = if is_record { "row" } else { "value" };
        let place = if is_record {
            self.table.to_string()
        } else {
            this.path.to_string()
        };
        let _ = writeln!(out, "/// A {what} of {}.", markdown::code(&place));
        if is_record {
            out.push_str(ALLOW);
        }
        if !fields.iter().all(|field| is_snake_case(&field.name)) {
            out.push_str("#[allow(non_snake_case)]\n");
        }
        let record = format!("::{}::ZerobusRecord", options.record_crate);
        let derives = options.derives.iter().map(String::as_str);
        let derives: Vec<&str> = derives.chain([record.as_str()]).collect();
        let _ = writeln!(out, "#[derive({})]", derives.join(", "));
        if is_record {
            let schema = options
                .schema_file
                .as_ref()
                .map_or_else(String::new, |file| format!(", schema = {file:?}"));
            let table = self.table.to_string();
            let _ = writeln!(out, "#[zerobus(table = {table:?}{schema})]");
        }
        let path = self.full_path(&this.path);
        for (_, attribute) in at(&options.type_attributes, &path) {
            let _ = writeln!(out, "{attribute}");
        }
        let _ = writeln!(out, "pub struct {}{lifetime} {{", this.name);
        for field in &fields {
            for line in markdown::column(field.column) {
                let _ = writeln!(out, "{}", format!("    /// {line}").trim_end());
            }
            let column = &field.column.name;
            if field.name.strip_prefix("r#").unwrap_or(&field.name) != column {
                let _ = writeln!(out, "    #[zerobus(rename = {column:?})]");
            }
            let mut path = path.clone();
            path.push(column.clone());
            for (_, attribute) in at(&options.field_attributes, &path) {
                let _ = writeln!(out, "    {attribute}");
            }
            let _ = writeln!(out, "    pub {}: {},", field.name, field.rust);
        }
        out.push_str("}\n");
        construct::print(&mut out, options.construct, &this.name, lifetime, &fields);
        (out, nested)
    }

    /// What the mapping left out (computed by the table, or refused and nullable), and what is left out by choice, is no
    /// field.
    fn columns<'a>(&self, this: &Pending<'a>) -> Vec<&'a StructField> {
        let mut path = self.full_path(&this.path);
        this.fields
            .fields
            .iter()
            .filter(|field| this.message.field(&field.name).is_some())
            .filter(|field| {
                path.push(field.name.clone());
                let skipped = self.options.skip.iter().any(|skip| matches(skip, &path));
                path.pop();
                !skipped
            })
            .collect()
    }

    /// Catalog, schema, table and the parts of a column's path.
    fn full_path(&self, path: &ColumnPath) -> Vec<String> {
        let table = [
            self.table.catalog(),
            self.table.schema(),
            self.table.table(),
        ];
        let table = table.into_iter().map(str::to_owned);
        table.chain(path.parts().iter().cloned()).collect()
    }

    fn column_type<'a>(
        &mut self,
        parent: &Pending<'a>,
        column: &'a StructField,
        nested: &mut Vec<Pending<'a>>,
    ) -> String {
        let rust = match inner(parent, column) {
            Some((fields, message)) => {
                let mut name = type_name(&column.name);
                if self.types.has(&name) {
                    name = format!("{}{name}", parent.name);
                }
                let pending = Pending {
                    name: self.types.give(&name),
                    path: parent.path.child(&column.name),
                    fields,
                    message,
                };
                let module = if parent.path.parts().is_empty() {
                    format!("{}::", self.module)
                } else {
                    String::new()
                };
                let lifetime = if self.borrows(&pending) { "<'a>" } else { "" };
                let name = format!("{module}{}{lifetime}", pending.name);
                nested.push(pending);
                rust_type(self.options, &column.data_type, &name)
            }
            None => rust_type(self.options, &column.data_type, ""),
        };
        match column.data_type {
            // The wire cannot tell NULL from empty here.
            DataType::Array(_) | DataType::Map(_) => rust,
            _ if column.nullable => format!("Option<{rust}>"),
            _ => rust,
        }
    }

    /// Whether a struct, or one in it, holds something borrowed.
    fn borrows(&mut self, this: &Pending<'_>) -> bool {
        if let Some(known) = self.lifetimes.get(&this.path) {
            return *known;
        }
        let columns = self.columns(this);
        let borrowed = columns.iter().any(|column| {
            let within = inner(this, column).is_some_and(|(fields, message)| {
                let nested = Pending {
                    name: String::new(),
                    path: this.path.child(&column.name),
                    fields,
                    message,
                };
                self.borrows(&nested)
            });
            within || borrows(self.options, &column.data_type)
        });
        self.lifetimes.insert(this.path.clone(), borrowed);
        borrowed
    }
}

/// The struct that a column holds, with its message.
fn inner<'a>(
    parent: &Pending<'a>,
    column: &'a StructField,
) -> Option<(&'a StructType, &'a Message)> {
    let fields = nested_struct(&column.data_type)?;
    match &parent.message.field(&column.name)?.kind {
        FieldKind::Message(name)
        | FieldKind::Map {
            value: MapValue::Message(name),
            ..
        } => Some((fields, parent.message.message(name)?)),
        _ => None,
    }
}

/// What the options put at a path.
fn at<'a>(
    attributes: &'a [(String, String)],
    path: &'a [String],
) -> impl Iterator<Item = &'a (String, String)> {
    attributes
        .iter()
        .filter(move |(pattern, _)| matches(pattern, path))
}

fn indent(code: &str) -> String {
    code.lines()
        .map(|line| {
            if line.is_empty() {
                "\n".to_owned()
            } else {
                format!("    {line}\n")
            }
        })
        .collect()
}
