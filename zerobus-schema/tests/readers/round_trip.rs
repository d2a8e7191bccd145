//! What is written is read alike, and no text, however odd, does more than yield an error.

use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};
use zerobus_schema::{DataType, DecimalType, StructField, StructType, TableRef, TableSchema};
use zerobus_schema::{catalog, ddl, delta};

/// Names that people give columns, and some that nobody should.
fn name() -> impl Strategy<Value = String> {
    const ODD_NAMES: &[&str] = &[
        "select",
        "constraint",
        "primary",
        "identifier",
        "1a",
        "12",
        "1e5",
        "x.y",
        "a b",
        "a`b",
        "é",
        "--",
        "/*",
        "r'",
    ];
    prop_oneof![
        4 => "[A-Za-z_][A-Za-z0-9_]{0,6}",
        1 => proptest::sample::select(ODD_NAMES).prop_map(str::to_owned),
        1 => "\\PC{1,6}",
    ]
}

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        any::<String>().prop_map(|text| text.chars().take(12).collect())
    ]
}

fn scalar() -> impl Strategy<Value = DataType> {
    const KNOWN: &[&str] = &[
        "BOOLEAN",
        "TINYINT",
        "SMALLINT",
        "INT",
        "BIGINT",
        "FLOAT",
        "DOUBLE",
        "STRING",
        "BINARY",
        "DATE",
        "TIMESTAMP",
        "TIMESTAMP_NTZ",
        "VARIANT",
        "VOID",
        "CHAR(3)",
        "VARCHAR(40)",
        "STRING COLLATE UTF8_LCASE",
        "STRING COLLATE de_CI",
        "INTERVAL",
        "INTERVAL YEAR TO MONTH",
        "INTERVAL HOUR TO SECOND",
        "TIME(3)",
        "GEOMETRY(4326)",
        "GEOGRAPHY(ANY)",
        "TIMESTAMP_NTZ(9)",
    ];
    let decimal = (1..=38u8).prop_flat_map(|precision| (Just(precision), 0..=precision));
    prop_oneof![
        3 => proptest::sample::select(KNOWN).prop_map(|sql| ddl::parse_type(sql).unwrap()),
        1 => decimal.prop_map(|(precision, scale)| DataType::Decimal(DecimalType::new(precision, scale).unwrap())),
    ]
}

fn data_type() -> impl Strategy<Value = DataType> {
    scalar().prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(DataType::array),
            (inner.clone(), inner.clone()).prop_map(|(key, value)| DataType::map(key, value)),
            fields(inner, 4).prop_map(DataType::Struct),
        ]
    })
}

fn fields(types: impl Strategy<Value = DataType>, max: usize) -> impl Strategy<Value = StructType> {
    let field = (name(), types, any::<bool>(), proptest::option::of(text()));
    vec(field, 1..=max).prop_map(|fields| {
        let mut names = std::collections::BTreeSet::new();
        let fields = fields
            .into_iter()
            .filter_map(|(name, data_type, nullable, comment)| {
                names.insert(name.to_lowercase()).then(|| {
                    let mut field = StructField::nullable(name, data_type);
                    field.nullable = nullable;
                    field
                        .metadata
                        .extend(comment.map(|text| ("comment".to_owned(), text.into())));
                    field
                })
            });
        StructType::new(fields.collect())
    })
}

/// What else a column may say: `(key, value)` pairs of its metadata.
fn clauses() -> impl Strategy<Value = Vec<(&'static str, Value)>> {
    const EXPRESSIONS: &[&str] = &[
        "1",
        "'a, b'",
        "f(x, ')')",
        "a IS NOT NULL",
        "CASE WHEN a THEN b END",
        "not true",
        "(1)\n+ 2",
    ];
    let expression = || proptest::sample::select(EXPRESSIONS);
    prop_oneof![
        4 => Just(Vec::new()),
        1 => expression().prop_map(|text| vec![("delta.generationExpression", json!(text))]),
        1 => expression().prop_map(|text| vec![("CURRENT_DEFAULT", json!(text))]),
        1 => (any::<i64>(), any::<i64>(), any::<bool>()).prop_map(|(start, step, explicit)| vec![
            ("delta.identity.start", json!(start)),
            ("delta.identity.step", json!(if step == 0 { 1 } else { step })),
            ("delta.identity.allowExplicitInsert", json!(explicit)),
        ]),
    ]
}

fn table() -> impl Strategy<Value = TableSchema> {
    let name = proptest::option::of(vec("[a-z_][a-z0-9_-]{0,5}|identifier|if|é", 1..=3));
    let columns = fields(data_type(), 6);
    let properties = proptest::collection::btree_map(text(), text(), 0..3);
    let rest = (
        proptest::option::of(text()),
        properties,
        vec(clauses(), 6),
        vec(any::<bool>(), 6),
    );
    (name, columns, rest).prop_map(
        |(name, columns, (comment, properties, clauses, partitions))| {
            let name = name.map(|parts| TableRef::from_parts(parts).unwrap());
            let mut table = TableSchema::new(name, columns);
            for ((column, clauses), partition) in
                table.columns.fields.iter_mut().zip(clauses).zip(partitions)
            {
                if clauses.len() == 3 {
                    column.data_type = DataType::Long;
                }
                column.metadata.extend(
                    clauses
                        .into_iter()
                        .map(|(key, value)| (key.to_owned(), value)),
                );
                if partition {
                    table.partition_columns.insert(0, column.name.clone());
                }
            }
            table.comment = comment;
            table.properties = properties;
            table
        },
    )
}

/// Pieces that DDL is made of, in any order.
fn ddl_soup() -> impl Strategy<Value = String> {
    const PIECES: &[&str] = &[
        "create",
        "or replace",
        "table",
        "if not exists",
        "t",
        "a.b",
        "(",
        ")",
        "<",
        ">",
        ",",
        ";",
        ":",
        ".",
        "=",
        "-",
        "--",
        "\n",
        "/*",
        "*/",
        "'",
        "\"",
        "`",
        "``",
        "\\",
        "r'",
        "int",
        "string",
        "array<",
        "map<",
        "struct<",
        "decimal(",
        "collate",
        "interval",
        "day",
        "to",
        "second",
        "geometry(",
        "not null",
        "comment",
        "default",
        "generated always as",
        "identity",
        "start with",
        "increment by",
        "primary key",
        "constraint",
        "check",
        "foreign key",
        "references",
        "using",
        "partitioned by",
        "cluster by",
        "tblproperties",
        "options",
        "location",
        "stored as",
        "row format",
        "like",
        "as select",
        "identifier(",
        "1",
        "1.5",
        "1e",
        "é",
        "\0",
    ];
    vec(proptest::sample::select(PIECES), 0..40).prop_map(|pieces| pieces.join(" "))
}

/// JSON with the keys and values that the readers look for, in any place.
fn json_soup() -> impl Strategy<Value = Value> {
    const WORDS: &[&str] = &[
        "struct",
        "array",
        "map",
        "long",
        "decimal",
        "decimal(99,1)",
        "string",
        "udt",
        "null",
        "true",
        "a",
        "A",
        "array<int>",
        "\"long\"",
        "{\"name\":\"a\",\"type\":\"long\"}",
        "{}",
        "",
        "a.b.c",
        "../x",
        "char(3)",
        "icu.de",
        "geography(",
        "ICU",
    ];
    const KEYS: &[&str] = &[
        "type",
        "fields",
        "name",
        "nullable",
        "metadata",
        "elementType",
        "element-type",
        "containsNull",
        "keyType",
        "valueType",
        "value-contains-null",
        "precision",
        "scale",
        "columns",
        "type_json",
        "type_text",
        "type_name",
        "position",
        "partition_index",
        "comment",
        "properties",
        "full_name",
        "catalog_name",
        "schema_name",
        "error",
        "error_code",
        "message",
        "tables",
        "metaData",
        "schemaString",
        "partitionColumns",
        "configuration",
        "__CHAR_VARCHAR_TYPE_STRING",
        "__COLLATIONS",
        "a",
    ];
    let leaf = prop_oneof![
        6 => proptest::sample::select(WORDS).prop_map(Value::from),
        1 => any::<bool>().prop_map(Value::from),
        1 => any::<i64>().prop_map(Value::from),
        1 => Just(Value::Null),
    ];
    leaf.prop_recursive(6, 64, 6, |inner| {
        let entry = (
            proptest::sample::select(KEYS).prop_map(str::to_owned),
            inner.clone(),
        );
        prop_oneof![
            3 => vec(entry, 0..6).prop_map(|entries| Value::Object(entries.into_iter().collect())),
            1 => vec(inner, 0..4).prop_map(Value::from),
        ]
    })
}

fn read_with_everything(text: &str) {
    let _ =
        ddl::parse_create_tables(text).map(|tables| tables.iter().map(ddl::create_table).count());
    let _ = ddl::parse_create_table(text);
    let _ = ddl::parse_columns(text);
    let _ = ddl::parse_type(text);
    let _ = delta::parse_schema(text).map(|fields| delta::schema_to_json(&fields));
    let _ = delta::parse_log_actions(text);
    let _ = catalog::parse_table(text)
        .map(|table| (catalog::table_to_json(&table), ddl::create_table(&table)));
    let _ = catalog::parse_column(text);
}

proptest! {
    #[test]
    fn ddl_is_read_as_it_was_written(table in table()) {
        let written = ddl::create_table(&table);
        prop_assert_eq!(ddl::parse_create_table(&written).map_err(|e| format!("{e}\n{written}")), Ok(table));
    }

    #[test]
    fn catalog_answers_are_read_as_they_were_written(table in table()) {
        // An answer has no way to say that a comment is empty, and says what partitions only by position.
        let mut table = table;
        table.comment = table.comment.filter(|comment| !comment.is_empty());
        let written = catalog::table_to_json(&table).to_string();
        let read = catalog::parse_table(&written).map(TableSchema::numbered);
        prop_assert_eq!(read.map_err(|e| format!("{e}\n{written}")), Ok(table.numbered()));
    }

    #[test]
    fn schema_json_is_read_as_it_was_written(table in table()) {
        let written = delta::schema_to_json(&table.columns).to_string();
        prop_assert_eq!(delta::parse_schema(&written).map_err(|e| format!("{e}\n{written}")), Ok(table.columns));
    }

    #[test]
    fn a_type_is_read_as_it_is_shown(data_type in data_type()) {
        let shown = data_type.to_string();
        let again = ddl::parse_type(&shown).map(|read| read.to_string());
        prop_assert_eq!(again.map_err(|e| format!("{e}\n{shown}")), Ok(shown.clone()));
    }

    #[test]
    fn any_text_is_read_or_refused(text in any::<String>()) {
        read_with_everything(&text);
    }

    #[test]
    fn pieces_of_ddl_are_read_or_refused(text in ddl_soup()) {
        read_with_everything(&text);
    }

    #[test]
    fn pieces_of_json_are_read_or_refused(value in json_soup()) {
        read_with_everything(&value.to_string());
    }

    #[test]
    fn a_damaged_statement_is_read_or_refused(table in table(), at in any::<prop::sample::Index>(), piece in ".{0,2}") {
        let mut chars: Vec<char> = ddl::create_table(&table).chars().collect();
        let at = at.index(chars.len());
        chars.splice(at..=at, piece.chars());
        read_with_everything(&chars.into_iter().collect::<String>());
    }

    #[test]
    fn nesting_of_any_depth_is_read_or_refused(opening in "(array<|map<int, ?|struct<a:? ?){1,3}", times in 0usize..400) {
        read_with_everything(&opening.repeat(times));
        let opened = "{\"type\":\"array\",\"elementType\":".repeat(times) + "\"long\"" + &"}".repeat(times);
        read_with_everything(&opened);
    }
}
