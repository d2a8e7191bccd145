//! Order, acks and ends of streams.

use std::time::Duration;

use prost::Message;
use tonic::Code;
use zerobus_proto::ephemeral_stream_response::Payload;
use zerobus_proto::{IngestRecordRequest, RecordType};

use crate::Local;
use crate::air_quality::{bare_record, record};
use crate::client::{Client, batch, bytes, create, json, json_batch, single};
use crate::http::{ingest_form, request, token_request};

#[tokio::test]
async fn records_are_in_the_table_when_they_are_acked() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    client
        .send(batch(1, &[record(1), bare_record(2), record(3)]))
        .await;
    client.send(single(2, &record(4))).await;
    client.half_close();
    assert!(matches!(client.end().await, (Some(2), None)));
    assert_eq!(local.temps(), [0, 1, 2, 3, 4]);
    local.server.shutdown().await;
}

#[tokio::test]
async fn an_ack_needs_no_half_close() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    for offset in 0..3 {
        client.send(single(offset, &bare_record(0))).await;
        match client.next().await.unwrap() {
            Some(Payload::IngestRecordResponse(ack)) => {
                assert_eq!(ack.durability_ack_up_to_offset, Some(offset));
            }
            other => panic!("{other:?}"),
        }
        let rows = usize::try_from(offset).unwrap() + 1;
        assert_eq!(local.temps().len(), rows);
    }
}

#[tokio::test]
async fn json_records_arrive_like_protobuf_ones() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Json).await;
    client
        .send(json(0, r#"{"device_name":"a","observed_at":1,"temp":0}"#))
        .await;
    let records = [
        r#"{"temp":1,"device_name":"b","observed_at":2,"tags":["x"],"attrs":{"k":"v"},"price":"1.50",
            "location":{"lat":1,"lon":2.5},"payload":"{\"a\":1}","raw":"AP8=","day":3,"humidity":null}"#,
        r#"{"device_name":"c","observed_at":3,"temp":2}"#,
    ];
    client.send(json_batch(1, &records)).await;
    client.half_close();
    assert!(matches!(client.end().await, (Some(1), None)));
    assert_eq!(local.temps(), [0, 1, 2]);
}

#[tokio::test]
async fn an_empty_batch_has_an_offset_of_its_own() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(batch(0, &[])).await;
    client.send(single(1, &bare_record(1))).await;
    client.send(batch(2, &[])).await;
    client.half_close();
    assert!(matches!(client.end().await, (Some(2), None)));
    assert_eq!(local.temps(), [1]);
}

#[tokio::test]
async fn response_headers_come_before_anything_is_sent() {
    let local = Local::start().await;
    // `connect` returns with the headers; nothing was sent by then.
    let connected = tokio::time::timeout(Duration::from_secs(20), Client::connect(&local.server));
    connected.await.expect("no headers without create_stream");
}

#[tokio::test]
async fn a_stream_must_begin_with_create_stream() {
    let local = Local::start().await;
    let mut client = Client::connect(&local.server).await;
    client.send(single(0, &record(0))).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert_eq!(
        status.message(),
        "The first message of a stream must be create_stream."
    );
    assert!(local.temps().is_empty());
}

#[tokio::test]
async fn create_stream_comes_only_once() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client
        .send(create(RecordType::Proto, crate::air_quality::descriptor()))
        .await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::InvalidArgument);
}

#[tokio::test]
async fn offsets_out_of_order_end_the_stream_after_what_came_before() {
    for wrong in [2, 0, 7, -1] {
        let local = Local::start().await;
        let mut client = Client::open(&local.server, RecordType::Proto).await;
        client.send(single(0, &record(0))).await;
        client.send(single(wrong, &record(1))).await;
        let (acked, status) = client.refusal().await;
        assert_eq!(status.code(), Code::InvalidArgument);
        assert_eq!(
            status.message(),
            format!(
                "Offsets must be sequential from 0 on each connection: expected 1, found {wrong}. \
                 Error Code: 4002, Error State: 0."
            )
        );
        assert_eq!(acked, Some(0));
        assert_eq!(local.temps(), [0]);
    }
}

#[tokio::test]
async fn an_offset_must_be_there() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    let without = IngestRecordRequest::default();
    client
        .send(zerobus_proto::ephemeral_stream_request::Payload::IngestRecord(without))
        .await;
    let (_, status) = client.refusal().await;
    assert!(
        status.message().contains("expected 0, found none"),
        "{status}"
    );
}

#[tokio::test]
async fn records_of_another_kind_are_refused() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(json(0, "{}")).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status
            .message()
            .ends_with("Error Code: 4044, Error State: 3."),
        "{status}"
    );
}

#[tokio::test]
async fn what_is_not_supported_says_so() {
    let local = Local::start().await;
    let mut client = Client::connect(&local.server).await;
    client.send(create(RecordType::Avro, Vec::new())).await;
    let (_, status) = client.refusal().await;
    assert_eq!(status.code(), Code::Unimplemented);
}

#[tokio::test]
async fn records_of_ten_mebibytes_pass_and_larger_ones_do_not() {
    const LIMIT: usize = 10 * 1024 * 1024;
    let sized = |size: usize| {
        let mut record = bare_record(1);
        record.raw = Some(Vec::new());
        // The length of `raw` takes three more bytes when it is that long.
        let rest = size - record.encoded_len() - 3;
        record.raw = Some(vec![7; rest]);
        let encoded = record.encode_to_vec();
        assert_eq!(encoded.len(), size);
        encoded
    };
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(bytes(0, sized(LIMIT))).await;
    client.send(bytes(1, sized(LIMIT + 1))).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(0));
    assert_eq!(status.code(), Code::InvalidArgument);
    assert!(
        status
            .message()
            .contains("10485761 bytes, at most 10485760"),
        "{status}"
    );
    assert_eq!(local.temps(), [1]);
}

#[tokio::test]
async fn a_message_beyond_the_transports_limit_ends_the_stream_after_what_came_before() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(1))).await;
    client.send(bytes(1, vec![0; 21 * 1024 * 1024])).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(0));
    assert_eq!(status.code(), Code::InvalidArgument, "{status}");
    assert!(
        status.message().contains("at most 20971520 bytes")
            && status.message().contains("send smaller batches"),
        "{status}"
    );
    assert_eq!(local.temps(), [1]);
}

#[tokio::test]
async fn streams_into_one_table_share_it() {
    let local = Local::start().await;
    let mut clients = Vec::new();
    for _ in 0..4 {
        clients.push(Client::open(&local.server, RecordType::Proto).await);
    }
    for offset in 0..25 {
        for client in &mut clients {
            client
                .send(single(offset, &bare_record(offset.try_into().unwrap())))
                .await;
        }
    }
    for mut client in clients {
        client.half_close();
        assert!(matches!(client.end().await, (Some(24), None)));
    }
    let mut temps = local.temps();
    temps.sort_unstable();
    let expected: Vec<i32> = (0..25).flat_map(|temp| [temp; 4]).collect();
    assert_eq!(temps, expected);
}

#[tokio::test]
async fn a_shutdown_acks_what_was_sent_and_tells_clients_to_reconnect() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    // The first ack shows that the record has arrived.
    assert!(client.next().await.unwrap().is_some());
    let Local { data, server } = local;
    let table = server.table_dir(&crate::air_quality::TABLE.parse().unwrap());
    let (_, (_, status)) = tokio::join!(server.shutdown(), client.refusal());
    assert_eq!(status.code(), Code::Unavailable);
    assert_eq!(crate::reader::temps(&table), [0]);
    drop(data);
}

#[tokio::test]
async fn a_restart_goes_on_where_the_table_stopped() {
    let local = Local::start().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    client.half_close();
    client.end().await;
    let local = local.restart().await;
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(1))).await;
    client.half_close();
    assert!(matches!(client.end().await, (Some(0), None)));
    assert_eq!(local.temps(), [0, 1]);
}

#[tokio::test]
async fn a_table_whose_folder_was_deleted_is_no_table_until_it_is_there_again() {
    let local = Local::start().await;
    let folder = local
        .server
        .table_dir(&crate::air_quality::TABLE.parse().unwrap());
    let aside = folder.with_file_name(".aside");
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert_eq!(client.acked().await, 0);
    std::fs::rename(&folder, &aside).unwrap();
    client.send(single(1, &record(1))).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, None);
    // No client tries that again.
    assert_eq!(status.code(), Code::NotFound);
    for part in [
        "could not be written",
        "_delta_log is gone",
        "put it back or create the table again",
    ] {
        assert!(status.message().contains(part), "{status}");
    }
    let answer = token_request(&local.server, &ingest_form(crate::air_quality::TABLE)).await;
    assert_eq!(answer.status, 401, "{}", answer.body);

    // Put back, it goes on; made anew, it is another one.
    std::fs::rename(&aside, &folder).unwrap();
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(2))).await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(local.temps(), [0, 2]);
    std::fs::remove_dir_all(&folder).unwrap();
    let ddl = crate::air_quality::DDL;
    let answer = request(&local.server, "POST", "/api/local/ddl", &[], ddl).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(3))).await;
    assert_eq!(client.acked().await, 0);
    assert_eq!(local.temps(), [3]);
    local.server.shutdown().await;
}

#[tokio::test]
async fn a_stream_that_has_lived_its_time_is_announced_and_then_ended() {
    let data = tempfile::TempDir::new().unwrap();
    let server = zerobus_local::LocalZerobus::builder()
        .data(data.path())
        .seed_sql(crate::air_quality::DDL)
        .stream_lifetime(Duration::from_millis(500))
        .start()
        .await
        .unwrap();
    let local = Local { data, server };
    let mut client = Client::open(&local.server, RecordType::Proto).await;
    client.send(single(0, &record(0))).await;
    assert!(client.next().await.unwrap().is_some());
    match client.next().await.unwrap() {
        Some(Payload::CloseStreamSignal(signal)) => {
            let duration = Duration::try_from(signal.duration.unwrap()).unwrap();
            assert_eq!(duration, Duration::from_millis(100));
        }
        other => panic!("{other:?}"),
    }
    // There is still time to send.
    client.send(single(1, &record(1))).await;
    let (acked, status) = client.refusal().await;
    assert_eq!(acked, Some(1));
    assert_eq!(status.code(), Code::Unavailable);
    assert!(
        status
            .message()
            .ends_with("Error Code: 6002, Error State: 0."),
        "{status}"
    );
    assert_eq!(local.temps(), [0, 1]);
}
