//! Records of every table in a public corpus of schemas, compiled under the strictest lints.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use zerobus_codegen::{Config, RustOptions, Source, Style, rust_tables, save_snapshot};
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{StructType, TableRef, TableSchema};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    files
}

/// Every table that a stream can carry, no two of the same columns, under names of its own.
fn tables(corpus: &Path) -> Vec<TableSchema> {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut tables = Vec::new();
    for folder in ["uc", "delta", "ddl"] {
        for file in files(&corpus.join(folder)) {
            let Ok(source) = Source::open(&file) else {
                continue;
            };
            for mut table in source.tables {
                let carried = mapping::message(&table, &MappingOptions::default());
                let known = |columns: &StructType| format!("{columns:?}");
                if !carried.is_ok_and(|message| !message.fields.is_empty())
                    || !seen.insert(known(&table.columns))
                {
                    continue;
                }
                let name = format!("main.corpus.table_{}", tables.len());
                table.table = Some(TableRef::parse(&name).unwrap());
                tables.push(table);
            }
        }
    }
    tables
}

#[test]
fn records_of_a_corpus_compile() {
    let Some(corpus) = std::env::var_os("ZEROBUS_CORPUS") else {
        eprintln!("ZEROBUS_CORPUS is not set: nothing compiled");
        return;
    };
    let tables = tables(Path::new(&corpus));
    assert!(tables.len() > 100, "{}", tables.len());

    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("corpus");
    let _ = fs::remove_dir_all(folder.join("schemas"));
    fs::create_dir_all(folder.join("src")).unwrap();
    let manifest = format!(
        "[package]\nname = \"corpus\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n[workspace]\n\n[dependencies]\nzerobus-record = {{ path = {:?}, features = [\"derive\"] }}\nprost = {{ version = \"0.14\", features = [\"derive\"] }}\n",
        root.join("zerobus-record").canonicalize().unwrap()
    );
    fs::write(folder.join("Cargo.toml"), manifest).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    for table in &tables {
        save_snapshot(&folder.join("schemas"), table.clone()).unwrap();
    }
    Config::new()
        .schemas(folder.join("schemas"))
        .out_dir(folder.join("src"))
        .file_name("tables.rs")
        .record_crate("zerobus_record")
        .compile()
        .unwrap();
    // The snapshots lie where the derive looks by itself, so the paths of this machine are not needed.
    let code = fs::read_to_string(folder.join("src/tables.rs")).unwrap();
    let code: String = code
        .lines()
        .map(|line| match line.split_once(", schema = ") {
            Some((start, _)) if line.starts_with("#[zerobus(") => format!("{start})]\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    fs::write(folder.join("src/tables.rs"), code).unwrap();
    let mut options = RustOptions::default();
    options.record_crate = "zerobus_record".to_owned();
    options.style = Style::Prost;
    // Those whose columns prost can tell apart.
    let mut named = tables.clone();
    named.retain(|table| rust_tables(std::slice::from_ref(table), &options).is_ok());
    assert!(named.len() > tables.len() / 2, "{}", named.len());
    let code = rust_tables(&named, &options).unwrap();
    fs::write(folder.join("src/messages.rs"), code).unwrap();

    let lib = "//! Tables.\n#![deny(warnings, missing_docs, clippy::all, clippy::pedantic)]\n\npub mod tables;\n\npub mod messages;\n";
    fs::write(
        folder.join("src/lib.rs"),
        lib.replace("pub mod", "/// Records.\npub mod"),
    )
    .unwrap();

    let clippy = Command::new(env!("CARGO"))
        .args(["clippy", "--quiet", "--offline"])
        .current_dir(&folder)
        .env("CARGO_TARGET_DIR", folder.join("target"))
        .env_remove("RUSTFLAGS")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&clippy.stderr);
    assert!(clippy.status.success(), "{said}");
    eprintln!(
        "{} tables compiled, {} as messages of prost",
        tables.len(),
        named.len()
    );
}
