//! Texts of a megabyte that are made to be slow. Every parser answers in time linear in their length: one that went
//! over them again and again would not come to an end here.

use zerobus_schema::{Snapshot, catalog, ddl, delta};

const LENGTH: usize = 1 << 20;

/// `piece` after `start`, until the text is long enough.
fn repeated(start: &str, piece: &str) -> String {
    let mut text = start.to_owned();
    while text.len() < LENGTH {
        text.push_str(piece);
    }
    text
}

fn texts() -> Vec<String> {
    let mut texts: Vec<String> = [
        "a",
        "(",
        ")",
        "<",
        ">",
        ",",
        ":",
        "`",
        "'",
        "\"",
        "\\",
        "/*",
        "*/",
        "--",
        "-- x\n",
        "{",
        "[",
        "{\"a\":",
        "[{",
        "ARRAY<",
        "x:STRUCT<",
        "a int,",
        "a int collate x",
        "NOT NULL ",
        "é",
        "\u{10ffff}",
        "\0",
        "1",
        "0.",
        "CREATE TABLE t (a int);",
        "DEFAULT (",
    ]
    .iter()
    .map(|piece| repeated("", piece))
    .collect();
    for (start, piece) in [
        ("a ", "ARRAY<"),
        ("a STRUCT<", "x:STRUCT<"),
        ("a INT COMMENT '", "x"),
        ("a INT COMMENT ", "'x' "),
        ("a INT DEFAULT ", "("),
        ("a INT DEFAULT ", "1 + "),
        ("CREATE TABLE t (", "a int not null, "),
        ("CREATE TABLE t (a int) TBLPROPERTIES (", "'x' = 1, "),
        ("CREATE TABLE t (a int, CHECK (", "("),
        ("CREATE TABLE t (a int) COMMENT ", "\"x\" "),
        ("CREATE TABLE ", "t."),
        (
            "{\"type\":\"struct\",\"fields\":[",
            "{\"type\":\"struct\",\"fields\":[",
        ),
        (
            "{\"type\":\"array\",\"elementType\":",
            "{\"type\":\"array\",\"elementType\":",
        ),
        ("{\"columns\":[", "{\"name\":\"a\",\"type_text\":\"int\"},"),
        ("", "{\"add\":{\"path\":\"x\"}}\n"),
        ("{\"zerobus_snapshot\":1,\"schema\":", "["),
    ] {
        texts.push(repeated(start, piece));
    }
    let fields = |separator: &str, field: &dyn Fn(usize) -> String| {
        (0..15_000).map(field).collect::<Vec<_>>().join(separator)
    };
    texts.push(format!(
        "CREATE TABLE t ({})",
        fields(", ", &|i| format!("c{i} STRING NOT NULL"))
    ));
    texts.push(format!(
        "{{\"type\":\"struct\",\"fields\":[{}]}}",
        fields(",", &|i| format!(
            "{{\"name\":\"c{i}\",\"type\":\"struct\",\"nullable\":true,\"metadata\":{{}}}}"
        ))
    ));
    texts
}

#[test]
fn a_megabyte_of_anything_is_answered_by_every_parser() {
    for text in texts() {
        let told = [
            ddl::parse_create_tables(&text)
                .err()
                .map(|error| error.to_string()),
            ddl::parse_columns(&text)
                .err()
                .map(|error| error.to_string()),
            ddl::parse_type(&text).err().map(|error| error.to_string()),
            delta::parse_schema(&text)
                .err()
                .map(|error| error.to_string()),
            delta::parse_log_actions(&text)
                .err()
                .map(|error| error.to_string()),
            catalog::parse_table(&text)
                .err()
                .map(|error| error.to_string()),
            catalog::parse_column(&text)
                .err()
                .map(|error| error.to_string()),
            Snapshot::parse(&text).err().map(|error| error.to_string()),
        ];
        for error in told.into_iter().flatten() {
            // What is wrong is said in a few lines, however long the text is.
            assert!(
                error.len() < 2_000,
                "{} bytes: {}…",
                error.len(),
                &error[..200]
            );
        }
    }
}
