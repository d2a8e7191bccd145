//! The real protoc as the judge: what it makes of the `.proto` text is the descriptor that we build without it, and it
//! takes our file descriptor sets.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use prost::Message as _;
use prost_reflect::DescriptorPool;
use prost_types::{DescriptorProto, FileDescriptorSet};
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::proto::Message;
use zerobus_schema::{StructType, TableRef, TableSchema, catalog, ddl, delta};

use crate::golden;
use crate::mapping::{comparable, data_type, fields};

#[test]
fn protoc_agrees_on_the_golden_tables() {
    let mut judge = Judge::default();
    for case in golden::cases() {
        let sql = fs::read_to_string(case.join("table.sql")).unwrap();
        for table in ddl::parse_create_tables(&sql).unwrap() {
            judge.add(case.display().to_string(), &table);
        }
    }
    assert!(judge.verdict() > 10);
}

#[test]
fn protoc_agrees_on_random_tables() {
    let mut judge = Judge::default();
    let random = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(Config::default(), random);
    let tables = fields(data_type());
    for number in 0..400 {
        let columns = tables.new_tree(&mut runner).unwrap().current();
        let table = TableSchema::new(Some(TableRef::parse("main.default.t").unwrap()), columns);
        judge.add(format!("random table {number}"), &table);
    }
    assert!(judge.verdict() > 300);
}

#[test]
fn protoc_agrees_on_the_tables_of_others() {
    let Some(corpus) = env::var_os("ZEROBUS_CORPUS").map(PathBuf::from) else {
        println!("NOT RUN: ZEROBUS_CORPUS names no folder, so there are no tables of others");
        return;
    };
    let mut judge = Judge::default();
    for folder in ["ddl", "delta", "uc", "proto"] {
        for file in fs::read_dir(corpus.join(folder)).unwrap() {
            let path = file.unwrap().path();
            let Ok(text) = fs::read_to_string(&path) else {
                continue;
            };
            let bare = |columns: StructType| vec![TableSchema::new(None, columns)];
            let tables = ddl::parse_create_tables(&text)
                .or_else(|_| ddl::parse_columns(&text).map(bare))
                .or_else(|_| delta::parse_schema(&text).map(bare))
                .or_else(|_| delta::parse_log_actions(&text).map(|table| vec![table]))
                .or_else(|_| catalog::parse_table(&text).map(|table| vec![table]));
            for table in tables.into_iter().flatten() {
                judge.add(path.display().to_string(), &table);
            }
        }
    }
    let count = judge.verdict();
    println!("{count} tables of others");
    assert!(count > 200);
}

/// Messages that wait for their verdict: one run of protoc is for all of them.
#[derive(Default)]
struct Judge {
    messages: Vec<(String, Message)>,
}

impl Judge {
    /// Takes a table without what is refused; one that loses everything is no message.
    fn add(&mut self, origin: String, table: &TableSchema) {
        let mut options = MappingOptions::default();
        options.skip_unsupported = true;
        options.allow_unproven_map_keys = true;
        let message = mapping::map(table, &options).message;
        if !message.fields.is_empty() {
            self.messages.push((origin, message));
        }
    }

    /// How many messages protoc agreed on.
    fn verdict(self) -> usize {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let mut names = Vec::new();
        for (number, (_, message)) in self.messages.iter().enumerate() {
            // All files are one pool, so each has a package of its own.
            let name = format!("t{number}.proto");
            let package = format!("p{number}");
            fs::write(path(&name), message.to_proto_in(Some(&package))).unwrap();
            names.push(name);
        }
        let compiled = path("compiled.pb");
        protoc(
            folder.path(),
            [
                OsStr::new("--proto_path=."),
                OsStr::new("--descriptor_set_out=compiled.pb"),
            ],
            &names,
        );
        let compiled = FileDescriptorSet::decode(&fs::read(compiled).unwrap()[..]).unwrap();
        let of_protoc = |name: &String| {
            let file = compiled
                .file
                .iter()
                .find(|file| file.name() == name)
                .unwrap();
            assert_eq!(
                (
                    file.syntax(),
                    file.message_type.len(),
                    file.dependency.len()
                ),
                ("", 1, 0)
            );
            comparable(file.message_type[0].clone())
        };

        // The sets of files that we write go in, and come out as they were.
        let mut sets = Vec::new();
        let mut set_names = Vec::new();
        for (number, (origin, message)) in self.messages.iter().enumerate() {
            let package = format!("p{number}");
            let mut set =
                FileDescriptorSet::decode(&message.file_descriptor_set(Some(&package))[..])
                    .unwrap();
            assert_eq!(set.file.len(), 1);
            let file = &mut set.file[0];
            assert_eq!(file.name(), format!("{}.proto", message.name));
            assert_eq!(
                comparable(file.message_type[0].clone()),
                of_protoc(&names[number]),
                "{origin}\n{}",
                message.to_proto()
            );
            DescriptorPool::from_file_descriptor_set(set.clone()).unwrap();
            // In one set for protoc the files need names of their own.
            set.file[0].name = Some(format!("s{number}.proto"));
            set_names.push(format!("s{number}.proto"));
            sets.append(&mut set.file);

            // What a stream sends is in no package.
            let sent = DescriptorProto::decode(&message.descriptor()[..]).unwrap();
            let mut alone =
                FileDescriptorSet::decode(&message.file_descriptor_set(None)[..]).unwrap();
            assert_eq!(
                comparable(alone.file[0].message_type.remove(0)),
                comparable(sent),
                "{origin}"
            );
        }
        fs::write(
            path("sets.pb"),
            FileDescriptorSet { file: sets }.encode_to_vec(),
        )
        .unwrap();
        protoc(
            folder.path(),
            [
                OsStr::new("--descriptor_set_in=sets.pb"),
                OsStr::new("--descriptor_set_out=again.pb"),
            ],
            &set_names,
        );
        let again = FileDescriptorSet::decode(&fs::read(path("again.pb")).unwrap()[..]).unwrap();
        assert_eq!(again.file.len(), self.messages.len());
        self.messages.len()
    }
}

fn protoc(folder: &Path, arguments: [&OsStr; 2], files: &[String]) {
    let output = Command::new(protoc_bin_vendored::protoc_bin_path().unwrap())
        .current_dir(folder)
        .args(arguments)
        .args(files)
        .output()
        .unwrap();
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "{}",
        &told[..told.len().min(4_000)]
    );
}
