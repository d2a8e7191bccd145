use std::path::Path;

use zerobus_schema::TableName;

use crate::args::Init;
use crate::exit::{Exit, Failure};
use crate::output;
use crate::project::FILE;

const HEAD: &str = "\
# What the command `zerobus` reads: the tables of this project, and what is generated from them.

# The folder of checked-in schemas, one file a table; `zerobus pull` writes it.
schemas = \"schemas\"

# Rust whose records `zerobus check --locked` holds to the snapshots.
# code = [\"src\"]
";

const TABLE: &str = "
# A table, and what it is called elsewhere: `zerobus pull --env prod`, `zerobus check --env prod`.
# [[table]]
# name = \"main.default.air_quality\"
# environments = { prod = \"prod.iot.air_quality\" }
";

const REST: &str = "
# Files that `zerobus generate` writes and `zerobus check --locked` holds to their snapshots.
# [[output]]
# kind = \"proto\"               # or rust, descriptor, ddl
# path = \"proto/{table}.proto\" # {catalog}, {schema} and {table}: one file for each table

# Records of all tables in one file, with the settings that `zerobus generate rust --help` lists.
# [[output]]
# kind = \"rust\"
# path = \"src/tables.rs\"
# date_time = \"chrono\"
# skip = []

# A finding of `zerobus check` that may pass for a while.
# [[approval]]
# rule = \"FIELD_NOT_IN_TABLE\"   # `zerobus explain` lists them
# path = \"note\"
# table = \"main.default.air_quality\"
# reason = \"the column goes with release 12\"
# expires = 2030-12-31
";

/// Writes a `zerobus.toml` into the current folder.
pub(crate) fn init(args: &Init) -> Result<Exit, Failure> {
    let path = Path::new(FILE);
    if path.exists() {
        return Err(Failure::failed(format!(
            "{FILE} is there already; change it, or remove it first"
        )));
    }
    let mut text = HEAD.to_owned();
    let mut names: Vec<TableName> = Vec::new();
    for table in &args.tables {
        let name = TableName::parse(table).map_err(Failure::usage)?;
        if !names.contains(&name) {
            text.push_str(&format!("\n[[table]]\nname = {:?}\n", name.to_string()));
            names.push(name);
        }
    }
    if names.is_empty() {
        text.push_str(TABLE);
    }
    text.push_str(REST);
    output::file(path, text.as_bytes())?;
    output::data(format!("created {FILE}\n").as_bytes())?;
    output::note(if names.is_empty() {
        "list your tables in it, then write their schemas with `zerobus pull`"
    } else {
        "write the schemas with `zerobus pull`, and check them in"
    });
    Ok(Exit::Fine)
}
