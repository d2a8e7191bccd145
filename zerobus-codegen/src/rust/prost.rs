use std::fmt::Write as _;

use prost::Message as _;
use prost_types::{DescriptorProto, FileDescriptorProto};
use zerobus_schema::mapping;
use zerobus_schema::proto::Message;
use zerobus_schema::{Fingerprint, TableName, TableSchema};

use super::{RustError, RustOptions};

/// A message of prost, and the record trait on it. prost-build is given the descriptor, so no protoc is run.
pub(super) fn message(
    table_name: &TableName,
    name: &str,
    table: &TableSchema,
    options: &RustOptions,
) -> Result<String, RustError> {
    if !options.skip.is_empty() {
        return Err(RustError::Options(
            "style `prost` has every column; `skip` is for style `record`".to_owned(),
        ));
    }
    let mut mapping = options.mapping.clone();
    mapping.message_name = Some(name.to_owned());
    let message = mapping::message(table, &mapping).map_err(RustError::Refused)?;
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
        "#[rustfmt::skip]\n#[allow(dead_code, missing_docs, unreachable_pub, clippy::all, clippy::pedantic)]",
    );
    for (pattern, attribute) in options
        .type_attributes
        .iter()
        .chain(&options.field_attributes)
    {
        if pattern != "." {
            return Err(RustError::Options(format!(
                "{attribute}: style `prost` takes attributes for every struct, at `.`, alone"
            )));
        }
    }
    for (pattern, attribute) in &options.type_attributes {
        config.type_attribute(pattern, attribute);
    }
    for (pattern, attribute) in &options.field_attributes {
        config.field_attribute(pattern, attribute);
    }
    if options.map == super::MapTypes::BTreeMap {
        config.btree_map(["."]);
    }
    let modules = config
        .generate(vec![(
            prost_build::Module::from_protobuf_package_name(""),
            file,
        )])
        .map_err(|error| failed(&error))?;
    let mut out: String = modules.into_values().collect();
    out = out.replace(
        "pub mod ",
        "#[rustfmt::skip]\n#[allow(dead_code, missing_docs, unreachable_pub)]\npub mod ",
    );
    implementation(&mut out, table_name, name, table, options, &message);
    Ok(out)
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
        }
        let _ = writeln!(out, "        {column},");
    });
    let _ = write!(
        out,
        "    ];\n    const DESCRIPTOR: &'static [u8] = &{:?};\n\n    fn encode(&self, out: &mut Vec<u8>) -> Result<(), {krate}::RecordError> {{\n        ::prost::Message::encode(self, out)\n            .map_err(|error| {krate}::RecordError::new(\"room for a record\", error.to_string()))\n    }}\n}}\n",
        message.descriptor()
    );
}
