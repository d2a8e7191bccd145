//! What Delta's schema JSON and log are read as, and what is written.

use serde_json::{Value, json};
use zerobus_schema::{DataType, StructType, delta};

fn field(data_type: Value) -> Value {
    json!({"name": "c", "type": data_type, "nullable": true, "metadata": {}})
}

fn schema(fields: &[Value]) -> Result<StructType, String> {
    let text = json!({"type": "struct", "fields": fields}).to_string();
    delta::parse_schema(&text).map_err(|error| error.to_string())
}

#[test]
fn types_as_they_are_found() {
    for (data_type, sql) in [
        (json!("integer"), "INT"),
        (json!("int"), "INT"),
        (json!("LONG"), "BIGINT"),
        (json!("decimal(10, 4)"), "DECIMAL(10,4)"),
        (json!("decimal"), "DECIMAL(10,0)"),
        (json!({"type": "decimal", "precision": 3}), "DECIMAL(3,0)"),
        (json!({"type": "variant"}), "VARIANT"),
        (json!({"type": {"type": "long"}}), "BIGINT"),
        (json!("null"), "VOID"),
        (json!("timestamp_ltz"), "TIMESTAMP"),
        (
            json!({"type": "array", "elementType": "date"}),
            "ARRAY<DATE>",
        ),
        (
            json!({"type": "map", "key-type": "string", "value-type": "byte"}),
            "MAP<STRING, TINYINT>",
        ),
        (json!("interval year to month"), "INTERVAL YEAR TO MONTH"),
        (json!("time(3)"), "TIME(3)"),
        (json!("geometry(OGC:CRS84)"), "GEOMETRY(4326)"),
        (json!("geography"), "GEOGRAPHY(4326)"),
        (json!("geography(OGC:CRS84, SPHERICAL)"), "GEOGRAPHY(4326)"),
        (
            json!("geography(OGC:CRS84, VINCENTY)"),
            "GEOGRAPHY(OGC:CRS84, VINCENTY)",
        ),
        (
            json!({"type": "udt", "class": "x.Y", "sqlType": "string"}),
            "UDT",
        ),
        (json!("interval week"), "INTERVAL WEEK"),
        (json!({"type": "matrix"}), "MATRIX"),
    ] {
        let read = delta::data_type_from_json(&data_type).unwrap();
        assert_eq!(read.to_string(), sql, "{data_type}");
    }
}

#[test]
fn spark_reads_back_what_is_written() {
    for (sql, json) in [
        ("INT", "integer"),
        ("TIMESTAMP", "timestamp"),
        ("DECIMAL(5,2)", "decimal(5,2)"),
        ("VOID", "void"),
        ("INTERVAL DAY TO SECOND", "interval day to second"),
        ("TIME(6)", "time(6)"),
        ("GEOMETRY(ANY)", "geometry(SRID:ANY)"),
        ("GEOMETRY(3857)", "geometry(EPSG:3857)"),
        ("GEOGRAPHY(4326)", "geography(OGC:CRS84, SPHERICAL)"),
    ] {
        let columns = zerobus_schema::ddl::parse_columns(&format!("c {sql}")).unwrap();
        let written = delta::schema_to_json(&columns);
        assert_eq!(written["fields"][0], field(json!(json)), "{sql}");
        assert_eq!(delta::schema_from_json(&written).unwrap(), columns);
    }
}

#[test]
fn lengths_and_collations_live_in_metadata() {
    let columns = zerobus_schema::ddl::parse_columns(
        "code CHAR(2), words ARRAY<VARCHAR(9)>, s STRUCT<`x.y`: MAP<STRING COLLATE UTF8_LCASE, ARRAY<STRING COLLATE de_AI>>>,
         m MAP<CHAR(1), STRUCT<`a b`: CHAR(3)>>",
    )
    .unwrap();
    let written = delta::schema_to_json(&columns);
    let metadata = |path: &str| written.pointer(path).unwrap().clone();
    assert_eq!(metadata("/fields/0/type"), "string");
    assert_eq!(
        metadata("/fields/0/metadata"),
        json!({"__CHAR_VARCHAR_TYPE_STRING": "char(2)"})
    );
    assert_eq!(
        metadata("/fields/1/metadata"),
        json!({"__CHAR_VARCHAR_TYPE_STRING": "array<varchar(9)>"})
    );
    assert_eq!(metadata("/fields/2/metadata"), json!({}));
    assert_eq!(
        metadata("/fields/2/type/fields/0/metadata"),
        json!({"__COLLATIONS": {"x.y.key": "spark.UTF8_LCASE", "x.y.value.element": "icu.de_AI"}})
    );
    assert_eq!(
        metadata("/fields/3/metadata"),
        json!({"__CHAR_VARCHAR_TYPE_STRING": "map<char(1),struct<`a b`:char(3)>>"})
    );
    assert_eq!(delta::schema_from_json(&written).unwrap(), columns);
}

#[test]
fn what_spark_and_delta_write_about_strings() {
    // Spark keeps the whole type on the top-level column; Delta names the collation's provider and version.
    let read = schema(&[
        json!({"name": "s", "nullable": true, "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "struct<a:char(4),b:int>"},
               "type": {"type": "struct", "fields": [field(json!("string")), {"name": "b", "type": "integer"}]}}),
        json!({"name": "n", "type": "string", "metadata": {"__COLLATIONS": {"n": "ICU.de_DEU.75", "nn": "ICU.fr"}}}),
        json!({"name": "plain", "type": "string", "metadata": {"__COLLATIONS": {"plain": "spark.UTF8_BINARY", "plain2": "ICU.fr"}}}),
        json!({"name": "odd", "type": "string", "metadata": {"__CHAR_VARCHAR_TYPE_STRING": "char(many)"}}),
    ])
    .unwrap();
    let types: Vec<_> = read
        .fields
        .iter()
        .map(|field| field.data_type.to_string())
        .collect();
    assert_eq!(
        types,
        [
            "STRUCT<c: CHAR(4), b: INT>",
            "STRING COLLATE de_DEU",
            "STRING",
            "STRING"
        ]
    );
    assert!(read.fields[0].metadata.is_empty());
    assert!(
        read.fields[3]
            .metadata
            .contains_key("__CHAR_VARCHAR_TYPE_STRING")
    );
}

#[test]
fn metadata_is_kept_as_it_is() {
    let metadata = json!({"delta.columnMapping.id": 4, "delta.columnMapping.nested.ids": {"c.element": 107},
        "delta.typeChanges": [{"fromType": "integer", "toType": "long"}], "delta.identity.start": 1, "flag": true, "none": null});
    let column = json!({"name": "c", "type": "long", "nullable": false, "metadata": metadata});
    let read = schema(std::slice::from_ref(&column)).unwrap();
    assert!(read.fields[0].is_identity());
    assert_eq!(delta::schema_to_json(&read)["fields"][0], column);
}

#[test]
fn errors_name_the_column() {
    let nested = |inner: Value| {
        field(json!({"type": "array", "elementType": {"type": "struct", "fields": [inner]}}))
    };
    for (column, message) in [
        (
            nested(json!({"name": "x", "type": " "})),
            "column c.element.x: expected the name of a type, found an empty one",
        ),
        (
            nested(json!({"name": "x"})),
            "column c.element.x: the field has no `type`",
        ),
        (
            nested(json!({"type": "long"})),
            "column c.element: expected a field with a string as `name`, found none",
        ),
        (
            nested(json!(1)),
            "column c.element: expected a field object, found a number",
        ),
        (
            nested(json!({"name": ""})),
            "column c.element: a field has an empty name",
        ),
        (
            field(json!({"type": "map", "keyType": "string"})),
            "column c: the type has no `valueType`",
        ),
        (
            field(json!({"type": "struct", "fields": 3})),
            "column c: expected `fields` to be an array, found a number",
        ),
        (
            field(json!(["long"])),
            "column c: expected a type name or object, found an array",
        ),
        (
            field(json!({"type": "decimal", "precision": 39, "scale": 0})),
            "column c: DECIMAL(39,0) is not a type: the precision is 1 to 38, the scale at most the precision",
        ),
        (
            json!({"name": "c", "type": "long", "nullable": "perhaps"}),
            "column c: expected `nullable` to be true or false, found a string",
        ),
        (
            field(
                json!({"type": "struct", "fields": [{"name": "ä", "type": "long"}, {"name": "Ä", "type": "long"}]}),
            ),
            "column c.`Ä`: the name is there twice; names must differ by more than case",
        ),
    ] {
        assert_eq!(
            schema(std::slice::from_ref(&column)).unwrap_err(),
            message,
            "{column}"
        );
    }
}

#[test]
fn bounds_hold() {
    let deep = (0..40).fold(json!("long"), |inner, _| {
        field(json!({"type": "array", "elementType": inner}))["type"].clone()
    });
    assert!(delta::data_type_from_json(&deep).is_ok());
    let deeper = (0..100).fold(json!("long"), |inner, _| json!({ "type": inner }));
    let error = delta::data_type_from_json(&deeper).unwrap_err().to_string();
    assert!(error.contains("nested deeper than 64 levels"), "{error}");
    let wide = vec![field(json!("long")); 20_001];
    assert!(
        schema(&wide)
            .unwrap_err()
            .contains("20001 fields; at most 20000 are read")
    );
    let text = "[".repeat(1_000_000);
    assert!(
        delta::parse_schema(&text)
            .unwrap_err()
            .to_string()
            .contains("not JSON: recursion limit")
    );
}

#[test]
fn a_commit_of_the_log() {
    let schema = json!({"type": "struct", "fields": [field(json!("long"))]}).to_string();
    let action = json!({"metaData": {"id": "0", "name": "main.default.t", "description": "what it is", "schemaString": schema,
        "format": {"provider": "parquet"}, "partitionColumns": ["c"], "configuration": {"delta.appendOnly": "true"}}});
    let commit = format!(
        "{{\"commitInfo\":{{}}}}\n{{\"protocol\":{{\"minReaderVersion\":1}}}}\n{action}\n{{\"add\":{{\"path\":\"x\"}}}}\n"
    );
    let bare = action["metaData"].to_string();
    let pretty = serde_json::to_string_pretty(&action).unwrap();
    for text in [&commit, &action.to_string(), &bare, &pretty] {
        let table = delta::parse_log_actions(text).unwrap();
        assert_eq!(table.table.unwrap().to_string(), "main.default.t");
        assert_eq!(table.comment.as_deref(), Some("what it is"));
        assert_eq!(table.columns.fields[0].data_type, DataType::Long);
        assert_eq!(table.partition_columns, ["c"]);
        assert_eq!(table.properties["delta.appendOnly"], "true");
    }
}

#[test]
fn a_log_without_a_schema_says_so() {
    let none = "expected a `metaData` action, found none";
    for (text, message) in [
        ("", "1:1: not JSON"),
        (
            "{\"add\":{\"path\":\"x\"}}\n{\"add\":{\"path\":\"y\"}}",
            none,
        ),
        ("[1]", none),
        ("{\"metaData\":null}", none),
        (
            "{}\n{\"metaData\": {\"schemaString\": 1}}",
            "expected `schemaString` to be a string, found a number",
        ),
        ("{}\n {\"metaData\": oops}", "2:15: not JSON"),
        (
            "{\"metaData\":{}}",
            "the metaData action has no `schemaString`",
        ),
        (
            "{\"metaData\":{\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"a\\\"}]}\"}}",
            "column a: schemaString: the field has no `type`",
        ),
    ] {
        let error = delta::parse_log_actions(text).unwrap_err().to_string();
        assert!(error.starts_with(message), "{text}\n{error}");
    }
}
