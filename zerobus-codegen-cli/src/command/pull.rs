use zerobus_codegen::{SnapshotChange, save_snapshot};
use zerobus_schema::TableSchema;
use zerobus_schema::mapping::{self, MappingOptions};

use crate::args::Pull;
use crate::exit::{Exit, Failure};
use crate::input::{Reader, table_argument};
use crate::output;
use crate::project::{FILE, Project};

/// Writes or updates the snapshot of every table. One that cannot be read keeps none of the others from being written.
pub(crate) fn pull(args: &Pull) -> Result<Exit, Failure> {
    let name = table_argument(args.table.as_ref())?;
    if name.is_some() && args.sources.len() > 1 {
        return Err(Failure::usage(
            "--table names the table of one source, and several are given",
        ));
    }
    let project = Project::open(args.config.as_deref(), args.schemas.as_deref())?;
    let mut reader = Reader::new(&args.connection);
    if args.sources.is_empty() && name.is_some() {
        return Err(Failure::usage(
            "--table names the table in a file, and no SOURCE is given; a table is pulled by its name alone: `zerobus pull NAME`",
        ));
    }
    if args.sources.is_empty() {
        return listed(args, &project, &mut reader);
    }
    let mut exit = Exit::Fine;
    let inputs = reader.read_all(&args.sources);
    for (source, input) in args.sources.iter().zip(inputs) {
        let tables = input.and_then(|input| match &name {
            Some(_) => input.one(name.as_ref()).map(|(table, _)| vec![table]),
            None => Ok(input.tables),
        });
        let saved = tables.and_then(|tables| {
            tables
                .into_iter()
                .try_for_each(|table| save(&project, source, table))
        });
        if let Err(failure) = saved {
            exit = failure.report();
        }
    }
    Ok(exit)
}

/// The tables of `zerobus.toml`, under the names that they have in the environment.
fn listed(args: &Pull, project: &Project, reader: &mut Reader<'_>) -> Result<Exit, Failure> {
    if project.tables.is_empty() {
        return Err(Failure::usage(match &project.file {
            Some(file) => format!("no SOURCE given, and {} lists no table", file.display()),
            None => format!("no SOURCE given, and there is no {FILE} here or above"),
        }));
    }
    let environment = args.env.as_deref();
    let names = project.tables.iter().map(|table| &table.name);
    let there = names
        .map(|name| project.name_in(name, environment))
        .collect::<Result<Vec<_>, _>>()?;
    let mut exit = Exit::Fine;
    for (table, fetched) in project.tables.iter().zip(reader.fetch_all(&there)?) {
        let saved = fetched.map_err(Failure::failed).and_then(|mut schema| {
            schema.table = Some(table.name.clone().into());
            save(project, &table.name.to_string(), schema)
        });
        if let Err(failure) = saved {
            exit = failure.report();
        }
    }
    Ok(exit)
}

fn save(project: &Project, source: &str, table: TableSchema) -> Result<(), Failure> {
    if table
        .table
        .as_ref()
        .is_none_or(|name| name.to_full().is_err())
    {
        return Err(Failure::failed(format!(
            "{source}: a snapshot is named after its table, and the source does not give the full name; give it with --table catalog.schema.table"
        )));
    }
    let saved = save_snapshot(&project.schemas, table).map_err(Failure::failed)?;
    let change = match saved.change {
        SnapshotChange::Created => "created",
        SnapshotChange::Updated => "updated",
        _ => "unchanged",
    };
    output::data(format!("{change} {}\n", saved.path.display()).as_bytes())?;
    let mapping = mapping::map(saved.snapshot.schema(), &MappingOptions::default());
    for refusal in &mapping.refused {
        output::note(&format!("warning: {}: {refusal}", saved.path.display()));
    }
    Ok(())
}
