use std::path::{Path, PathBuf};

use zerobus_schema::diff::{self, DiffOptions, Finding};
use zerobus_schema::{ColumnPath, TableSchema};

use crate::args::Diff;
use crate::exit::{Exit, Failure};
use crate::input::{Input, Reader};
use crate::output;
use crate::report::{Code, Entry, Report, TableReport, Text};

/// Compares two sources, table by table.
pub(crate) fn diff(args: &Diff) -> Result<Exit, Failure> {
    if args.old == "-" && args.new == "-" {
        return Err(Failure::usage(
            "the standard input can be one of the two sources, not both",
        ));
    }
    let mut reader = Reader::new(&args.connection);
    let old = reader.read(&args.old)?;
    let new = reader.read(&args.new)?;
    let code = Code::open(&args.report.code).map_err(Failure::failed)?;
    let mut report = inputs(&old, &new, &code);
    let text = report.print(args.report.format, args.report.fail_on);
    output::data(text.as_bytes())?;
    Ok(report.exit(args.report.fail_on))
}

fn inputs(old: &Input, new: &Input, code: &Code) -> Report {
    let mut options = DiffOptions::default();
    options.table = old.knows_tables && new.knows_tables;
    options.numbers = old.is_snapshot && new.is_snapshot;
    let mut report = Report {
        tables: Vec::new(),
        several: old.tables.len() > 1 || new.tables.len() > 1,
        errors: Vec::new(),
    };
    for pair in pairs(&old.tables, &new.tables) {
        let file = |input: &Input, table: Option<&TableSchema>| {
            table
                .and_then(|table| input.file_of(table))
                .map(|file| Text::open(&file))
        };
        let compared = Pair {
            old: pair.0,
            new: pair.1,
            old_text: file(old, pair.0),
            new_text: file(new, pair.1),
        };
        report.tables.push(compared.report(&options, code));
    }
    report
}

/// Tables of one name; with one table on either side, these two.
fn pairs<'a>(
    old: &'a [TableSchema],
    new: &'a [TableSchema],
) -> Vec<(Option<&'a TableSchema>, Option<&'a TableSchema>)> {
    if let ([old], [new]) = (old, new) {
        return vec![(Some(old), Some(new))];
    }
    let mut pairs: Vec<_> = old
        .iter()
        .map(|old| (Some(old), new.iter().find(|new| new.table == old.table)))
        .collect();
    let added = new
        .iter()
        .filter(|new| !old.iter().any(|old| old.table == new.table));
    pairs.extend(added.map(|new| (None, Some(new))));
    pairs
}

/// A table then and now, with the files that say so.
#[derive(Debug)]
pub(crate) struct Pair<'a> {
    pub(crate) old: Option<&'a TableSchema>,
    pub(crate) new: Option<&'a TableSchema>,
    pub(crate) old_text: Option<Text>,
    pub(crate) new_text: Option<Text>,
}

impl Pair<'_> {
    pub(crate) fn report(&self, options: &DiffOptions, code: &Code) -> TableReport {
        let table = self.old.or(self.new).and_then(|table| table.table.as_ref());
        let name = table.map_or_else(|| "the table".to_owned(), ToString::to_string);
        let whole = |rule: &str, message: &str| {
            let rule = diff::rule(rule);
            let finding = |rule| Finding::new(rule, ColumnPath::default(), message, "");
            rule.map(finding).into_iter().collect()
        };
        let findings = match (self.old, self.new) {
            (Some(old), Some(new)) => diff::diff_with(old, new, options).findings,
            (Some(_), None) => whole("TABLE_GONE", "the table is not there any more"),
            (None, Some(_)) => whole("TABLE_ADDED", "the table is new"),
            (None, None) => Vec::new(),
        };
        let entries = findings
            .into_iter()
            .map(|finding| self.entry(finding, &name, code))
            .collect();
        TableReport { name, entries }
    }

    /// Points at the column in the newer file, else in the older, else at the top of what there is.
    fn entry(&self, finding: Finding, table: &str, code: &Code) -> Entry {
        let texts = || [&self.new_text, &self.old_text].into_iter().flatten();
        // What is in neither file is shown where it would be: at the column around it.
        let parts = finding.path.parts();
        let place = (1..=parts.len())
            .rev()
            .map(|length| {
                let parts = parts.iter().take(length);
                parts.fold(ColumnPath::default(), |path, part| path.child(part))
            })
            .find_map(|path| texts().find_map(|text| text.place(&path)))
            .or_else(|| texts().next().map(Text::top));
        let mut places: Vec<_> = place.into_iter().collect();
        places.extend(code.place(table, &finding.path));
        Entry {
            finding,
            places,
            approved: None,
        }
    }
}

impl Input {
    /// The file that a table was read from.
    fn file_of(&self, table: &TableSchema) -> Option<PathBuf> {
        let path: &Path = self.file.as_deref()?;
        if !path.is_dir() {
            return Some(path.to_owned());
        }
        let file = path.join(format!("{}.json", table.table.as_ref()?));
        file.is_file().then_some(file)
    }
}
