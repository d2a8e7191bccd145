use std::path::{Path, PathBuf};

use zerobus_codegen::RustOptions;
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{TableName, TableRef, TableSchema};

use crate::args::{Generate, Generation, What};
use crate::exit::{Exit, Failure};
use crate::input::{Reader, table_argument};
use crate::output::{self, Written};
use crate::outputs::{self, Rendered, Snapshots, State};
use crate::project::{FILE, Kind, Project};
use crate::proto_file::{ProtoFile, is_identifier};
use crate::rust_settings;

/// Generates one kind of thing from tables, or the outputs that `zerobus.toml` lists.
pub(crate) fn generate(args: &Generate) -> Result<Exit, Failure> {
    let (args, kind) = match &args.what {
        None => return listed(&args.listed, None),
        Some(What::Proto(args)) => (args, Kind::Proto),
        Some(What::Descriptor(args)) => (args, Kind::Descriptor),
        Some(What::Ddl(args)) => (args, Kind::Ddl),
        Some(What::Rust(args)) => {
            let options = rust_settings::of_args(&args.settings).map_err(Failure::usage)?;
            if args.generation.is_listed() && args.settings.any() {
                return Err(Failure::usage(
                    "the settings of listed outputs stand in zerobus.toml; name a SOURCE to generate with others",
                ));
            }
            return sources_or_listed(&args.generation, Kind::Rust, &options);
        }
    };
    sources_or_listed(args, kind, &RustOptions::default())
}

fn sources_or_listed(args: &Generation, kind: Kind, rust: &RustOptions) -> Result<Exit, Failure> {
    if args.is_listed() {
        let own = args.output.is_some()
            || args.output_dir.is_some()
            || args.proto_msg.is_some()
            || args.skip_unsupported
            || args.allow_unproven_map_keys;
        if own {
            return Err(Failure::usage("no SOURCE given"));
        }
        return listed(&args.listed, Some(kind));
    }
    if args.listed.config.is_some() || args.listed.schemas.is_some() {
        return Err(Failure::usage(
            "--config and --schemas are about the outputs of zerobus.toml, and a SOURCE is given",
        ));
    }
    let name = table_argument(args.table.as_ref())?;
    if let Some(message) = &args.proto_msg
        && !is_identifier(message)
    {
        return Err(Failure::usage(format!(
            "--proto-msg: `{message}` is no name of a message; take letters, digits and underscores, no digit first"
        )));
    }
    if args.proto_msg.is_some() && matches!(kind, Kind::Rust | Kind::Ddl) {
        return Err(Failure::usage(format!(
            "--proto-msg names a message, and {} has none; what it makes is named after the table",
            kind.as_str()
        )));
    }
    if kind == Kind::Ddl && (args.skip_unsupported || args.allow_unproven_map_keys) {
        return Err(Failure::usage(
            "--skip-unsupported and --allow-unproven-map-keys are about messages; ddl writes every column",
        ));
    }
    let file =
        ProtoFile::new(kind, args.package.as_deref(), args.file_set).map_err(Failure::usage)?;
    let files = sources(args, kind, rust, &file, name.as_ref())?;
    if args.listed.check {
        return check(&files);
    }
    for file in &files {
        write(file)?;
    }
    Ok(Exit::Fine)
}

/// The outputs that `zerobus.toml` lists, of one kind or all.
fn listed(args: &crate::args::Listed, kind: Option<Kind>) -> Result<Exit, Failure> {
    let project = Project::open(args.config.as_deref(), args.schemas.as_deref())?;
    let outputs: Vec<_> = project
        .outputs
        .iter()
        .filter(|output| kind.is_none_or(|kind| output.kind == kind))
        .collect();
    if outputs.is_empty() {
        let what = kind.map_or("output", Kind::as_str);
        return Err(Failure::usage(match &project.file {
            Some(file) => format!("no SOURCE given, and {} lists no {what}", file.display()),
            None => format!("no SOURCE given, and there is no {FILE} here or above"),
        }));
    }
    let snapshots = Snapshots::open(&project.schemas).map_err(Failure::failed)?;
    if let Some((_, error)) = snapshots.errors.first() {
        return Err(Failure::failed(error));
    }
    let mut files = Vec::new();
    for output in outputs {
        files.extend(outputs::files(output, &snapshots.tables).map_err(Failure::failed)?);
    }
    if args.check {
        return check(&files);
    }
    for file in &files {
        write(file)?;
    }
    Ok(Exit::Fine)
}

/// Whether each file on disk is current, a line for each that is not.
fn check(files: &[Rendered]) -> Result<Exit, Failure> {
    let mut exit = Exit::Fine;
    for file in files {
        if file.path.as_os_str().is_empty() {
            return Err(Failure::usage(
                "--check compares with a file; name it with -o or --output-dir",
            ));
        }
        let path = file.path.display();
        let line = match file.state().map_err(Failure::failed)? {
            State::Current => {
                output::note(&format!("current {path}"));
                continue;
            }
            State::Missing => format!("missing {path}\n"),
            State::Stale(line) => format!("stale {path}:{line}\n"),
        };
        exit = Exit::Findings;
        output::data(line.as_bytes())?;
    }
    Ok(exit)
}

fn write(file: &Rendered) -> Result<(), Failure> {
    if file.path.as_os_str().is_empty() {
        return output::data(&file.bytes);
    }
    let path = file.path.display();
    match output::file(&file.path, &file.bytes)? {
        Written::Changed => output::note(&format!("wrote {path}")),
        Written::Unchanged => output::note(&format!("unchanged {path}")),
    }
    Ok(())
}

/// What comes of the SOURCEs; a path that is empty is the standard output.
fn sources(
    args: &Generation,
    kind: Kind,
    rust: &RustOptions,
    file: &ProtoFile,
    name: Option<&TableName>,
) -> Result<Vec<Rendered>, Failure> {
    let mut reader = Reader::new(&args.connection);
    let mut tables: Vec<(TableSchema, Option<String>)> = Vec::new();
    if args.sources.is_empty() {
        let name = name.ok_or_else(|| Failure::usage("no SOURCE given"))?;
        let input = reader.fetch(name).map_err(Failure::failed)?;
        tables.push(input.one(Some(name))?);
    } else {
        if name.is_some() && args.sources.len() > 1 {
            return Err(Failure::usage(
                "--table names the table of one source, and several are given",
            ));
        }
        for input in reader.read_all(&args.sources) {
            let input = input?;
            if name.is_some() {
                tables.push(input.one(name)?);
            } else {
                let stem = input.stem.clone();
                tables.extend(input.tables.into_iter().map(|table| (table, stem.clone())));
            }
        }
    }
    if kind == Kind::Rust && tables.len() > 1 && args.output_dir.is_none() {
        // Records of several tables go well in one file.
        let tables: Vec<TableSchema> = tables.into_iter().map(|(table, _)| table).collect();
        let path = output_path(args, "records", kind.extension()).unwrap_or_default();
        let mapping = mapping_options(args);
        let bytes = outputs::render_rust(&tables, &mapping, rust).map_err(Failure::failed)?;
        for table in &tables {
            note_left_out(table, &mapping);
        }
        return Ok(vec![Rendered { path, bytes }]);
    }
    let several = tables.len() > 1;
    if several && (args.output.is_some() || args.proto_msg.is_some()) {
        return Err(Failure::failed(format!(
            "{} tables in the source; name one of them with --table, or write a file for each with --output-dir",
            tables.len()
        )));
    }
    if several && args.output_dir.is_none() && kind != Kind::Ddl {
        return Err(Failure::failed(format!(
            "{} tables in the source; name one of them with --table, or write a file for each with --output-dir",
            tables.len()
        )));
    }
    let mut files: Vec<Rendered> = Vec::new();
    for (mut table, stem) in tables {
        let file_stem = table
            .table
            .as_ref()
            .map(|name| name.table().to_owned())
            .or_else(|| stem.clone())
            .unwrap_or_else(|| "record".to_owned());
        let path = output_path(args, &file_stem, kind.extension());
        let to_stdout = path.is_none() && !args.listed.check;
        if kind == Kind::Descriptor && to_stdout && output::is_terminal() {
            return Err(Failure::usage(
                "a descriptor is binary; name a file with -o, or send the output elsewhere than to a terminal",
            ));
        }
        let path = path.unwrap_or_default();
        if !path.as_os_str().is_empty() && files.iter().any(|file| file.path == path) {
            return Err(Failure::failed(format!(
                "{}: two tables would be written to it; generate them one by one",
                path.display()
            )));
        }
        let mut mapping = mapping_options(args);
        mapping.message_name = match &args.proto_msg {
            Some(name) => Some(name.clone()),
            None if table.table.is_none() => stem,
            None => None,
        };
        if kind == Kind::Ddl && table.table.is_none() {
            // The name that the message would have.
            let name = mapping::map(&table, &mapping).message.name;
            table.table = TableRef::parse(&name).ok();
        }
        let bytes = outputs::render(kind, &table, &mapping, rust, file).map_err(Failure::failed)?;
        if kind != Kind::Ddl {
            note_left_out(&table, &mapping);
        }
        files.push(Rendered { path, bytes });
    }
    Ok(files)
}

/// Says what no record will carry.
fn note_left_out(table: &TableSchema, options: &MappingOptions) {
    for refusal in mapping::map(table, options).omitted {
        output::note(&format!("left out: {refusal}"));
    }
}

fn mapping_options(args: &Generation) -> MappingOptions {
    let mut mapping = MappingOptions::default();
    mapping.skip_unsupported = args.skip_unsupported;
    mapping.allow_unproven_map_keys = args.allow_unproven_map_keys;
    mapping
}

/// `--output` within `--output-dir`, as the official generator has it; `None` for the standard output.
fn output_path(args: &Generation, stem: &str, extension: &str) -> Option<PathBuf> {
    let file = || PathBuf::from(format!("{stem}.{extension}"));
    match (&args.output, &args.output_dir) {
        (None, None) => None,
        (Some(output), _) if output.as_path() == Path::new("-") => None,
        (Some(output), None) => Some(output.clone()),
        (output, Some(folder)) => Some(folder.join(output.clone().unwrap_or_else(file))),
    }
}
