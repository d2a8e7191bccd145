//! Records whose columns are known at run time only.

use std::net::IpAddr;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::json;
use zerobus_client::schema::{TableSchema, ddl};
use zerobus_client::{
    DateDays, Decimal, DecimalText, Dynamic, Error, ProtoDescriptor, Record, RecordSchema, Stream,
    TimestampMicros, TimestampNtzMicros, Value, VariantJson,
};
use zerobus_proto::RecordType;

use crate::delivery::client;
use crate::server::{Call, Server};

fn table(columns: &str) -> TableSchema {
    ddl::parse_create_table(&format!("CREATE TABLE main.default.t ({columns})")).unwrap()
}

fn schema(columns: &str) -> RecordSchema {
    RecordSchema::of(&table(columns)).unwrap()
}

/// Field 1 is the text that this crate's tests read records by.
fn lines() -> RecordSchema {
    schema("text STRING NOT NULL, n INT")
}

async fn open(server: &mut Server, schema: &RecordSchema) -> (Stream<Dynamic>, Call) {
    let stream = client(server).dynamic_stream(schema);
    let (stream, call) = tokio::join!(stream.open(), async {
        let mut call = server.call().await;
        let create = call.create_stream().await;
        assert_eq!(create.table_name.as_deref(), Some("main.default.t"));
        assert_eq!(create.record_type, Some(RecordType::Proto.into()));
        assert_eq!(
            create.descriptor_proto.as_deref(),
            Some(schema.descriptor().as_bytes())
        );
        call.created("stream");
        call
    });
    (stream.unwrap(), call)
}

#[tokio::test]
async fn a_record_is_filled_cleared_and_filled_again() {
    let mut server = Server::start().await;
    let schema = lines();
    let (mut stream, _call) = open(&mut server, &schema).await;
    let mut record = schema.record();
    record.set("text", "a").unwrap().set("n", 1).unwrap();
    assert_eq!(stream.ingest_record(&record).await.unwrap(), 0);
    record.clear();
    // In another order, one column twice, one taken away again.
    record.set("n", 2).unwrap().set("text", "x").unwrap();
    record
        .set("text", "bc")
        .unwrap()
        .set("n", Value::Null)
        .unwrap();
    assert_eq!(stream.try_ingest(&record).unwrap(), 1);
    record.clear();
    let error = stream.ingest_record(&record).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "column text of main.default.t: expected a value, the column being NOT NULL, found NULL; \
         mend the value or leave the record out"
    );
    assert_eq!(stream.next_offset(), 2);
    let unacked = stream.get_unacked_records();
    assert_eq!(unacked, [&b"\x0a\x01a\x10\x01"[..], &b"\x0a\x02bc"[..]]);
}

#[tokio::test]
async fn a_record_of_another_schema_is_refused_and_of_an_equal_one_taken() {
    let mut server = Server::start().await;
    let (mut stream, _call) = open(&mut server, &lines()).await;
    let mut equal = lines().record();
    equal.set("text", "a").unwrap();
    stream.ingest_record(&equal).await.unwrap();
    let mut other = schema("text STRING NOT NULL").record();
    other.set("text", "a").unwrap();
    let error = stream.ingest_record(&other).await.unwrap_err();
    assert!(matches!(error, Error::Configuration { .. }), "{error}");
    assert!(error.to_string().contains("another schema"), "{error}");
    assert_eq!(stream.next_offset(), 1);
}

#[test]
fn every_value_is_held_to_its_column() {
    let decimal = Decimal::new(1999, 2).unwrap();
    let nested = [("x", Value::from("1"))];
    let elements = [Value::from(1), Value::Null];
    let entries = [(Value::from("k"), Value::from("v"))];
    let cases: &[(&str, Value<'_>, &str)] = &[
        ("BOOLEAN", 1.into(), "expected BOOLEAN, found 1"),
        (
            "TINYINT",
            128.into(),
            "expected TINYINT, an integer from -128 to 127, found 128",
        ),
        (
            "SMALLINT",
            (-32_769).into(),
            "from -32768 to 32767, found -32769",
        ),
        (
            "INT",
            (1_i64 << 31).into(),
            "from -2147483648 to 2147483647, found 2147483648",
        ),
        ("BIGINT", 1.5.into(), "expected BIGINT"),
        ("FLOAT", 1e39.into(), "expected FLOAT"),
        (
            "FLOAT",
            ((1_i64 << 24) + 1).into(),
            "expected FLOAT, found 16777217",
        ),
        ("DOUBLE", ((1_i64 << 53) + 1).into(), "expected DOUBLE"),
        ("STRING", 1.into(), "expected STRING, found 1"),
        ("VARCHAR(2)", "äöü".into(), "at most 2 characters"),
        ("DECIMAL(3,1)", decimal.into(), "for DECIMAL(3,1)"),
        ("DECIMAL(3,1)", "19.x".into(), "for DECIMAL(3,1)"),
        ("DECIMAL(3,1)", 100.into(), "for DECIMAL(3,1)"),
        ("DECIMAL(3,1)", 1.5.into(), "expected DECIMAL(3,1)"),
        ("BINARY", "text".into(), "expected BINARY"),
        ("DATE", 1.into(), "say the unit with DateDays"),
        ("TIMESTAMP", 1.into(), "say the unit with TimestampMicros"),
        (
            "TIMESTAMP",
            TimestampNtzMicros::from_micros(1).into(),
            "expected TIMESTAMP, found a TIMESTAMP_NTZ",
        ),
        (
            "TIMESTAMP_NTZ",
            1.into(),
            "say the unit with TimestampNtzMicros",
        ),
        (
            "VARIANT",
            "{}".into(),
            "say that it is JSON with VariantJson",
        ),
        ("VARIANT", VariantJson::new("{").into(), "expected JSON"),
        (
            "INT NOT NULL",
            Value::Null,
            "the column being NOT NULL, found NULL",
        ),
        ("ARRAY<INT>", 1.into(), "expected an ARRAY of INT"),
        (
            "ARRAY<INT>",
            (&elements).into(),
            "column c.element of main.default.t, element 1: expected INT",
        ),
        (
            "MAP<STRING, INT>",
            (&entries).into(),
            "column c.value of main.default.t, key \"k\": expected INT",
        ),
        (
            "MAP<INT, STRING>",
            (&entries).into(),
            "column c.key of main.default.t: expected INT",
        ),
        (
            "STRUCT<x: INT>",
            (&nested).into(),
            "column c.x of main.default.t: expected INT",
        ),
        (
            "STRUCT<y: INT>",
            (&nested).into(),
            "column c.x of main.default.t: expected one of y, found another name",
        ),
        (
            "STRUCT<x: STRING, y: INT NOT NULL>",
            (&nested).into(),
            "column c.y of main.default.t: expected a value",
        ),
    ];
    for (column, value, part) in cases {
        let schema = schema(&format!("c {column}"));
        let mut record = schema.record();
        let error = record.set("c", *value).unwrap_err().to_string();
        assert!(error.contains(part), "{column}: {error}");
        let before = record.to_bytes();
        assert!(
            before.is_err() || before.is_ok_and(|bytes| bytes.is_empty()),
            "{column}"
        );
    }
    let error = schema("a INT, b INT").record().set("B", 1).unwrap_err();
    assert_eq!(
        error.to_string(),
        "column B of main.default.t: expected one of a, b, found another name"
    );
}

#[test]
fn what_fits_is_taken_and_converted() {
    let bytes = |column: &str, value: Value<'_>| {
        let schema = schema(&format!("c {column}"));
        let mut record = schema.record();
        record.set("c", value).unwrap();
        record.to_bytes().unwrap()
    };
    assert_eq!(bytes("DECIMAL(10,2)", "1.500".into()), b"\x0a\x041.50");
    assert_eq!(
        bytes("DECIMAL(10,2)", DecimalText::new("1.5").into()),
        b"\x0a\x031.5"
    );
    assert_eq!(
        bytes("DECIMAL(10,2)", Decimal::new(-15, 1).unwrap().into()),
        b"\x0a\x04-1.5"
    );
    assert_eq!(bytes("DECIMAL(10,2)", 7.into()), b"\x0a\x017");
    assert_eq!(bytes("DOUBLE", 1.into()), bytes("DOUBLE", 1.0.into()));
    assert_eq!(bytes("DOUBLE", 1.5_f32.into()), bytes("DOUBLE", 1.5.into()));
    assert_eq!(bytes("FLOAT", 0.1.into()), bytes("FLOAT", 0.1_f32.into()));
    assert_eq!(
        bytes("FLOAT", f64::INFINITY.into()),
        bytes("FLOAT", f32::INFINITY.into())
    );
    assert_eq!(
        bytes("DATE", DateDays::from_days(-1).into()),
        b"\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01"
    );
    assert_eq!(
        bytes("TIMESTAMP", TimestampMicros::from_micros(300).into()),
        b"\x08\xac\x02"
    );
    // A length of more than one byte is made room for.
    let long = "x".repeat(300);
    let nested = [("s", Value::from(&long))];
    let written = bytes("STRUCT<s: STRING>", (&nested).into());
    assert_eq!(written[..6], *b"\x0a\xaf\x02\x0a\xac\x02");
    assert_eq!(written.len(), 306);
}

#[test]
fn types_of_other_crates_are_what_they_are_in_derived_records() {
    let schema = schema(
        "at TIMESTAMP, wall TIMESTAMP_NTZ, day DATE, price DECIMAL(10,2), id CHAR(36), short VARCHAR(4)",
    );
    let set = |column: &str, value: Value<'_>| {
        let mut record = schema.record();
        record
            .set(column, value)
            .map(|record| record.to_bytes().unwrap())
    };
    let ours = [
        set("at", TimestampMicros::from_micros(-2).into()),
        set("wall", TimestampNtzMicros::from_micros(-2).into()),
        set("day", DateDays::from_days(11_016).into()),
        set("price", "-19.99".into()),
        set("id", "67e55044-10b1-426f-9247-bb680e5fe0c8".into()),
    ];
    let nanos = -1_500; // to the microsecond before
    let chrono = chrono::DateTime::from_timestamp_nanos(nanos);
    let jiff = jiff::Timestamp::from_nanosecond(nanos.into()).unwrap();
    let time = time::OffsetDateTime::from_unix_timestamp_nanos(nanos.into()).unwrap();
    let id = uuid::Uuid::from_u128(0x67e5_5044_10b1_426f_9247_bb68_0e5f_e0c8);
    let theirs: [Vec<(&str, Value<'_>)>; 5] = [
        vec![
            ("at", chrono.into()),
            ("at", jiff.into()),
            ("at", (&jiff.to_zoned(jiff::tz::TimeZone::UTC)).into()),
            ("at", time.into()),
            ("at", (UNIX_EPOCH - Duration::from_nanos(1_500)).into()),
        ],
        vec![
            ("wall", chrono.naive_utc().into()),
            (
                "wall",
                jiff.to_zoned(jiff::tz::TimeZone::UTC).datetime().into(),
            ),
            (
                "wall",
                time::PrimitiveDateTime::new(time.date(), time.time()).into(),
            ),
        ],
        vec![
            (
                "day",
                chrono::NaiveDate::from_ymd_opt(2000, 2, 29).unwrap().into(),
            ),
            ("day", jiff::civil::date(2000, 2, 29).into()),
            (
                "day",
                time::Date::from_ordinal_date(2000, 60).unwrap().into(),
            ),
        ],
        vec![
            ("price", rust_decimal::Decimal::new(-199_900, 4).into()),
            (
                "price",
                (&"-1999e-2".parse::<bigdecimal::BigDecimal>().unwrap()).into(),
            ),
        ],
        vec![("id", id.into()), ("id", Some(id).into())],
    ];
    for (ours, theirs) in ours.into_iter().zip(theirs) {
        let ours = ours.unwrap();
        for (column, value) in theirs {
            assert_eq!(set(column, value).as_deref(), Ok(&*ours), "{value:?}");
        }
    }
    let loopback = set("short", IpAddr::from([127, 0, 0, 1]).into()).unwrap_err();
    assert!(loopback.to_string().contains("at most 4"), "{loopback}");
    let id = set("short", id.into()).unwrap_err();
    assert!(id.to_string().contains("at most 4"), "{id}");
    assert!(
        set("short", IpAddr::V6([0; 16].into()).into()).is_ok(),
        "::"
    );
    let vast: bigdecimal::BigDecimal = "1e900".parse().unwrap();
    let vast = set("price", (&vast).into()).unwrap_err();
    assert!(vast.to_string().contains("no column can hold"), "{vast}");
}

#[test]
fn json_fills_columns_by_name() {
    let schema = schema(
        "id BIGINT NOT NULL, price DECIMAL(10,2), at TIMESTAMP, day DATE, raw VARIANT, tags ARRAY<STRING>, \
         counts MAP<INT, DOUBLE>, place STRUCT<lat: DOUBLE NOT NULL, label: STRING>",
    );
    let json = json!({
        "id": 1, "price": "1.5", "at": 2, "day": 3, "raw": {"a": [1]}, "tags": ["x"], "counts": {"4": 5.5},
        "place": {"label": "l", "lat": 6.5},
    });
    let mut from_json = schema.record();
    from_json.set_json(json.as_object().unwrap()).unwrap();
    let mut by_hand = schema.record();
    by_hand.set("id", 1).unwrap().set("price", "1.5").unwrap();
    by_hand.set("at", TimestampMicros::from_micros(2)).unwrap();
    by_hand.set("day", DateDays::from_days(3)).unwrap();
    by_hand.set("raw", VariantJson::new("{\"a\":[1]}")).unwrap();
    by_hand.set("tags", &[Value::from("x")]).unwrap();
    by_hand
        .set("counts", &[(Value::from(4), Value::from(5.5))])
        .unwrap();
    by_hand
        .set("place", &[("lat", Value::from(6.5)), ("label", "l".into())])
        .unwrap();
    assert_eq!(from_json.to_bytes().unwrap(), by_hand.to_bytes().unwrap());
    for (json, part) in [
        (json!({"id": null}), "column id"),
        (json!({"id": "1"}), "column id"),
        (json!({"id": u64::MAX}), "column id"),
        (json!({"tags": ["a", null]}), "element 1"),
        (json!({"place": {"label": "l"}}), "column place.lat"),
        (json!({"place": {"lat": 1, "long": 2}}), "column place.long"),
        (json!({"counts": {"x": 1}}), "column counts.key"),
        (json!({"day": 1_i64 << 40}), "column day"),
        (json!({"nowhere": 1}), "column nowhere"),
    ] {
        let error = schema
            .record()
            .set_json(json.as_object().unwrap())
            .unwrap_err();
        assert!(error.to_string().contains(part), "{json}: {error}");
    }
}

#[test]
fn columns_that_no_stream_carries_are_refused_all_at_once() {
    let error = RecordSchema::of(&table("a INTERVAL DAY, b ARRAY<ARRAY<INT>>, c INT")).unwrap_err();
    assert_eq!(error.as_slice().len(), 2, "{error}");
}

#[test]
fn a_descriptor_that_multiplies_is_refused() {
    use prost_types::field_descriptor_proto::Type;
    use prost_types::{DescriptorProto, FieldDescriptorProto};

    let message = |level: usize| DescriptorProto {
        name: Some(format!("L{level}")),
        field: (1..=10)
            .map(|number| FieldDescriptorProto {
                name: Some(format!("f{number}")),
                number: Some(number),
                r#type: Some(
                    if level < 20 {
                        Type::Message
                    } else {
                        Type::Int64
                    }
                    .into(),
                ),
                type_name: (level < 20).then(|| format!(".L0.L{}", level + 1)),
                ..FieldDescriptorProto::default()
            })
            .collect(),
        ..DescriptorProto::default()
    };
    let mut root = message(0);
    root.nested_type = (1..=20).map(message).collect();
    let descriptor = ProtoDescriptor::new(prost::Message::encode_to_vec(&root));
    assert!(RecordSchema::from_descriptor(descriptor).is_err());
    let mut itself = message(20);
    itself.field[0].r#type = Some(Type::Message.into());
    itself.field[0].type_name = Some(".L20".to_owned());
    let itself = prost::Message::encode_to_vec(&itself);
    assert!(RecordSchema::from_descriptor(itself).is_err());
    let mut unsigned = message(20);
    unsigned.field[0].r#type = Some(Type::Uint32.into());
    let unsigned = prost::Message::encode_to_vec(&unsigned);
    let error = RecordSchema::from_descriptor(unsigned).unwrap_err();
    assert!(
        error.to_string().contains("L20.f1 is TYPE_UINT32"),
        "{error}"
    );
}

#[test]
fn filling_and_writing_a_record_allocates_nothing() {
    let schema = schema(
        "name STRING NOT NULL, n BIGINT, ratio DOUBLE, price DECIMAL(10,2), at TIMESTAMP, tags ARRAY<STRING>",
    );
    let mut record = schema.record();
    let mut out = Vec::with_capacity(1024);
    let mut fill = |out: &mut Vec<u8>| {
        record.clear();
        record.set("name", "roof").unwrap().set("n", 7).unwrap();
        record.set("ratio", 0.5).unwrap();
        record.set("price", Decimal::new(1999, 2).unwrap()).unwrap();
        record.set("at", TimestampMicros::from_micros(1)).unwrap();
        record.set("tags", &[Value::from("a")]).unwrap();
        record.write_to(out).unwrap();
    };
    fill(&mut out);
    let counts = allocation_counter::measure(|| fill(&mut out));
    assert_eq!(counts.count_total, 0);
}
