//! Finds the snapshot of a table, and names it so that Cargo rebuilds when it changes.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, LitStr, Result};
use zerobus_schema::{Snapshot, TableRef};

/// The folder of schemas for all packages, before each package's own.
const VARIABLE: &str = "ZEROBUS_SCHEMAS";
/// A snapshot of 2,000 columns takes about half a megabyte.
const FILE_MAX: u64 = 16 * 1024 * 1024;

/// A snapshot, and an expression that makes the compiler track its file.
pub(crate) struct Found {
    /// The table's name as the attribute has it.
    pub(crate) name: TableRef,
    pub(crate) snapshot: Arc<Snapshot>,
    pub(crate) tracked: TokenStream,
}

/// A file that may be the snapshot.
struct Candidate {
    path: PathBuf,
    /// As the error shows it: no absolute path, and the same on every machine.
    shown: String,
    /// The path as an expression of the compiler's, free of absolute paths.
    tracked: TokenStream,
}

/// Looks for the snapshot of `table`: at `schema`, in the folder the variable names, in the package, in the workspace.
pub(crate) fn find(table: &LitStr, schema: Option<&LitStr>) -> Result<Found> {
    let name = TableRef::parse(&table.value()).map_err(|error| Error::new(table.span(), error))?;
    let package = std::env::var_os("CARGO_MANIFEST_DIR")
        .map(PathBuf::from)
        .ok_or_else(|| {
            Error::new(
                table.span(),
                "CARGO_MANIFEST_DIR is not set, so there is no package to look for a schema in; build with Cargo",
            )
        })?;
    let span = schema.unwrap_or(table).span();
    let candidates = match schema {
        Some(schema) => vec![in_package(&package, &schema.value())],
        None => candidates(
            &package,
            std::env::var(VARIABLE).ok().as_deref(),
            &format!("{name}.json"),
        ),
    };
    for candidate in &candidates {
        if candidate.path.is_file() {
            let snapshot = read(&candidate.path)
                .map_err(|problem| Error::new(span, format!("{}: {problem}", candidate.shown)))?;
            return Ok(Found {
                name,
                snapshot,
                tracked: candidate.tracked.clone(),
            });
        }
    }
    Err(Error::new(span, not_found(&name, schema, &candidates)))
}

fn not_found(name: &TableRef, schema: Option<&LitStr>, candidates: &[Candidate]) -> String {
    if let Some(schema) = schema {
        return format!(
            "there is no file {:?} in the package's folder; without `schema`, `schemas/{name}.json` is read, \
             which `zerobus pull {name}` writes",
            schema.value()
        );
    }
    let mut tried: Vec<&str> = candidates
        .iter()
        .map(|candidate| candidate.shown.as_str())
        .collect();
    let unset = format!("${VARIABLE}/{name}.json (the variable is not set)");
    if !tried.iter().any(|shown| shown.starts_with('$')) {
        tried.insert(0, &unset);
    }
    format!(
        "no schema of `{name}` is checked in; looked for\n  {}\n\
         run `zerobus pull {name}` in the package's folder and commit what it writes, or name another file with \
         `#[zerobus(schema = \"path\")]`",
        tried.join("\n  ")
    )
}

/// The places where the snapshot may lie, first one first; `variable` is what [`VARIABLE`] holds.
fn candidates(package: &Path, variable: Option<&str>, file: &str) -> Vec<Candidate> {
    let mut candidates = Vec::new();
    if let Some(folder) = variable.filter(|folder| !folder.is_empty()) {
        let tracked = if Path::new(folder).is_absolute() {
            quote!(::core::concat!(::core::env!(#VARIABLE), "/", #file))
        } else {
            quote!(::core::concat!(
                ::core::env!("CARGO_MANIFEST_DIR"), "/", ::core::env!(#VARIABLE), "/", #file
            ))
        };
        candidates.push(Candidate {
            path: package.join(folder).join(file),
            shown: format!("${VARIABLE}/{file}"),
            tracked,
        });
    }
    candidates.push(in_package(package, &format!("schemas/{file}")));
    let mut up = String::new();
    for folder in package.ancestors() {
        if folder.join("Cargo.lock").is_file() {
            if !up.is_empty() {
                candidates.push(in_package(package, &format!("{up}schemas/{file}")));
            }
            break;
        }
        up.push_str("../");
    }
    candidates
}

fn in_package(package: &Path, relative: &str) -> Candidate {
    let tracked = if Path::new(relative).is_absolute() {
        // The user wrote it so.
        quote!(#relative)
    } else {
        let relative = format!("/{relative}");
        quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), #relative))
    };
    Candidate {
        path: package.join(relative),
        shown: relative.to_owned(),
        tracked,
    }
}

/// What was read before, by path, with the text it was read from: a language server keeps this process for days, and
/// expands the same derive with every keystroke.
static PARSED: Mutex<BTreeMap<PathBuf, (String, Arc<Snapshot>)>> = Mutex::new(BTreeMap::new());

fn read(path: &Path) -> std::result::Result<Arc<Snapshot>, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > FILE_MAX {
        return Err(format!(
            "{size} bytes are no snapshot; at most {FILE_MAX} are read"
        ));
    }
    let text = fs::read_to_string(path).map_err(|error| error.to_string())?;
    let mut parsed = PARSED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, snapshot)) = parsed.get(path)
        && *known == text
    {
        return Ok(Arc::clone(snapshot));
    }
    let snapshot = Arc::new(Snapshot::parse(&text).map_err(|error| error.to_string())?);
    parsed.insert(path.to_owned(), (text, Arc::clone(&snapshot)));
    Ok(snapshot)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(package: &Path, variable: Option<&str>) -> Vec<String> {
        let shown = |candidate: Candidate| candidate.shown;
        candidates(package, variable, "a.b.c.json")
            .into_iter()
            .map(shown)
            .collect()
    }

    #[test]
    fn the_variable_comes_first_then_the_package_then_the_workspace() {
        // This package lies in the workspace's folder, and the lock file beside its manifest.
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let workspace = package.parent().unwrap();
        if workspace.join("Cargo.lock").is_file() {
            let places = ["schemas/a.b.c.json", "../schemas/a.b.c.json"];
            assert_eq!(shown(package, None), places);
            assert_eq!(shown(package, Some("")), places);
            assert_eq!(
                shown(&package.join("src"), Some("elsewhere")),
                [
                    "$ZEROBUS_SCHEMAS/a.b.c.json",
                    "schemas/a.b.c.json",
                    "../../schemas/a.b.c.json"
                ]
            );
            assert_eq!(shown(workspace, None), ["schemas/a.b.c.json"]);
        }
    }

    #[test]
    fn no_path_of_this_machine_is_emitted() {
        let package = Path::new(env!("CARGO_MANIFEST_DIR"));
        let absolute = package.join("elsewhere");
        for variable in [None, Some("elsewhere"), absolute.to_str()] {
            for candidate in candidates(package, variable, "a.b.c.json") {
                let emitted = candidate.tracked.to_string();
                assert!(!emitted.contains(env!("CARGO_MANIFEST_DIR")), "{emitted}");
            }
        }
    }
}
