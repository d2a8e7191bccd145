//! Which records are taken, and what becomes of them.

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Decimal128Type, Float64Type, Int8Type, Int32Type, Int64Type,
    TimestampMicrosecondType,
};
use prost::Message;
use tonic::{Code, Status};
use zerobus_proto::RecordType;
use zerobus_schema::{ddl, mapping};

use crate::Local;
use crate::air_quality::{AirQuality, TABLE, bare_record, record};
use crate::client::{Client, batch, bytes, json, single};
use crate::reader::rows;

/// Sends a good record and then `payload`; what it was refused with.
async fn refused(
    record_type: RecordType,
    payload: zerobus_proto::ephemeral_stream_request::Payload,
) -> String {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, record_type).await;
    let good = match record_type {
        RecordType::Json => json(0, r#"{"device_name":"a","observed_at":1,"temp":0}"#),
        _ => single(0, &bare_record(0)),
    };
    client.send(good).await;
    client.send(payload).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(0));
    assert_eq!(local.temps(), [0]);
    coded(&status)
}

fn coded(status: &Status) -> String {
    assert_eq!(status.code(), Code::InvalidArgument);
    let message = status.message();
    let text = message.strip_suffix(" Error Code: 4044, Error State: 3.");
    text.unwrap_or_else(|| panic!("{message}")).to_owned()
}

async fn refused_record(edit: impl FnOnce(&mut AirQuality)) -> String {
    let mut bad = record(1);
    edit(&mut bad);
    let text = refused(RecordType::Proto, single(1, &bad)).await;
    let which = format!(", in record 0 of the message at offset 1 for table {TABLE}.");
    let text = text
        .strip_prefix("Record decoder/encoder error: ")
        .and_then(|text| text.strip_suffix(&which));
    text.unwrap_or_else(|| panic!("{text:?}")).to_owned()
}

#[tokio::test]
async fn a_not_null_column_must_have_a_value() {
    assert_eq!(
        refused_record(|record| record.device_name = None).await,
        "column device_name: expected STRING NOT NULL, found no value"
    );
    assert_eq!(
        refused_record(|record| record.location.as_mut().unwrap().lon = None).await,
        "column location.lon: expected DOUBLE NOT NULL, found no value"
    );
}

#[tokio::test]
async fn text_must_mean_what_its_column_says() {
    assert_eq!(
        refused_record(|record| record.price = Some("1.999".to_owned())).await,
        "column price: expected decimal text that fits DECIMAL(10,2), found \"1.999\" (too many digits behind the point)"
    );
    let text = refused_record(|record| record.payload = Some("{".to_owned())).await;
    assert!(
        text.starts_with("column payload: expected JSON text for a VARIANT, found \"{\""),
        "{text}"
    );
}

#[tokio::test]
async fn bytes_that_are_no_record_are_refused() {
    // A field that the descriptor does not have; a value cut short; a string that is not UTF-8; a wrong wire type.
    for (bad, text) in [
        (vec![0xf8, 0x01, 0x01], "field of number 31"),
        (
            vec![0x0a, 0x05, b'a'],
            "column device_name: the record ends in the middle of a value",
        ),
        (
            vec![0x0a, 0x01, 0xff, 0x20, 0x01],
            "column device_name: expected UTF-8 text",
        ),
        (
            vec![0x08, 0x01],
            "column device_name: expected wire type 2, found 0",
        ),
    ] {
        let refusal = refused(RecordType::Proto, bytes(1, bad)).await;
        assert!(refusal.contains(text), "{refusal}");
    }
}

#[tokio::test]
async fn json_must_have_the_tables_keys_and_types() {
    for (bad, text) in [
        (
            r#"{"device_name":"a"}"#,
            "column observed_at: expected TIMESTAMP NOT NULL, found no value",
        ),
        (
            r#"{"device_name":"a","observed_at":null}"#,
            "column observed_at: expected TIMESTAMP NOT NULL",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"nope":1}"#,
            "unrecognized field name 'nope' at line 1 column 41 (column nope: the table takes no such field)",
        ),
        (
            r#"{"deviceName":"a","observed_at":1}"#,
            "unrecognized field name 'deviceName' at line 1 column 13 (",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"location":{"lat":1,"lon":1,"long":1}}"#,
            "unrecognized field name 'long' at line 1 column 69 (column location.long: the table takes no such field)",
        ),
        (
            r#"{"device_name":"a","observed_at":"2026-01-01T00:00:00Z"}"#,
            "invalid digit found in string at line 1 column 55 (column observed_at: expected an integer for TIMESTAMP, \
             found \"2026-01-01T00:00:00Z\")",
        ),
        (
            "{\"device_name\":\"a\",\n\"observed_at\":\"\"}",
            "cannot parse integer from empty string at line 2 column 16 (column observed_at: ",
        ),
        (
            r#"{"device_name":"a","observed_at":"9223372036854775808"}"#,
            "number too large to fit in target type at line 1 column 54 (",
        ),
        (
            r#"{"device_name":"a","observed_at":1.5}"#,
            "column observed_at: expected an integer for TIMESTAMP, found 1.5 at line 1 column 36",
        ),
        (
            r#"{"device_name":"a","observed_at":9223372036854775808}"#,
            "column observed_at: expected an integer for TIMESTAMP, found 9223372036854775808 at line 1 column 52",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"price":1.5}"#,
            "column price: expected decimal text (a JSON string) for DECIMAL(10,2), found a number at line 1 column 46",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"tags":["x",null]}"#,
            "column tags.element: expected STRING, found null at line 1 column 51",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"location":{"lat":1}}"#,
            "column location.lon: expected DOUBLE NOT NULL, found no value at line 1 column 55",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"location":{"lat":"x","lon":1}}"#,
            "invalid float literal at line 1 column 56 (column location.lat: expected a number for DOUBLE, found \"x\")",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"location":{"lat":"1e999","lon":1}}"#,
            "column location.lat: expected a number for DOUBLE, found \"1e999\" at line 1 column 60",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"temp":3000000000}"#,
            "column temp: expected a number in the range of INT, found 3000000000 at line 1 column 52",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"temp":true}"#,
            "column temp: expected an integer for INT, found a boolean at line 1 column 46",
        ),
        (
            r#"{"device_name":"a","observed_at":1,"raw":"*"}"#,
            "column raw: expected base64",
        ),
        ("[]", "expected a JSON object, found an array"),
        ("{", "expected a JSON object"),
    ] {
        let refusal = refused(RecordType::Json, json(1, bad)).await;
        let text = format!("Record decoder/encoder error: {text}");
        assert!(refusal.starts_with(&text), "{refusal}");
        let which = format!(", in record 0 of the message at offset 1 for table {TABLE}.");
        assert!(refusal.ends_with(&which), "{refusal}");
    }
}

#[tokio::test]
async fn json_values_may_look_as_protobufs_own_mapping_has_them() {
    let local = Local::with(
        "CREATE TABLE main.default.air_quality (a TINYINT, b BIGINT, f FLOAT, d DOUBLE, t TIMESTAMP_NTZ, raw BINARY, \
         m MAP<INT, BOOLEAN>, k MAP<BOOLEAN, BIGINT>);",
    )
    .await;
    let mut client = Client::open(&local.server, RecordType::Json).await;
    let records = [
        r#"{"a": "-7", "b": "9223372036854775807", "f": "1.5", "d": "-Infinity", "t": "0", "raw": "_-8", "m": {"1": true}}"#,
        r#"{"a": 1.0, "b": -1e3, "f": "NaN", "d": 2, "t": 1, "raw": "/+8=", "k": {"true": "1", "false": 2}}"#,
    ];
    for (offset, record) in (0..).zip(records) {
        client.send(json(offset, record)).await;
        assert_eq!(client.acked().await, offset);
    }
    let path = "/api/local/rows?name=main.default.air_quality";
    let shown = crate::http::request(&local.server, "GET", path, &[], "").await;
    assert_eq!(
        shown.json()["rows"],
        serde_json::json!([
            [
                "-7",
                "9223372036854775807",
                "1.5",
                "-inf",
                "1970-01-01T00:00:00",
                "0xffef",
                r#"{"1":true}"#,
                null
            ],
            [
                "1",
                "-1000",
                "NaN",
                "2",
                "1970-01-01T00:00:00.000001",
                "0xffef",
                null,
                r#"{"false":2,"true":1}"#
            ],
        ])
    );
}

#[tokio::test]
async fn one_bad_record_keeps_its_whole_batch_out() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(batch(0, &[record(0), record(1)])).await;
    let mut bad = record(4);
    bad.observed_at = None;
    client
        .send(batch(1, &[record(2), record(3), bad, record(5)]))
        .await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(0));
    assert!(
        coded(&status).contains("in record 2 of the message at offset 1 "),
        "{status}"
    );
    assert_eq!(local.temps(), [0, 1]);
}

#[tokio::test]
async fn values_come_back_as_they_were_sent() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(batch(0, &[record(7), bare_record(8)])).await;
    client.half_close();
    client.end().await;
    let batches = rows(&local.server.table_dir(&TABLE.parse().unwrap()));
    let [batch] = batches.as_slice() else {
        panic!("{} batches", batches.len())
    };
    let column = |name: &str| batch.column_by_name(name).unwrap();
    assert_eq!(
        column("device_name").as_string::<i32>().value(0),
        "sensor-7"
    );
    assert_eq!(
        column("humidity").as_primitive::<Int64Type>().value(0),
        i64::MIN
    );
    let observed_at = column("observed_at").as_primitive::<TimestampMicrosecondType>();
    assert_eq!(observed_at.value(0), 1_790_000_000_123_456);
    assert_eq!(column("day").as_primitive::<Date32Type>().value(0), 20_000);
    assert_eq!(
        column("price").as_primitive::<Decimal128Type>().value(0),
        -1_999
    );
    let tags = column("tags").as_list::<i32>().value(0);
    let tags: Vec<_> = tags.as_string::<i32>().iter().map(Option::unwrap).collect();
    assert_eq!(tags, ["a", "", "ü"]);
    let attrs = column("attrs").as_map().value(0);
    assert_eq!(attrs.column(0).as_string::<i32>().value(0), "floor");
    assert_eq!(attrs.column(1).as_string::<i32>().value(0), "3");
    let location = column("location").as_struct();
    assert_eq!(
        location.column(0).as_primitive::<Float64Type>().value(0),
        48.1
    );
    assert!(location.column(2).is_null(0));
    let payload = column("payload").as_struct();
    let field = |name| {
        payload
            .column_by_name(name)
            .unwrap()
            .as_binary::<i32>()
            .value(0)
    };
    let variant = parquet_variant::Variant::new(field("metadata"), field("value"));
    let object = variant.as_object().unwrap();
    assert_eq!(object.get("ok").unwrap().as_boolean(), Some(true));
    assert_eq!(column("raw").as_binary::<i32>().value(0), [0, 255]);
    for nullable in [
        "humidity", "day", "price", "tags", "attrs", "location", "payload", "raw",
    ] {
        assert!(column(nullable).is_null(1), "{nullable}");
    }
}

#[tokio::test]
async fn of_a_value_sent_twice_the_last_counts_and_of_a_map_key_too() {
    let mut twice = record(1).encode_to_vec();
    let again = AirQuality {
        temp: Some(9),
        device_name: Some("again".to_owned()),
        attrs: [
            ("floor".to_owned(), "4".to_owned()),
            ("wing".to_owned(), "b".to_owned()),
        ]
        .into(),
        ..AirQuality::default()
    };
    twice.extend(again.encode_to_vec());
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(bytes(0, twice)).await;
    client.send(single(1, &record(2))).await;
    client.half_close();
    client.end().await;
    assert_eq!(local.temps(), [9, 2]);
    let batches = rows(&local.server.table_dir(&TABLE.parse().unwrap()));
    let attrs = batches[0]
        .column_by_name("attrs")
        .unwrap()
        .as_map()
        .value(0);
    let mut entries: Vec<_> = attrs
        .column(0)
        .as_string::<i32>()
        .iter()
        .zip(attrs.column(1).as_string::<i32>())
        .collect();
    entries.sort_unstable();
    assert_eq!(
        entries,
        [(Some("floor"), Some("4")), (Some("wing"), Some("b"))]
    );
}

const T: &str = "main.default.t";

/// Sends these bytes as the first record of a table of these columns; what it was refused with, or the rows.
async fn sent_to(columns: &str, record: Vec<u8>) -> Result<Vec<arrow_array::RecordBatch>, String> {
    let ddl = format!("CREATE TABLE {T} ({columns})");
    let local = Local::with(&ddl).await;
    let table = ddl::parse_create_table(&ddl).unwrap();
    let message = mapping::message(&table, &mapping::MappingOptions::default()).unwrap();
    let mut client =
        Client::open_table(&local.server, T, RecordType::Proto, message.descriptor()).await;
    client.send(bytes(0, record)).await;
    client.half_close();
    match client.end().await {
        (Some(0), None) => Ok(rows(&local.server.table_dir(&T.parse().unwrap()))),
        (None, Some(status)) => Err(coded(&status)),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn narrow_integers_keep_to_their_range() {
    // -129 as int32 has ten bytes on the wire, as every negative number has.
    let minus_129 = [
        0x08, 0xff, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
    ];
    for (column, record, found) in [
        ("a TINYINT", vec![0x08, 0x80, 0x01], "TINYINT, found 128"),
        ("a TINYINT", minus_129.to_vec(), "TINYINT, found -129"),
        (
            "a SMALLINT",
            vec![0x08, 0x80, 0x80, 0x02],
            "SMALLINT, found 32768",
        ),
    ] {
        let refusal = sent_to(column, record).await.unwrap_err();
        let expected = format!("column a: expected a number in the range of {found}, in record 0 ");
        assert!(refusal.contains(&expected), "{refusal}");
    }
    let batches = sent_to("a TINYINT", vec![0x08, 0x7f]).await.unwrap();
    assert_eq!(
        batches[0].column(0).as_primitive::<Int8Type>().value(0),
        127
    );
}

#[tokio::test]
async fn repeated_numbers_may_be_packed_or_not() {
    for record in [
        vec![0x0a, 0x03, 1, 2, 3],
        vec![0x08, 1, 0x08, 2, 0x08, 3],
        vec![0x08, 1, 0x0a, 0x02, 2, 3],
    ] {
        let batches = sent_to("a ARRAY<INT>", record).await.unwrap();
        let list = batches[0].column(0).as_list::<i32>().value(0);
        assert_eq!(list.as_primitive::<Int32Type>().values(), &[1, 2, 3]);
    }
}

#[tokio::test]
async fn groups_are_no_values() {
    // The start and the end of a group of number 1, where the column's value should be, and of an unknown number.
    for (record, problem) in [
        (vec![0x0b, 0x0c], "column a: expected wire type 2, found 3"),
        (vec![0x13, 0x14], "field of number 2"),
    ] {
        let refusal = sent_to("a STRING", record).await.unwrap_err();
        assert!(refusal.contains(problem), "{refusal}");
    }
}

#[tokio::test]
async fn all_days_and_microseconds_that_fit_are_times() {
    for (column, value) in [
        ("a DATE", i64::from(i32::MIN)),
        ("a TIMESTAMP", i64::MAX),
        ("a TIMESTAMP_NTZ", i64::MIN),
    ] {
        let mut record = vec![0x08];
        prost::encoding::encode_varint(value.cast_unsigned(), &mut record);
        let batches = sent_to(column, record).await.unwrap();
        let column = batches[0].column(0);
        let found = match column.as_primitive_opt::<Date32Type>() {
            Some(days) => i64::from(days.value(0)),
            None => column
                .as_primitive_opt::<TimestampMicrosecondType>()
                .unwrap()
                .value(0),
        };
        assert_eq!(found, value);
    }
}

#[tokio::test]
async fn what_the_table_computes_is_null_here() {
    let columns = "a INT, day DATE GENERATED ALWAYS AS (current_date()), b INT DEFAULT 4";
    let batches = sent_to(columns, vec![0x08, 7]).await.unwrap();
    assert_eq!(batches[0].column(0).as_primitive::<Int32Type>().value(0), 7);
    assert!(batches[0].column(1).is_null(0));
    assert!(batches[0].column(2).is_null(0));
}
