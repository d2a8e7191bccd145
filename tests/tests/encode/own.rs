//! Records without a table: the struct is the schema.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::Arc;

use zerobus_record::{
    DateDays, Decimal, StructSchema, TimestampMicros, TimestampNtzMicros, VariantJson,
    ZerobusRecord,
};
use zerobus_schema::mapping::{self, MappingOptions};
use zerobus_schema::{Fingerprint, Snapshot, ddl};

#[derive(ZerobusRecord)]
#[zerobus(rename_all = "snake_case")]
struct Event<'a> {
    flag: bool,
    tiny: i8,
    small: u8,
    medium: Option<u16>,
    big: u32,
    single: f32,
    double: Option<f64>,
    name: &'a str,
    owner: Cow<'a, str>,
    address: Option<IpAddr>,
    #[zerobus(type = "DECIMAL(10,2)")]
    price: Decimal,
    #[zerobus(type = "VARCHAR(3)", number = 40)]
    code: Option<String>,
    #[zerobus(type = "TIMESTAMP_NTZ", unit = "millis")]
    wall_millis: i64,
    raw: Vec<u8>,
    day: DateDays,
    at: TimestampMicros,
    wall: TimestampNtzMicros,
    payload: VariantJson<&'a str>,
    #[zerobus(number = 7)]
    kind: Kind,
    tags: Vec<&'a str>,
    numbers: VecDeque<i64>,
    counts: HashMap<String, Id>,
    place: Place,
    maybe: Option<Box<Place>>,
    places: Option<Vec<Place>>,
    by_name: BTreeMap<Arc<str>, Place>,
    #[zerobus(skip)]
    #[expect(dead_code, reason = "skipped")]
    cache: String,
}

#[derive(ZerobusRecord)]
struct Place {
    lat: f64,
    #[zerobus(number = 3)]
    lon: f64,
    near: Option<Near>,
}

#[derive(ZerobusRecord)]
struct Near {
    label: String,
    seen: Vec<TimestampMicros>,
}

#[derive(ZerobusRecord)]
struct Id(i64);

#[derive(ZerobusRecord)]
enum Kind {
    #[expect(dead_code, reason = "only its type matters")]
    Shown,
}

const DDL: &str = "CREATE TABLE main.default.events (
  flag BOOLEAN NOT NULL,
  tiny TINYINT NOT NULL,
  small SMALLINT NOT NULL,
  medium INT,
  big BIGINT NOT NULL,
  single FLOAT NOT NULL,
  double DOUBLE,
  name STRING NOT NULL,
  owner STRING NOT NULL,
  address STRING,
  price DECIMAL(10,2) NOT NULL,
  code VARCHAR(3),
  wall_millis TIMESTAMP_NTZ NOT NULL,
  raw BINARY NOT NULL,
  day DATE NOT NULL,
  at TIMESTAMP NOT NULL,
  wall TIMESTAMP_NTZ NOT NULL,
  payload VARIANT NOT NULL,
  kind STRING NOT NULL,
  tags ARRAY<STRING>,
  numbers ARRAY<BIGINT>,
  counts MAP<STRING, BIGINT>,
  place STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, near: STRUCT<label: STRING NOT NULL, seen: ARRAY<TIMESTAMP>>> NOT NULL,
  maybe STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, near: STRUCT<label: STRING NOT NULL, seen: ARRAY<TIMESTAMP>>>,
  places ARRAY<STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, near: STRUCT<label: STRING NOT NULL, seen: ARRAY<TIMESTAMP>>>>,
  by_name MAP<STRING, STRUCT<lat: DOUBLE NOT NULL, lon: DOUBLE NOT NULL, near: STRUCT<label: STRING NOT NULL, seen: ARRAY<TIMESTAMP>>>>
);
";

#[test]
fn the_struct_says_what_the_table_is() {
    assert_eq!(Event::to_create_table("main.default.events").unwrap(), DDL);
    let snapshot = Snapshot::parse(&Event::to_snapshot("main.default.events").unwrap()).unwrap();
    assert_eq!(
        snapshot.schema().columns,
        Event::table_schema().columns,
        "the snapshot keeps the numbers"
    );
    assert!(Event::to_create_table("a/b").is_err());
}

#[test]
fn numbers_are_kept_and_the_others_follow() {
    let columns = Event::table_schema().columns;
    let number = |name: &str| columns.field(name).unwrap().number.unwrap();
    assert_eq!(number("kind"), 7);
    assert_eq!(number("code"), 40);
    assert_eq!(number("flag"), 41);
    assert!(Event::to_proto().contains("  optional string code = 40;"));
}

/// The constants are computed while the program compiles, without the mapping; they are the mapping's all the same.
#[test]
fn the_constants_are_those_of_the_mapping() {
    let schema = Event::table_schema();
    let mut options = MappingOptions::default();
    options.message_name = Some("Event".to_owned());
    let message = mapping::message(&schema, &options).unwrap();
    assert_eq!(Event::DESCRIPTOR, message.descriptor());
    assert_eq!(Event::FINGERPRINT, Fingerprint::of(&schema));
    assert_eq!(
        Event::FINGERPRINT,
        Fingerprint::of(&ddl::parse_create_table(DDL).unwrap())
    );
    let mut columns = Vec::new();
    schema.visit_fields(&mut |path, field| {
        columns.push((
            path.to_string(),
            field.data_type.to_string(),
            field.nullable,
        ));
    });
    let ours = Event::COLUMNS.iter().map(|column| {
        (
            column.path.to_owned(),
            column.data_type.to_owned(),
            column.nullable,
        )
    });
    assert_eq!(ours.collect::<Vec<_>>(), columns);
    assert_eq!(Event::TABLE, "");
}

#[derive(ZerobusRecord)]
struct Small<'a> {
    a: i32,
    #[zerobus(number = 1)]
    b: &'a str,
}

#[test]
fn the_record_is_written_in_the_order_of_its_numbers() {
    let mut out = Vec::new();
    Small { a: 5, b: "x" }.encode(&mut out).unwrap();
    assert_eq!(out, [0x0a, 1, b'x', 0x10, 5]);
}

#[test]
fn values_are_held_to_the_columns_that_the_struct_names() {
    #[derive(ZerobusRecord)]
    struct Limited {
        #[zerobus(type = "VARCHAR(2)")]
        code: &'static str,
    }
    assert_eq!(Limited { code: "ab" }.validate(), Ok(()));
    let error = Limited { code: "abc" }.validate().unwrap_err();
    assert_eq!(
        error.to_string(),
        "column code: expected at most 2 characters, found 3, \"abc\""
    );
}
