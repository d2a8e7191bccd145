//! The readers against Apache Spark's own verdict on real schemas written by others.
//!
//! The corpus is not part of this repository; the variable `ZEROBUS_CORPUS` names its folder. It holds the inputs
//! and, under `oracle/`, what Spark makes of each. What Spark accepts must be read as the same schema, what it refuses must be
//! refused, except for what stands in [`EXCEPTIONS`].

#![allow(clippy::unwrap_used, clippy::panic)]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::{env, fs};

use serde_json::{Map, Value, json};
use zerobus_schema::{DataType, SchemaError, StructField, StructType, TableSchema};
use zerobus_schema::{catalog, ddl, delta};

/// Where this crate differs on purpose, and why. Each input listed must differ.
const EXCEPTIONS: &[(&str, &[&str])] = &[
    (
        "Delta refuses names that differ only in case; Spark's parser and the catalogs leave that to others",
        &[
            "edge_types/struct<a:int,A:int>",
            "edge_types/struct<a:int,a:int>",
            "edge_schemas/A int, a int",
            "uc-oss/create_table_columns_duplicate_name",
            "uc-oss/create_table_columns_duplicate_name_case",
            "uc-oss/delta_load_table_columns_duplicate_name_case",
            "uc-oss/get_table_columns_duplicate_name",
            "uc-oss/get_table_columns_duplicate_name_case",
        ],
    ),
    (
        "a column without a name cannot be a field of a message",
        &[
            "edge_schemas/`` int",
            "uc-oss/upgraded_delta_load_table_column_name_empty",
            "uc-oss/upgraded_delta_load_table_type_json_type_only",
            "uc-oss/upgraded_get_table_column_name_empty",
            "uc-oss/v041_get_table_column_name_empty",
        ],
    ),
    (
        "Unity Catalog takes no space in a table's name",
        &[
            "edge_ddl/CREATE OR REPLACE TABLE `c`.`s`.`my table` (a INT NOT NULL, `x y` STRING COMMENT 'it''s; (ok)') USING DELTA PARTITIONED BY (a) TBLPROPERTIES ('k'='v')",
        ],
    ),
    (
        "Databricks has column masks, the open-source Spark has not",
        &["edge_ddl/create table t (a int mask f)"],
    ),
    (
        "UTF8_BINARY is what a string has anyway; Spark's text names it, its JSON does not",
        &["ddl/q185_test_databricks_l88.sql"],
    ),
    (
        "PROTOCOL.md and its RFCs write types as SQL or wrapped, and leave `nullable` and `containsNull` out",
        &[
            "delta/d001_src_protocol_l1590.json",
            "delta/d002_src_protocol_l1868.json",
            "delta/d078_src_collated_string_type_l80.json",
            "delta_rest_refusals/u095_neg_deltarest_6",
            "delta_rest_refusals/u096_neg_deltarest_7",
            "delta_rest_refusals/u097_neg_deltarest_8",
            "delta_rest_refusals/u104_neg_deltarest_15",
        ],
    ),
    (
        "a type that is not known is kept by its text, so that it does not hide the other columns",
        &[
            "delta/d110_src_mod_l1752.json",
            "delta/d113_src_mod_l1763.json",
            "delta/d118_src_builder_l541.json",
            "delta_rest_refusals/u093_neg_deltarest_4",
        ],
    ),
    (
        "Unity Catalog's own clients wrote SQL into `type_json`",
        &[
            "uc/u035_col_test_oss_client_l345_y.json#y",
            "uc/u036_col_test_oss_client_l474_x.json#x",
            "uc/u047_col_test_oss_client_l665_x.json#x",
            "uc/u048_col_test_oss_client_l682_x.json#x",
            "uc/u049_col_test_oss_client_l699_x.json#x",
            "uc/u050_col_test_oss_client_l883_x.json#x",
            "uc/u082_col_test_llama_index_toolkit_l76_properties.json#properties",
        ],
    ),
    (
        "the column's own `nullable` counts, where `type_json` contradicts it",
        &[
            "both_dialects/get_table_nullable_null.json",
            "both_dialects/upgraded_get_table_nullable_mismatch.json",
        ],
    ),
    (
        "an old server kept decimals that cannot be",
        &[
            "uc-oss/v041_get_table_type_json_decimal_39",
            "uc-oss/v041_get_table_type_json_decimal_negative_scale",
        ],
    ),
];

#[test]
fn readers_agree_with_spark() {
    let Some(corpus) = corpus() else { return };
    let mut tally = Tally::default();
    ddl_statements(&corpus, &mut tally);
    ddl_types(&corpus, &mut tally);
    delta_schemas(&corpus, &mut tally);
    catalog_columns(&corpus, &mut tally);
    tally.finish();
}

/// A server has no verdict on what it serves: each answer must be read, or refused for the reason that it shows.
#[test]
fn answers_of_running_catalogs_are_read() {
    let Some(corpus) = corpus() else { return };
    let mut tally = Tally::default();
    catalog_answers(&corpus, &mut tally);
    both_dialects(&corpus, &mut tally);
    tally.finish();
}

fn corpus() -> Option<PathBuf> {
    match env::var_os("ZEROBUS_CORPUS") {
        Some(folder) => Some(PathBuf::from(folder)),
        None => {
            println!(
                "NOT RUN: ZEROBUS_CORPUS names no folder, so there is nothing to compare with"
            );
            None
        }
    }
}

#[derive(Default)]
struct Tally {
    /// Per set: inputs, accepted alike, refused alike, exceptions.
    counts: BTreeMap<String, [u32; 4]>,
    /// Per reason, how many inputs it excused.
    excused: BTreeMap<&'static str, u32>,
    /// The answers about a table that were read.
    read: Vec<String>,
    /// The answers about a table that were refused, by the reason given.
    refused: BTreeMap<String, Vec<String>>,
    failures: Vec<String>,
}

impl Tally {
    /// Compares a reading with what was expected of it: `Err` of Spark's words is a refusal.
    fn compare(
        &mut self,
        set: &str,
        key: &str,
        ours: Result<Value, SchemaError>,
        expected: Result<Value, String>,
    ) {
        let id = format!("{set}/{key}");
        let difference = match (&ours, &expected) {
            (Ok(ours), Ok(expected)) if ours == expected => None,
            (Err(_), Err(_)) => None,
            (Ok(ours), Ok(expected)) => Some(format!("read as\n    {ours}\n  not\n    {expected}")),
            (Ok(ours), Err(refusal)) => {
                Some(format!("accepted as {ours}, but {}", first_line(refusal)))
            }
            (Err(error), Ok(_)) => Some(format!("refused: {error}")),
        };
        let count = self.counts.entry(set.to_owned()).or_default();
        count[0] += 1;
        let exception = EXCEPTIONS
            .iter()
            .find(|(_, ids)| ids.contains(&id.as_str()));
        match (difference, exception) {
            (None, None) => count[if ours.is_ok() { 1 } else { 2 }] += 1,
            (Some(_), Some((reason, _))) => {
                count[3] += 1;
                *self.excused.entry(reason).or_default() += 1;
            }
            (Some(difference), None) => self.failures.push(format!("{id}: {difference}")),
            (None, Some(_)) => self
                .failures
                .push(format!("{id}: an exception that agrees")),
        }
    }

    fn finish(self) {
        for (set, [inputs, accepted, refused, exceptions]) in &self.counts {
            println!(
                "{set}: {inputs} inputs, {accepted} accepted alike, {refused} refused alike, {exceptions} exceptions"
            );
        }
        for (reason, inputs) in &self.excused {
            println!("  {inputs} exceptions: {reason}");
        }
        if !self.read.is_empty() {
            println!("{} tables read: {}", self.read.len(), self.read.join(", "));
        }
        for (reason, names) in &self.refused {
            println!(
                "{} tables refused, {reason}: {}",
                names.len(),
                names.join(", ")
            );
        }
        assert!(!self.counts.is_empty(), "the corpus is empty");
        assert!(
            self.failures.is_empty(),
            "{} differ\n{}",
            self.failures.len(),
            self.failures.join("\n")
        );
    }
}

fn ddl_statements(corpus: &Path, tally: &mut Tally) {
    let folder = |name: &str| {
        if name.starts_with('p') {
            "proto"
        } else {
            "ddl"
        }
    };
    for (name, verdict) in results(corpus, "oracle/ddl.spark.json") {
        let Some(text) = read(&corpus.join(folder(&name)).join(&name)) else {
            continue;
        };
        if verdict.get("json").is_some() {
            let ours = ddl::parse_columns(&text).map(|fields| of_parser(&fields));
            tally.compare("ddl", &name, ours, spark_schema(&verdict));
        } else {
            tally.compare(
                "ddl",
                &name,
                ddl::parse_create_table(&text).map(|table| statement(&table)),
                spark_statement(&verdict),
            );
        }
    }
    let inputs = parsed(&corpus.join("edge/edge_ddl.in.json"));
    for (name, verdict) in results(corpus, "edge/edge_ddl.out.json") {
        let text = inputs[&name].as_str().unwrap();
        tally.compare(
            "edge_ddl",
            text,
            ddl::parse_create_table(text).map(|table| statement(&table)),
            spark_statement(&verdict),
        );
    }
}

fn ddl_types(corpus: &Path, tally: &mut Tally) {
    let sets = parsed(&corpus.join("oracle/types.spark.json"));
    for (set, verdicts) in sets["results"].as_object().unwrap() {
        for (text, verdict) in verdicts.as_object().unwrap() {
            compare_text(tally, set, text, verdict, set.starts_with("schema"));
        }
    }
    for (text, verdict) in results(corpus, "edge/edge_types.out.json") {
        compare_text(tally, "edge_types", &text, &verdict, false);
    }
    for (text, verdict) in results(corpus, "edge/edge_schemas.out.json") {
        compare_text(tally, "edge_schemas", &text, &verdict, true);
    }
}

fn compare_text(tally: &mut Tally, set: &str, text: &str, verdict: &Value, is_schema: bool) {
    let ours = if is_schema {
        ddl::parse_columns(text).map(|fields| of_parser(&fields))
    } else {
        ddl::parse_type(text).map(|data_type| of_parser(&one_column(data_type)))
    };
    let mut verdict = verdict.clone();
    if !is_schema && verdict.get("json").is_some() {
        verdict["json"] = json!({"type": "struct", "fields": [
            {"name": "c", "type": verdict["json"], "nullable": true, "metadata": {}}]});
    }
    // As JSON of a whole schema, Spark has collations in the metadata and lengths in the place of the type.
    let expected = spark_schema(&verdict).map(|json| {
        if json.to_string().contains("__COLLATIONS") {
            delta::schema_to_spark_json(&delta::schema_from_json(&json).unwrap())
        } else {
            json
        }
    });
    tally.compare(set, text, ours, expected);
}

fn delta_schemas(corpus: &Path, tally: &mut Tally) {
    for (name, verdict) in results(corpus, "oracle/delta.spark.json") {
        let Some(text) = read(&corpus.join("delta").join(&name)) else {
            continue;
        };
        let ours = if text.starts_with("{\"metaData\"") {
            delta::parse_log_actions(&text).map(|table| table.columns)
        } else {
            delta::parse_schema(&text)
        };
        tally.compare(
            "delta",
            &name,
            ours.map(|fields| schema(&fields)),
            spark_schema(&verdict),
        );
    }
}

fn catalog_columns(corpus: &Path, tally: &mut Tally) {
    for (key, verdict) in results(corpus, "oracle/uc.spark.json") {
        let (name, column) = key.split_once('#').unwrap();
        let Some(text) = read(&corpus.join("uc").join(name)) else {
            continue;
        };
        let answer: Value = serde_json::from_str(&text).unwrap();
        let field = match answer.get("columns") {
            Some(_) => catalog::parse_table(&text)
                .map(|table| table.columns.field(column).unwrap().clone()),
            None => catalog::parse_column(&text),
        };
        // Spark was asked about `type_json` alone; name and comment are the column's.
        let expected = spark_schema(&verdict).map(|mut schema| {
            let columns = answer.get("columns").and_then(Value::as_array);
            let named = |info: &&Value| info["name"] == column;
            let info = columns
                .map_or(Some(&answer), |columns| columns.iter().find(named))
                .unwrap();
            schema["fields"][0]["name"] = column.into();
            if info["comment"].is_string() {
                schema["fields"][0]["metadata"]["comment"] = info["comment"].clone();
            }
            schema
        });
        let ours = field.map(|mut field| {
            field.number = None;
            schema(&StructType::new(vec![field]))
        });
        tally.compare("uc", &key, ours, expected);
    }
}

/// Every table in an answer of a running server, and the catalog's other answers, which are not tables.
fn catalog_answers(corpus: &Path, tally: &mut Tally) {
    for path in files(&corpus.join("uc-oss")) {
        let exchange = parsed(&path);
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let body = &exchange["body"];
        if let Some(tables) = body.get("tables").and_then(Value::as_array) {
            assert!(catalog::parse_table(&body.to_string()).is_err());
            for table in tables {
                let key = format!("{name}#{}", table["name"].as_str().unwrap());
                answer(tally, &key, table);
            }
        } else if body.is_object() {
            answer(tally, &name, body);
        }
    }
    for path in files(&corpus.join("uc")) {
        let value = parsed(&path);
        let name = path.file_stem().unwrap().to_str().unwrap();
        if let Some(refusal) = value.get("server_rejects_with") {
            let fields = format!(
                "{{\"type\":\"struct\",\"fields\":[{}]}}",
                value["fields_text"].as_str().unwrap()
            );
            let ours = delta::parse_schema(&fields).map(|_| json!("read"));
            tally.compare("delta_rest_refusals", name, ours, Err(refusal.to_string()));
        } else if value.get("metadata").is_some() || value["columns"].is_object() {
            answer(tally, name, &value);
        }
    }
}

/// One table through both APIs of one server is one schema.
fn both_dialects(corpus: &Path, tally: &mut Tally) {
    for path in files(&corpus.join("uc-oss")) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let delta_rest = path.with_file_name(name.replace("get_table_", "delta_load_table_"));
        if !name.contains("get_table_") || !delta_rest.exists() {
            continue;
        }
        let read = |path: &Path| {
            let table = catalog::parse_table(&parsed(path)["body"].to_string())?;
            let mut columns = table.columns;
            for column in &mut columns.fields {
                // The Delta REST API does not know the columns' comments.
                column.metadata.remove("comment");
            }
            Ok(delta::schema_to_json(&columns))
        };
        // It answers with no or nameless fields where it cannot read `type_json`.
        if let Ok(expected) = read(&delta_rest) {
            tally.compare("both_dialects", name, read(&path), Ok(expected));
        }
    }
}

fn answer(tally: &mut Tally, key: &str, body: &Value) {
    let columns = body
        .pointer("/metadata/columns/fields")
        .or_else(|| body.pointer("/columns/fields"))
        .or_else(|| body.get("columns"));
    let columns = columns
        .and_then(Value::as_array)
        .filter(|columns| !columns.is_empty());
    let names = |columns: &[Value]| {
        columns
            .iter()
            .map(|column| column["name"].clone())
            .collect::<Value>()
    };
    let expected = columns
        .map(|columns| names(columns))
        .ok_or_else(|| "it lists no columns".to_owned());
    let ours = catalog::parse_table(&body.to_string());
    if body.get("error").is_some() || body.get("error_code").is_some() {
        let error = ours.as_ref().unwrap_err().to_string();
        assert!(
            error.starts_with("the catalog answered with an error"),
            "{key}: {error}"
        );
    }
    let is_table = body.get("columns").is_some() || body.pointer("/metadata/columns").is_some();
    match &ours {
        Ok(_) => tally.read.push(key.to_owned()),
        Err(error) if is_table => {
            let names = tally.refused.entry(error.to_string()).or_default();
            names.push(key.to_owned());
        }
        Err(_) => {}
    }
    let ours = ours.map(|table| {
        table
            .columns
            .fields
            .iter()
            .map(|f| json!(f.name))
            .collect::<Value>()
    });
    tally.compare("uc-oss", key, ours, expected);
}

/// A schema as Delta's log has it, for comparison.
fn schema(fields: &StructType) -> Value {
    let written = delta::schema_to_json(fields);
    assert_eq!(
        delta::schema_from_json(&written).as_ref(),
        Ok(fields),
        "what is written is read alike"
    );
    written
}

/// A schema as Spark's parser has it: lengths and collations stand in the place of the type.
fn of_parser(fields: &StructType) -> Value {
    schema(fields);
    delta::schema_to_spark_json(fields)
}

fn spark_schema(verdict: &Value) -> Result<Value, String> {
    match verdict.get("json") {
        Some(json) => Ok(json.clone()),
        None => Err(verdict["error"].as_str().unwrap().to_owned()),
    }
}

/// What is compared of a statement: the columns, and those it is partitioned by.
fn statement(table: &TableSchema) -> Value {
    let answer = catalog::table_to_json(table);
    let texts = table
        .columns
        .fields
        .iter()
        .zip(answer["columns"].as_array().unwrap());
    let texts: Vec<Value> = texts
        .map(|(field, column)| match &field.data_type {
            length @ (DataType::Char(_) | DataType::Varchar(_)) => {
                length.to_string().to_lowercase().into()
            }
            _ => column["type_text"].clone(),
        })
        .collect();
    json!([of_parser(&table.columns), texts, table.partition_columns])
}

fn spark_statement(verdict: &Value) -> Result<Value, String> {
    let Some(columns) = verdict.get("columns").and_then(Value::as_array) else {
        return Err(verdict["error"].as_str().unwrap().to_owned());
    };
    let fields: Vec<Value> = columns
        .iter()
        .map(|column| {
            let mut metadata = Map::new();
            for (from, to) in [("comment", "comment"), ("default", "CURRENT_DEFAULT"), ("generated", "delta.generationExpression")] {
                metadata.extend(column.get(from).map(|value| (to.to_owned(), value.clone())));
            }
            for (key, value) in column.get("identity").and_then(Value::as_object).into_iter().flatten() {
                metadata.insert(format!("delta.identity.{key}"), value.clone());
            }
            json!({"name": column["name"], "type": column["type"], "nullable": column["nullable"], "metadata": metadata})
        })
        .collect();
    let texts: Vec<Value> = columns
        .iter()
        .map(|column| column["catalogString"].clone())
        .collect();
    let partitions: Vec<&str> = verdict["partitioning"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|transform| {
            transform
                .as_str()?
                .strip_prefix("identity(")?
                .strip_suffix(')')
        })
        .collect();
    Ok(json!([
        json!({"type": "struct", "fields": fields}),
        texts,
        partitions
    ]))
}

fn one_column(data_type: DataType) -> StructType {
    StructType::new(vec![StructField::nullable("c", data_type)])
}

fn results(corpus: &Path, path: &str) -> Map<String, Value> {
    let value = parsed(&corpus.join(path));
    value["results"].as_object().unwrap().clone()
}

fn parsed(path: &Path) -> Value {
    let text =
        fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// An input that Spark was asked about and that is still in the corpus.
fn read(path: &Path) -> Option<String> {
    fs::read_to_string(path).ok()
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "json")
        })
        .collect();
    files.sort();
    files
}

fn first_line(text: &str) -> &str {
    text.lines().next().unwrap_or("")
}
