//! Every setting of the generated records, generated, compiled under the strictest lints, and used.

use std::collections::HashMap;

use expect_test::expect_file;
use zerobus_codegen::{
    Construct, DateTimeTypes, DecimalTypes, MapTypes, RustOptions, Source, StringTypes, Style,
    VariantTypes, rust,
};
use zerobus_record::ZerobusRecord;
use zerobus_schema::TableSchema;

use crate::{golden, table};

#[path = "../golden/settings/chrono.rs"]
#[rustfmt::skip]
#[deny(warnings, missing_docs, clippy::pedantic)]
mod with_chrono;

#[path = "../golden/settings/jiff.rs"]
#[rustfmt::skip]
#[deny(warnings, missing_docs, clippy::pedantic)]
mod with_jiff;

#[path = "../golden/settings/time.rs"]
#[rustfmt::skip]
#[deny(warnings, missing_docs, clippy::pedantic)]
mod with_time;

#[path = "../golden/settings/prost.rs"]
#[rustfmt::skip]
#[deny(warnings, missing_docs, clippy::pedantic)]
mod with_prost;

fn options() -> RustOptions {
    let mut options = RustOptions::default();
    options.record_crate = "zerobus_record".to_owned();
    options.schema_file = Some("tests/golden/schemas/main.default.shapes.json".to_owned());
    options
}

fn check(name: &str, options: &RustOptions) {
    let code = rust(&table("shapes"), options).unwrap();
    expect_file![golden(&format!("settings/{name}.rs"))].assert_eq(&code);
}

#[test]
fn chrono_rust_decimal_borrowed_text_and_a_builder() {
    let mut options = options();
    options.date_time = DateTimeTypes::Chrono;
    options.decimal = DecimalTypes::RustDecimal;
    options.string = StringTypes::Borrowed;
    options.map = MapTypes::HashMap;
    options.variant = VariantTypes::Value;
    options.construct = Construct::Builder;
    check("chrono", &options);
}

#[test]
fn jiff_bigdecimal_cow_a_constructor_and_columns_left_out() {
    let mut options = options();
    options.date_time = DateTimeTypes::Jiff;
    options.decimal = DecimalTypes::BigDecimal;
    options.string = StringTypes::Cow;
    options.construct = Construct::New;
    options.skip = [
        "location.label",
        "shapes.payload",
        ".main.default.shapes.by_name",
    ]
    .map(str::to_owned)
    .to_vec();
    let pair = |path: &str, attribute: &str| (path.to_owned(), attribute.to_owned());
    options.type_attributes = vec![
        pair(".", "#[must_use]"),
        pair("shapes.location", "#[derive(Default)]"),
    ];
    options.field_attributes = vec![pair("shapes.id", "#[doc(alias = \"key\")]")];
    check("jiff", &options);
}

#[test]
fn time_and_shared_text() {
    let mut options = options();
    options.date_time = DateTimeTypes::Time;
    options.decimal = DecimalTypes::String;
    options.string = StringTypes::Arc;
    check("time", &options);
    options.string = StringTypes::Box;
    assert!(
        rust(&table("shapes"), &options)
            .unwrap()
            .contains("pub name: Box<str>,")
    );
}

#[test]
fn messages_of_prost() {
    let mut options = options();
    options.style = Style::Prost;
    check("prost", &options);
}

#[test]
fn options_that_do_not_fit_are_told() {
    let told = |change: &dyn Fn(&mut RustOptions)| {
        let mut options = options();
        change(&mut options);
        rust(&table("shapes"), &options).unwrap_err().to_string()
    };
    let pair = |path: &str, attribute: &str| vec![(path.to_owned(), attribute.to_owned())];
    for (error, part) in [
        (
            told(&|o| o.skip = vec!["id".into()]),
            "column main.default.shapes.id is NOT NULL",
        ),
        (
            told(&|o| o.skip = vec!["idd".into()]),
            "there is no column `idd`",
        ),
        (
            told(&|o| o.type_attributes = pair("nowhere", "#[x]")),
            "there is no struct at `nowhere`",
        ),
        (
            told(&|o| o.field_attributes = pair("nowhere", "#[x]")),
            "there is no column `nowhere`",
        ),
        (
            told(&|o| o.type_attributes = pair(".", "x")),
            "expected an attribute",
        ),
    ] {
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_prost_cannot_name_or_choose_is_refused() {
    let told = |table: &TableSchema, change: &dyn Fn(&mut RustOptions)| {
        let mut options = options();
        options.style = Style::Prost;
        change(&mut options);
        rust(table, &options).unwrap_err().to_string()
    };
    let of = |columns: &str| {
        let ddl = format!("CREATE TABLE a.b.c ({columns})");
        Source::read(&ddl, "c.sql").unwrap().tables.remove(0)
    };
    for (table, part) in [
        (
            of("userID INT, user_id INT"),
            "gives two columns the field `user_id`",
        ),
        (
            of("s STRUCT<__: INT>"),
            "has no field for a column called `__`",
        ),
    ] {
        let error = told(&table, &|_| {});
        assert!(error.contains(part), "{error}");
    }
    let shapes = table("shapes");
    for (error, part) in [
        (
            told(&shapes, &|o| o.construct = Construct::New),
            "`construct` is for style `record`",
        ),
        (
            told(&shapes, &|o| o.date_time = DateTimeTypes::Time),
            "`date_time` is for style",
        ),
    ] {
        assert!(error.contains(part), "{error}");
    }
}

/// One row by three styles is the same bytes.
#[test]
fn the_bytes_do_not_depend_on_the_style() {
    let at = chrono::DateTime::from_timestamp_micros(3).unwrap();
    let required = || with_chrono::shapes::RequiredStruct {
        inner: with_chrono::shapes::Inner { deep: vec![7] },
    };
    let built = with_chrono::Shapes::builder()
        .with_id(1)
        .with_small(2)
        .with_precise(0.5)
        .with_name("n")
        .with_code(Some("c"))
        .with_at(at)
        .with_attrs(HashMap::from([("k", "v")]))
        .with_required_struct(required())
        .build()
        .unwrap();
    let unset = with_chrono::Shapes::builder().with_id(1).build();
    assert_eq!(
        unset.unwrap_err(),
        "column small is NOT NULL and has no value"
    );

    let mut made = with_jiff::Shapes::new(
        1,
        2,
        0.5,
        "n".into(),
        jiff::Timestamp::from_microsecond(3).unwrap(),
        with_jiff::shapes::RequiredStruct::new(with_jiff::shapes::Inner { deep: vec![7] }),
    );
    made.code = Some("c".into());
    made.attrs.insert("k".into(), "v".into());

    let prost = with_prost::Shapes {
        id: 1,
        small: 2,
        precise: 0.5,
        name: "n".to_owned(),
        code: Some("c".to_owned()),
        at: 3,
        attrs: [("k".to_owned(), "v".to_owned())].into(),
        required_struct: with_prost::shapes::RequiredStruct {
            inner: with_prost::shapes::required_struct::Inner { deep: vec![7] },
        },
        ..with_prost::Shapes::default()
    };
    let bytes = |encode: &dyn Fn(&mut Vec<u8>)| {
        let mut out = Vec::new();
        encode(&mut out);
        out
    };
    let of_built = bytes(&|out| built.encode(out).unwrap());
    assert_eq!(of_built, bytes(&|out| made.encode(out).unwrap()));
    assert_eq!(
        of_built,
        bytes(&|out| ZerobusRecord::encode(&prost, out).unwrap())
    );
    assert_eq!(
        with_chrono::Shapes::FINGERPRINT,
        with_prost::Shapes::FINGERPRINT
    );
    assert_eq!(with_chrono::Shapes::COLUMNS, with_prost::Shapes::COLUMNS);
    assert_eq!(with_prost::Shapes::TABLE, "main.default.shapes");
}
