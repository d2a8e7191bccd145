use zerobus_codegen::{SnapshotChange, save_snapshot};
use zerobus_schema::TableSchema;
use zerobus_schema::mapping::{self, MappingOptions};

use crate::args::Pull;
use crate::exit::{Exit, Failure};
use crate::input::{Reader, table_argument};
use crate::output;

/// Writes or updates the snapshot of every table. One that cannot be read keeps none of the others from being written.
pub(crate) fn pull(args: &Pull) -> Result<Exit, Failure> {
    let name = table_argument(args.table.as_ref())?;
    if name.is_some() && args.sources.len() > 1 {
        return Err(Failure::usage(
            "--table names the table of one source, and several are given",
        ));
    }
    let mut reader = Reader::new(&args.connection);
    let mut exit = Exit::Fine;
    for source in &args.sources {
        let tables = reader.read(source).and_then(|input| match &name {
            Some(_) => input.one(name.as_ref()).map(|(table, _)| vec![table]),
            None => Ok(input.tables),
        });
        let saved = tables.and_then(|tables| {
            tables
                .into_iter()
                .try_for_each(|table| save(args, source, table))
        });
        if let Err(failure) = saved {
            exit = failure.report();
        }
    }
    Ok(exit)
}

fn save(args: &Pull, source: &str, table: TableSchema) -> Result<(), Failure> {
    if table
        .table
        .as_ref()
        .is_none_or(|name| name.to_full().is_err())
    {
        return Err(Failure::failed(format!(
            "{source}: a snapshot is named after its table, and the source does not give the full name; give it with --table catalog.schema.table"
        )));
    }
    let saved = save_snapshot(&args.schemas, table).map_err(Failure::failed)?;
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
