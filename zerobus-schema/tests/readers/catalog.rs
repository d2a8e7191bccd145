//! What a catalog's answers are read as.

use serde_json::{Value, json};
use zerobus_schema::{TableSchema, catalog, ddl};

fn table(answer: &Value) -> TableSchema {
    catalog::parse_table(&answer.to_string()).unwrap()
}

fn error(answer: &Value) -> String {
    catalog::parse_table(&answer.to_string())
        .unwrap_err()
        .to_string()
}

/// The type and nullability that a column of this shape is read as.
fn column(info: Value) -> String {
    let mut info = info;
    info["name"] = "c".into();
    match catalog::parse_column(&info.to_string()) {
        Ok(field) => {
            assert_eq!(field.name, "c");
            let null = if field.nullable { "" } else { " NOT NULL" };
            format!("{}{null}", field.data_type)
        }
        Err(error) => error.to_string(),
    }
}

#[test]
fn a_table_as_databricks_answers() {
    let answer = json!({
        "name": "air", "catalog_name": "main", "schema_name": "default", "full_name": "main.default.air",
        "table_type": "MANAGED", "data_source_format": "DELTA", "generation": 3, "comment": "what is in the air",
        "properties": {"delta.minReaderVersion": "3", "count": 1, "none": null},
        "columns": [
            {"name": "at", "type_text": "timestamp", "type_name": "TIMESTAMP", "position": 0,
             "type_json": "{\"name\":\"at\",\"type\":\"timestamp\",\"nullable\":false,\"metadata\":{}}",
             "nullable": false, "partition_index": 1},
            {"name": "Place", "type_text": "struct<lat:double>", "type_name": "STRUCT", "position": 2, "comment": "where",
             "type_json": "{\"name\":\"Place\",\"type\":{\"type\":\"struct\",\"fields\":[{\"name\":\"Lat\",\"type\":\"double\",\"nullable\":false,\"metadata\":{}}]},\"nullable\":true,\"metadata\":{\"delta.columnMapping.id\":7}}",
             "mask": {"function_name": "f"}},
            {"name": "code", "type_text": "string", "type_name": "STRING", "position": 3, "partition_index": 0,
             "type_json": "{\"name\":\"code\",\"type\":\"string\",\"nullable\":true,\"metadata\":{\"__CHAR_VARCHAR_TYPE_STRING\":\"char(2)\"}}"},
        ],
    });
    let table = table(&answer);
    assert_eq!(
        table.table.as_ref().unwrap().to_string(),
        "main.default.air"
    );
    assert_eq!(table.comment.as_deref(), Some("what is in the air"));
    assert_eq!(table.partition_columns, ["code", "at"]);
    assert_eq!(table.properties["count"], "1");
    assert_eq!(table.properties.len(), 2);
    let columns: Vec<_> = table
        .columns
        .fields
        .iter()
        .map(|f| format!("{} {} {} {:?}", f.name, f.data_type, f.nullable, f.number))
        .collect();
    assert_eq!(
        columns,
        [
            "at TIMESTAMP false Some(1)",
            "Place STRUCT<Lat: DOUBLE NOT NULL> true Some(3)",
            "code CHAR(2) true Some(4)",
        ]
    );
    let place = table.columns.field("Place").unwrap();
    assert_eq!(place.comment(), Some("where"));
    assert_eq!(place.metadata["delta.columnMapping.id"], 7);
}

#[test]
fn type_json_in_all_its_forms() {
    for (type_json, expected) in [
        (
            json!(r#"{"name":"x","type":"long","nullable":false,"metadata":{}}"#),
            "BIGINT NOT NULL",
        ),
        (json!(r#"{"name":"STRING","type":"integer"}"#), "INT"),
        (
            json!(r#"{"type":"array","elementType":"long"}"#),
            "ARRAY<BIGINT>",
        ),
        (
            json!(r#"{"type":"decimal","precision":7,"scale":2}"#),
            "DECIMAL(7,2)",
        ),
        (json!(r#""long""#), "BIGINT"),
        (json!(r#""LONG""#), "BIGINT"),
        (json!("long"), "BIGINT"),
        (
            json!(r#"{"type":"map<string, array<int>>"}"#),
            "MAP<STRING, ARRAY<INT>>",
        ),
        (
            json!(r#""string collate UNICODE_CI""#),
            "STRING COLLATE UNICODE_CI",
        ),
        (json!(r#""char(10)""#), "CHAR(10)"),
        (json!({"name": "x", "type": "date"}), "DATE"),
        // It says nothing, or nothing that can be understood: the text counts.
        (json!(""), "STRUCT<a: INT>"),
        (json!("{}"), "STRUCT<a: INT>"),
        (json!("null"), "STRUCT<a: INT>"),
        (json!(null), "STRUCT<a: INT>"),
        (json!("{ not json"), "STRUCT<a: INT>"),
        (json!(r#"{"name":"x","type":"STRUCT"}"#), "STRUCT<a: INT>"),
        // It says something wrong.
        (
            json!(r#"{"name":"x","type":{"type":"array"}}"#),
            "column c: type_json (x): the type has no `elementType`",
        ),
    ] {
        let info =
            json!({"type_json": type_json, "type_text": "struct<a:int>", "type_name": "STRUCT"});
        assert_eq!(column(info), expected, "{type_json}");
    }
}

#[test]
fn type_text_and_type_name_where_type_json_says_nothing() {
    for (info, expected) in [
        (json!({"type_text": "byte"}), "TINYINT"),
        (
            json!({"type_text": "decimal(10,2)", "type_precision": 0}),
            "DECIMAL(10,2)",
        ),
        (json!({"type_text": "", "type_name": "Long"}), "BIGINT"),
        (json!({"type_name": "BOOL"}), "BOOLEAN"),
        (
            json!({"type_name": "DECIMAL", "type_precision": 9, "type_scale": 4}),
            "DECIMAL(9,4)",
        ),
        (json!({"type_name": "INTERVAL"}), "INTERVAL"),
        (json!({"type_name": "NULL"}), "VOID"),
        (
            json!({"type_name": "HOLOGRAM", "type_text": "hologram(3)"}),
            "HOLOGRAM",
        ),
        (
            json!({"type_name": "STRUCT", "type_text": "struct<a b:int>"}),
            "column c: expected the column's type as `type_json`, found none, and `type_text` cannot be read instead: `struct<a b:int>`",
        ),
        (
            json!({"type_name": "DECIMAL"}),
            "column c: expected the column's type as `type_json`, found none, and `type_text` cannot be read instead: `none`",
        ),
    ] {
        assert_eq!(column(info.clone()), expected, "{info}");
    }
}

#[test]
fn nullability_is_the_columns_own() {
    let in_json =
        |nullable: bool| json!({"name": "c", "type": "long", "nullable": nullable}).to_string();
    for (info, expected) in [
        (json!({"type_json": "\"long\""}), "BIGINT"),
        (
            json!({"type_json": "\"long\"", "nullable": false}),
            "BIGINT NOT NULL",
        ),
        (
            json!({"type_json": "\"long\"", "nullable": "false"}),
            "BIGINT NOT NULL",
        ),
        (json!({"type_json": in_json(false)}), "BIGINT NOT NULL"),
        (
            json!({"type_json": in_json(false), "nullable": true}),
            "BIGINT",
        ),
        (
            json!({"type_json": in_json(false), "nullable": null}),
            "BIGINT NOT NULL",
        ),
        (
            json!({"type_json": "\"long\"", "nullable": "maybe"}),
            "column c: expected `nullable` to be true or false, found a string",
        ),
    ] {
        assert_eq!(column(info.clone()), expected, "{info}");
    }
}

#[test]
fn positions_that_cannot_be_numbers_are_none() {
    let numbers = |positions: &[Value]| {
        let columns: Vec<Value> = positions
            .iter()
            .enumerate()
            .map(|(i, position)| json!({"name": format!("c{i}"), "type_text": "int", "position": position}))
            .collect();
        let table = table(&json!({ "columns": columns }));
        table
            .columns
            .fields
            .iter()
            .map(|field| field.number)
            .collect::<Vec<_>>()
    };
    assert_eq!(numbers(&[json!(4), json!(0)]), [Some(5), Some(1)]);
    for unusable in [
        json!(0),
        json!(null),
        json!(-1),
        json!(18_999),
        json!("1"),
        json!(i64::MAX),
    ] {
        assert_eq!(numbers(&[json!(0), unusable]), [None, None]);
    }
}

#[test]
fn the_delta_rest_dialect() {
    let answer = json!({
        "metadata": {
            "table-uuid": "550e8400", "etag": "e",
            "columns": {"type": "struct", "fields": [
                {"name": "id", "type": "long", "nullable": false, "metadata": {}},
                {"name": "m", "type": {"type": "map", "key-type": "string", "value-type":
                    {"type": "array", "element-type": {"type": "decimal", "precision": 5, "scale": 1}, "contains-null": false},
                    "value-contains-null": false}, "nullable": true, "metadata": {}},
            ]},
            "partition-columns": ["id"], "properties": {"a": "b"},
        },
        "commits": [],
    });
    let table = table(&answer);
    assert_eq!(table.table, None);
    assert_eq!(table.partition_columns, ["id"]);
    assert_eq!(table.properties["a"], "b");
    assert_eq!(
        table.columns.fields[1].data_type.to_string(),
        "MAP<STRING, ARRAY<DECIMAL(5,1)>>"
    );
}

#[test]
fn answers_without_a_schema_say_why() {
    let unknown = "the catalog lists no columns, which means that it does not know them";
    for (answer, message) in [
        (json!({"name": "t", "columns": []}), unknown),
        (json!({"name": "t", "columns": null}), unknown),
        (
            json!({"metadata": {"columns": {"type": "struct", "fields": []}}}),
            unknown,
        ),
        (
            json!({"error_code": "TABLE_NOT_FOUND", "message": "Table not found: a.b.c", "details": []}),
            "the catalog answered with an error, TABLE_NOT_FOUND: Table not found: a.b.c",
        ),
        (
            json!({"error": {"message": "no", "type": "NotFound", "code": 404}}),
            "the catalog answered with an error, NotFound: no",
        ),
        (
            json!({"tables": [{}, {}]}),
            "expected one table, found a list of 2; give one of them",
        ),
        (
            json!([]),
            "expected the catalog's answer about a table, found an array",
        ),
        (
            json!({"columns": "x"}),
            "expected `columns` to be a list of columns, found a string",
        ),
        (
            json!({"columns": [{"name": "a", "type_text": "int"}, {"name": "A", "type_text": "int"}]}),
            "column A: the name is there twice; names must differ by more than case",
        ),
        (
            json!({"columns": [{"type_text": "int"}]}),
            "expected a column with a string as `name`, found none",
        ),
        (
            json!({"name": "../x", "catalog_name": "a", "schema_name": "b", "columns": [{"name": "a", "type_text": "int"}]}),
            "`a.b.../x` is not a table name: '.' cannot stand in `../x`",
        ),
    ] {
        assert!(
            error(&answer).starts_with(message),
            "{answer}\n{}",
            error(&answer)
        );
    }
}

#[test]
fn an_answer_is_written_as_a_catalog_writes_it() {
    let table = ddl::parse_create_table(
        "CREATE TABLE main.default.t (id BIGINT NOT NULL COMMENT 'the id', code CHAR(2), `a b` STRUCT<`X y`: DECIMAL(5,2)>,
         word STRING COLLATE UNICODE_CI, gone INTERVAL DAY) PARTITIONED BY (code) COMMENT 'c' TBLPROPERTIES (k = 'v')",
    )
    .unwrap();
    let answer = catalog::table_to_json(&table);
    assert_eq!(answer["full_name"], "main.default.t");
    assert_eq!(answer["properties"], json!({"k": "v"}));
    let column = |i: usize| {
        let column = &answer["columns"][i];
        let part = |key: &str| column[key].to_string();
        [
            part("type_text"),
            part("type_name"),
            part("position"),
            part("partition_index"),
        ]
        .join(" ")
    };
    assert_eq!(column(0), r#""bigint" "LONG" 0 null"#);
    assert_eq!(column(1), r#""string" "STRING" 1 0"#);
    assert_eq!(column(2), r#""struct<X y:decimal(5,2)>" "STRUCT" 2 null"#);
    assert_eq!(column(3), r#""string collate UNICODE_CI" "STRING" 3 null"#);
    assert_eq!(column(4), r#""interval day" "INTERVAL" 4 null"#);
    let read = catalog::parse_table(&answer.to_string()).unwrap();
    assert_eq!(read.numbered(), table.numbered());
}
