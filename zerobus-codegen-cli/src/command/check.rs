use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use zerobus_catalog::CatalogError;
use zerobus_schema::diff::{self, DiffOptions, Finding};
use zerobus_schema::{ColumnPath, TableName, TableSchema};

use super::diff::Pair;
use crate::args::Check;
use crate::exit::{Exit, Failure};
use crate::git::Revision;
use crate::input::Reader;
use crate::output;
use crate::outputs::{self, Snapshots, State};
use crate::project::{Approvals, Project};
use crate::report::{Code, Entry, Place, Report, TableReport, Text};

/// Holds the snapshots to the live tables, to another revision, or, locked, to outputs and code.
pub(crate) fn check(args: &Check) -> Result<Exit, Failure> {
    let project = Project::open(args.config.as_deref(), args.schemas.as_deref())?;
    let named = args
        .tables
        .iter()
        .map(|name| TableName::parse(name).map_err(Failure::usage))
        .collect::<Result<Vec<_>, _>>()?;
    let mut paths = project.code.clone();
    paths.extend(args.report.code.iter().cloned());
    let code = Code::open(&paths).map_err(Failure::failed)?;
    let snapshots = Snapshots::open(&project.schemas).map_err(Failure::failed)?;
    let wanted = Wanted::new(&project, &snapshots, &named);
    let mut check = Checking {
        project: &project,
        snapshots,
        code,
        report: Report {
            several: true,
            ..Report::default()
        },
    };
    if wanted.tables.is_empty() {
        return Err(Failure::failed(format!(
            "there is nothing to check: no snapshot in {}, and no table in zerobus.toml; write one with `zerobus pull TABLE`",
            project.schemas.display()
        )));
    }
    if args.locked {
        check.locked(&wanted);
    } else if let Some(against) = &args.against {
        check.against(&Revision::parse(against)?, &wanted)?;
    } else {
        let mut reader = Reader::new(&args.connection);
        check.live(&mut reader, &wanted, args.env.as_deref())?;
    }
    let approvals = Approvals {
        list: &project.approvals,
        file: project.file.as_deref(),
    };
    let complete = named.is_empty() && !args.locked && check.report.errors.is_empty();
    approvals.apply(&mut check.report, complete, !args.locked);

    let mut report = check.report;
    let text = report.print(args.report.format, args.report.fail_on);
    output::data(text.as_bytes())?;
    for (_, error) in &report.errors {
        output::note(&format!("error: {error}"));
    }
    Ok(if report.errors.is_empty() {
        report.exit(args.report.fail_on)
    } else {
        Exit::Failed
    })
}

/// The tables to look at, by name.
struct Wanted {
    tables: BTreeSet<String>,
    /// Whether these are all of the project's.
    all: bool,
}

impl Wanted {
    fn new(project: &Project, snapshots: &Snapshots, named: &[TableName]) -> Self {
        if !named.is_empty() {
            return Self {
                tables: named.iter().map(ToString::to_string).collect(),
                all: false,
            };
        }
        let listed = project.tables.iter().map(|table| table.name.to_string());
        let broken = snapshots.errors.iter().map(|(name, _)| name.clone());
        Self {
            tables: listed
                .chain(snapshots.tables.keys().cloned())
                .chain(broken)
                .collect(),
            all: true,
        }
    }

    fn has(&self, table: &str) -> bool {
        self.all || self.tables.contains(table)
    }
}

struct Checking<'a> {
    project: &'a Project,
    snapshots: Snapshots,
    code: Code,
    report: Report,
}

impl Checking<'_> {
    /// What needs no network: snapshots are there and as they should be, outputs are what they give, and every record in
    /// the code is bound to one of them.
    fn locked(&mut self, wanted: &Wanted) {
        let mut entries: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        for name in &wanted.tables {
            entries.entry(name.clone()).or_default();
            if let Some(entry) = self.missing(name) {
                entries.entry(name.clone()).or_default().push(entry);
            }
        }
        for (name, problem) in &self.snapshots.not_canonical {
            if wanted.has(name) {
                let place = self.snapshots.files.get(name).map(|file| Place {
                    file: file.clone(),
                    line: 1,
                });
                let entry = whole("SNAPSHOT_NOT_CANONICAL", *problem, "", place);
                entries.entry(name.clone()).or_default().extend(entry);
            }
        }
        for (name, place) in self.code.tables() {
            let known = self.snapshots.tables.contains_key(&name)
                || self
                    .snapshots
                    .errors
                    .iter()
                    .any(|(broken, _)| *broken == name);
            if !known && wanted.has(&name) {
                let message = format!("a record is bound to {name}, which has no snapshot");
                let fix = format!("zerobus pull {name}");
                let entry = whole("SNAPSHOT_MISSING", message, fix, Some(place));
                entries.entry(name).or_default().extend(entry);
            }
        }
        self.broken(wanted);
        for (name, entries) in entries {
            if !self.report.errors.iter().any(|(broken, _)| *broken == name) {
                self.report.tables.push(TableReport { name, entries });
            }
        }
        if wanted.all {
            self.outputs();
        }
    }

    /// Outputs belong to the project, not to one table.
    fn outputs(&mut self) {
        for output in &self.project.outputs {
            let files = match outputs::files(output, &self.snapshots.tables) {
                Ok(files) => files,
                Err(error) => {
                    self.report.errors.push((output.path.clone(), error));
                    continue;
                }
            };
            for file in files {
                let shown = file.path.display().to_string();
                let (rule, message, line) = match file.state() {
                    Ok(State::Current) => continue,
                    Ok(State::Missing) => (
                        "OUTPUT_MISSING",
                        "it has not been generated".to_owned(),
                        None,
                    ),
                    Ok(State::Stale(line)) => (
                        "OUTPUT_STALE",
                        format!("it is not what the snapshot gives, from line {line} on"),
                        Some(line),
                    ),
                    Err(error) => {
                        self.report.errors.push((shown, error));
                        continue;
                    }
                };
                let place = match (line, &self.project.file) {
                    (Some(line), _) => Some(Place {
                        file: file.path.clone(),
                        line,
                    }),
                    (None, Some(config)) => Some(Place {
                        file: config.clone(),
                        line: output.line,
                    }),
                    (None, None) => None,
                };
                let fix = format!("zerobus generate {}", output.kind.as_str());
                self.report.tables.push(TableReport {
                    name: shown,
                    entries: whole(rule, message, fix, place),
                });
            }
        }
    }

    /// Each snapshot against the table that is there now.
    fn live(
        &mut self,
        reader: &mut Reader<'_>,
        wanted: &Wanted,
        environment: Option<&str>,
    ) -> Result<(), Failure> {
        let mut names = Vec::new();
        for name in &wanted.tables {
            if self.snapshots.tables.contains_key(name) {
                let name = TableName::parse(name).map_err(Failure::failed)?;
                let there = self.project.name_in(&name, environment)?;
                names.push((name, there));
            } else if let Some(entry) = self.missing(name) {
                self.report.tables.push(TableReport {
                    name: name.clone(),
                    entries: vec![entry],
                });
            }
        }
        self.broken(wanted);
        let there: Vec<TableName> = names.iter().map(|(_, there)| there.clone()).collect();
        let fetched = reader.fetch_all(&there)?;
        for ((name, there), fetched) in names.into_iter().zip(fetched) {
            let new = match fetched {
                Ok(mut new) => {
                    // One table under two names is the same table here.
                    new.table = Some(name.clone().into());
                    Some(new)
                }
                Err(CatalogError::TableNotFound { .. }) => None,
                Err(error) => {
                    let error = format!("{there} could not be compared: {error}");
                    self.report.errors.push((name.to_string(), error));
                    continue;
                }
            };
            self.compare(&name.to_string(), new.as_ref(), None);
        }
        Ok(())
    }

    /// The snapshots of a revision against those that are there now.
    fn against(&mut self, revision: &Revision, wanted: &Wanted) -> Result<(), Failure> {
        let mut then = Snapshots::default();
        for (path, text) in revision.files(&self.project.schemas)? {
            then.add(Path::new(&path).to_owned(), &text);
        }
        self.broken(wanted);
        let errors = then.errors.iter().filter(|(name, _)| wanted.has(name));
        self.report.errors.extend(errors.cloned());
        let mut names: BTreeSet<String> = wanted.tables.clone();
        if wanted.all {
            names.extend(then.tables.keys().cloned());
        }
        for name in names {
            if self.report.errors.iter().any(|(broken, _)| *broken == name) {
                continue;
            }
            let old = then.tables.get(&name);
            if old.is_none() && !self.snapshots.tables.contains_key(&name) {
                if let Some(entry) = self.missing(&name) {
                    let entries = vec![entry];
                    self.report.tables.push(TableReport { name, entries });
                }
                continue;
            }
            let now = self.snapshots.tables.get(&name);
            let mut options = DiffOptions::default();
            options.table = false;
            let file = self.snapshots.files.get(&name);
            let pair = Pair {
                old,
                new: now,
                old_text: None,
                new_text: file.map(|file| Text::open(file)),
            };
            let report = pair.report(&options, &self.code);
            self.report.tables.push(report);
        }
        Ok(())
    }

    /// A snapshot against the table as it is now, if it is.
    fn compare(&mut self, name: &str, new: Option<&TableSchema>, new_text: Option<Text>) {
        let mut options = DiffOptions::default();
        options.table = false;
        // The numbers are the snapshot's own.
        options.numbers = false;
        let pair = Pair {
            old: self.snapshots.tables.get(name),
            new,
            old_text: self.snapshots.files.get(name).map(|file| Text::open(file)),
            new_text,
        };
        self.report.tables.push(pair.report(&options, &self.code));
    }

    fn missing(&self, name: &str) -> Option<Entry> {
        let broken = self
            .snapshots
            .errors
            .iter()
            .any(|(broken, _)| broken == name);
        if broken || self.snapshots.tables.contains_key(name) {
            return None;
        }
        let listed = self
            .project
            .tables
            .iter()
            .find(|table| table.name.to_string() == name);
        let place = listed
            .zip(self.project.file.as_ref())
            .map(|(table, file)| Place {
                file: file.clone(),
                line: table.line,
            });
        let message = format!(
            "there is no snapshot of it in {}",
            self.project.schemas.display()
        );
        let fix = format!("zerobus pull {name}");
        whole("SNAPSHOT_MISSING", message, fix, place).pop()
    }

    /// Snapshots that cannot be read keep their tables from being told about.
    fn broken(&mut self, wanted: &Wanted) {
        let broken = self
            .snapshots
            .errors
            .iter()
            .filter(|(name, _)| wanted.has(name));
        self.report.errors.extend(broken.cloned());
    }
}

/// A finding about a table or file as a whole.
fn whole(
    rule: &str,
    message: impl Into<String>,
    fix: impl Into<String>,
    place: Option<Place>,
) -> Vec<Entry> {
    let entry = |rule| Entry {
        finding: Finding::new(rule, ColumnPath::default(), message, fix),
        places: place.into_iter().collect(),
        approved: None,
    };
    diff::rule(rule).map(entry).into_iter().collect()
}
