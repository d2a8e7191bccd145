use std::path::PathBuf;

use zerobus_codegen::{RustOptions, ddl, descriptor, proto, rust};
use zerobus_schema::TableSchema;
use zerobus_schema::mapping::MappingOptions;

use crate::args::{Generation, What};
use crate::exit::{Exit, Failure};
use crate::input::{Reader, table_argument};
use crate::output;

/// Generates one thing from one table.
pub(crate) fn generate(what: &What) -> Result<Exit, Failure> {
    let (args, extension) = match what {
        What::Proto(args) => (args, "proto"),
        What::Rust(args) => (args, "rs"),
        What::Descriptor(args) => (args, "descriptor"),
        What::Ddl(args) => (args, "sql"),
    };
    let name = table_argument(args.table.as_ref())?;
    if let Some(message) = &args.proto_msg
        && !is_identifier(message)
    {
        return Err(Failure::usage(format!(
            "--proto-msg: `{message}` is no name of a message; take letters, digits and underscores, no digit first"
        )));
    }
    let mut reader = Reader::new(&args.connection);
    let input = match (&args.source, &name) {
        (Some(source), _) => reader.read(source)?,
        (None, Some(name)) => reader.fetch(name).map_err(Failure::failed)?,
        (None, None) => return Err(Failure::usage("no SOURCE given")),
    };
    let (table, stem) = input.one(name.as_ref())?;
    let file_stem = table
        .table
        .as_ref()
        .map(|name| name.table().to_owned())
        .or_else(|| stem.clone())
        .unwrap_or_else(|| "record".to_owned());
    let path = output_path(args, &file_stem, extension);
    if matches!(what, What::Descriptor(_)) && path.is_none() && output::is_terminal() {
        return Err(Failure::usage(
            "a descriptor is binary; name a file with -o, or send the output elsewhere than to a terminal",
        ));
    }
    let bytes = text(what, args, &table, stem).map_err(|error| match &table.table {
        Some(table) => Failure::failed(format!("{table}: cannot be generated\n{error}")),
        None => Failure::failed(error),
    })?;
    match path {
        None => output::data(&bytes)?,
        Some(path) => {
            output::file(&path, &bytes)?;
            output::note(&format!("wrote {}", path.display()));
        }
    }
    Ok(Exit::Fine)
}

fn text(
    what: &What,
    args: &Generation,
    table: &TableSchema,
    stem: Option<String>,
) -> Result<Vec<u8>, String> {
    let mut mapping = MappingOptions::default();
    mapping.omit_refused = args.omit_refused;
    mapping.allow_unproven_map_keys = args.allow_unproven_map_keys;
    mapping.message_name = match &args.proto_msg {
        Some(name) => Some(name.clone()),
        None if table.table.is_none() => stem,
        None => None,
    };
    match what {
        What::Proto(_) => proto(table, &mapping)
            .map(String::into_bytes)
            .map_err(|error| error.to_string()),
        What::Descriptor(_) => descriptor(table, &mapping).map_err(|error| error.to_string()),
        What::Rust(_) => {
            let mut options = RustOptions::default();
            options.mapping = mapping;
            rust(table, &options)
                .map(String::into_bytes)
                .map_err(|error| error.to_string())
        }
        What::Ddl(_) => Ok(ddl(table).into_bytes()),
    }
}

/// `--output` within `--output-dir`, as the official generator has it; `None` for the standard output.
fn output_path(args: &Generation, stem: &str, extension: &str) -> Option<PathBuf> {
    let file = || PathBuf::from(format!("{stem}.{extension}"));
    match (&args.output, &args.output_dir) {
        (None, None) => None,
        (Some(output), _) if output.as_os_str() == "-" => None,
        (Some(output), None) => Some(output.clone()),
        (output, Some(folder)) => Some(folder.join(output.clone().unwrap_or_else(file))),
    }
}

fn is_identifier(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}
