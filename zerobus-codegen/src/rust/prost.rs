use std::collections::BTreeSet;
use std::fmt::Write as _;

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto};
use zerobus_schema::mapping;
use zerobus_schema::proto::{FieldKind, MapValue, Message};
use zerobus_schema::{DataType, Fingerprint, StructType, TableName, TableSchema};

use super::markdown;
use super::options::{
    Construct, DateTimeTypes, DecimalTypes, MapTypes, RustOptions, StringTypes, VariantTypes,
};
use super::types::nested_struct;
use super::{RustError, matches};

/// A message of prost, and the record trait on it. prost-build is given the descriptor, so no protoc is run.
pub(super) fn message(
    table_name: &TableName,
    name: &str,
    table: &TableSchema,
    options: &RustOptions,
) -> Result<String, RustError> {
    check_options(options)?;
    let mut mapping = options.mapping.clone();
    mapping.message_name = Some(name.to_owned());
    let message = mapping::message(table, &mapping).map_err(RustError::Refused)?;
    check_names(table_name, &message)?;
    let failed = |error: &dyn std::fmt::Display| {
        RustError::Options(format!("prost-build does not take {table_name}: {error}"))
    };
    let descriptor =
        DescriptorProto::decode(message.descriptor().as_slice()).map_err(|error| failed(&error))?;
    let file = FileDescriptorProto {
        name: Some("table.proto".to_owned()),
        message_type: vec![descriptor],
        syntax: Some("proto2".to_owned()),
        ..FileDescriptorProto::default()
    };
    let mut config = prost_build::Config::new();
    config.type_attribute(
        ".",
        "#[rustfmt::skip]\n#[allow(dead_code, unreachable_pub, clippy::all, clippy::pedantic)]",
    );
    let root = format!(".{name}");
    let title = format!("A row of {}.", markdown::code(&table_name.to_string()));
    config.type_attribute(&root, doc(&title));
    describe(&mut config, &root, &message, &table.columns);
    for (pattern, attribute) in &options.type_attributes {
        config.type_attribute(pattern, attribute);
    }
    for (pattern, attribute) in &options.field_attributes {
        config.field_attribute(pattern, attribute);
    }
    if options.map == MapTypes::BTreeMap {
        config.btree_map(["."]);
    }
    let module = prost_build::Module::from_protobuf_package_name("");
    let modules = config
        .generate(vec![(module, file)])
        .map_err(|error| failed(&error))?;
    let mut out: String = modules.into_values().collect();
    out = out.replace(
        "pub mod ",
        "#[rustfmt::skip]\n#[allow(dead_code, unreachable_pub)]\npub mod ",
    );
    if let Some(field) = repeated_field(&out) {
        return Err(RustError::Options(format!(
            "{table_name}: prost gives two columns the field `{field}`; take style `record`, or rename one"
        )));
    }
    implementation(&mut out, table_name, name, table, options, &message);
    Ok(out)
}

/// What messages of prost have no choice about is not asked for in vain.
fn check_options(options: &RustOptions) -> Result<(), RustError> {
    let refused = [
        ("skip", !options.skip.is_empty()),
        ("date_time", options.date_time != DateTimeTypes::default()),
        ("decimal", options.decimal != DecimalTypes::default()),
        ("string", options.string != StringTypes::default()),
        ("variant", options.variant != VariantTypes::default()),
        ("construct", options.construct != Construct::default()),
    ];
    if let Some((setting, _)) = refused.iter().find(|(_, set)| *set) {
        return Err(RustError::Options(format!(
            "style `prost` has the types and fields of prost; `{setting}` is for style `record`"
        )));
    }
    let attributes = options
        .type_attributes
        .iter()
        .chain(&options.field_attributes);
    for (pattern, attribute) in attributes {
        if !matches(pattern, &[]) {
            return Err(RustError::Options(format!(
                "{attribute}: style `prost` takes attributes for every struct and field, at `.`, alone"
            )));
        }
    }
    Ok(())
}

/// prost-build makes no identifier of these.
fn check_names(table: &TableName, message: &Message) -> Result<(), RustError> {
    let bare = |name: &str| name.chars().all(|c| c == '_');
    if let Some(field) = message.fields.iter().find(|field| bare(&field.name)) {
        return Err(RustError::Options(format!(
            "{table}: prost has no field for a column called `{}`; take style `record`, or rename it",
            field.name
        )));
    }
    message
        .messages
        .iter()
        .try_for_each(|nested| check_names(table, nested))
}

/// Documents the fields of a message and the messages in it.
fn describe(config: &mut prost_build::Config, path: &str, message: &Message, fields: &StructType) {
    for column in &fields.fields {
        let Some(field) = message.field(&column.name) else {
            continue;
        };
        for line in markdown::column(column) {
            config.field_attribute(format!("{path}.{}", field.name), doc(&line));
        }
        let (FieldKind::Message(name)
        | FieldKind::Map {
            value: MapValue::Message(name),
            ..
        }) = &field.kind
        else {
            continue;
        };
        if let (Some(nested), Some(fields)) =
            (message.message(name), nested_struct(&column.data_type))
        {
            let path = format!("{path}.{name}");
            let title = format!("A value of {}.", markdown::code(&column.name));
            config.type_attribute(&path, doc(&title));
            describe(config, &path, nested, fields);
        }
    }
}

fn doc(line: &str) -> String {
    format!("#[doc = {:?}]", format!(" {line}"))
}

/// A field that stands twice in one struct: prost's names in snake case are not always distinct.
fn repeated_field(code: &str) -> Option<&str> {
    let mut seen = BTreeSet::new();
    for line in code.lines() {
        let line = line.trim_start();
        if line.starts_with("pub struct ") {
            seen.clear();
        } else if let Some((name, _)) = line
            .strip_prefix("pub ")
            .and_then(|rest| rest.split_once(": "))
            && !seen.insert(name)
        {
            return Some(name);
        }
    }
    None
}

fn implementation(
    out: &mut String,
    table_name: &TableName,
    name: &str,
    table: &TableSchema,
    options: &RustOptions,
    message: &Message,
) {
    let krate = format!("::{}", options.record_crate);
    let _ = write!(
        out,
        "\n#[rustfmt::skip]\nimpl {krate}::ZerobusRecord for {name} {{\n    const TABLE: &'static str = {:?};\n    const FINGERPRINT: {krate}::Fingerprint = {krate}::Fingerprint::from_bytes({:?});\n    const COLUMNS: &'static [{krate}::ColumnInfo] = &[\n",
        table_name.to_string(),
        Fingerprint::of(table).as_bytes()
    );
    table.visit_fields(&mut |path, field| {
        let mut column = format!(
            "{krate}::ColumnInfo::new({:?}, {:?}, {})",
            path.to_string(),
            field.data_type.to_string(),
            field.nullable
        );
        let source = match (field.generation_expression(), field.is_identity()) {
            (Some(_), _) => Some("Generated"),
            (None, true) => Some("Identity"),
            (None, false) => None,
        };
        if let Some(source) = source {
            let _ = write!(column, ".with_source({krate}::ColumnSource::{source})");
        }
        let top = path.parts().first();
        if top.is_some_and(|top| message.field(top).is_none()) {
            column.push_str(".left_out()");
        } else if field.nullable && matches!(field.data_type, DataType::Array(_) | DataType::Map(_))
        {
            // A collection, which prost has no `Option` of.
            column.push_str(".never_null()");
        }
        let _ = writeln!(out, "        {column},");
    });
    let _ = write!(
        out,
        "    ];\n    const DESCRIPTOR: &'static [u8] = &{:?};\n\n    fn encode(&self, out: &mut Vec<u8>) -> Result<(), {krate}::RecordError> {{\n        ::prost::Message::encode(self, out)\n            .map_err(|error| {krate}::RecordError::new(\"room for a record\", error.to_string()))\n    }}\n}}\n",
        message.descriptor()
    );
}
