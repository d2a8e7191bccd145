//! Streams that outlive their connection.

use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Code, Request, Status, Streaming};
use zerobus_local::LocalZerobus;
use zerobus_proto::persistent_stream_request::Payload;
use zerobus_proto::persistent_stream_response::Payload as Response;
use zerobus_proto::zerobus_client::ZerobusClient;
use zerobus_proto::{
    CreatePersistentStreamRequest, PersistentStreamRequest, PersistentStreamResponse, RecordType,
    ResumeIngestStreamRequest, RetireStreamRequest, resume_ingest_stream_request,
    retire_stream_request,
};

use crate::Local;
use crate::air_quality::{AirQuality, DDL, TABLE, bare_record, descriptor, record};
use crate::client::{batch, create, json, single};
use crate::http::ingest_token;

type Ephemeral = zerobus_proto::ephemeral_stream_request::Payload;

/// A connection of a persistent stream.
struct Connection {
    requests: Option<mpsc::Sender<PersistentStreamRequest>>,
    responses: Streaming<PersistentStreamResponse>,
}

async fn call<T>(
    server: &LocalZerobus,
    message: T,
) -> (ZerobusClient<tonic::transport::Channel>, Request<T>) {
    let channel = Endpoint::from_shared(server.url())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let bearer = format!("Bearer {}", ingest_token(server, TABLE).await);
    let mut request = Request::new(message);
    for (key, value) in [
        ("authorization", bearer.as_str()),
        ("x-databricks-zerobus-table-name", TABLE),
    ] {
        request
            .metadata_mut()
            .insert(key, MetadataValue::try_from(value).unwrap());
    }
    (ZerobusClient::new(channel), request)
}

impl Connection {
    /// Sends `first`; what it is answered with.
    async fn begin(server: &LocalZerobus, first: Payload) -> Result<(Self, Response), Status> {
        let (requests, stream) = mpsc::channel(4);
        let (mut client, request) = call(server, ReceiverStream::new(stream)).await;
        let mut connection = Self {
            requests: Some(requests),
            responses: client.persistent_stream(request).await?.into_inner(),
        };
        connection.send(first).await;
        let answer = connection.next().await?.expect("the stream ended at once");
        Ok((connection, answer))
    }

    async fn create(server: &LocalZerobus) -> (Self, String) {
        match Self::begin(server, creation(RecordType::Proto))
            .await
            .unwrap()
        {
            (connection, Response::CreateStreamResponse(created)) => {
                (connection, created.stream_id.unwrap())
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    /// The connection and the offset after which it goes on.
    async fn resume(server: &LocalZerobus, stream_id: &str) -> Result<(Self, Option<i64>), Status> {
        let resume = ResumeIngestStreamRequest {
            identifier: Some(resume_ingest_stream_request::Identifier::StreamId(
                stream_id.to_owned(),
            )),
            descriptor_proto: Some(descriptor().into()),
            record_type: Some(RecordType::Proto.into()),
        };
        match Self::begin(server, Payload::ResumeStream(resume)).await? {
            (connection, Response::ResumeStreamResponse(resumed)) => {
                Ok((connection, resumed.last_committed_offset))
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    async fn send(&self, payload: Payload) {
        let request = PersistentStreamRequest {
            payload: Some(payload),
        };
        // When the server has ended the stream, its status tells more than this.
        let _ = self.requests.as_ref().unwrap().send(request).await;
    }

    async fn next(&mut self) -> Result<Option<Response>, Status> {
        let response = self.responses.message().await?;
        Ok(response.map(|response| response.payload.unwrap()))
    }

    async fn acked(&mut self) -> i64 {
        match self.next().await.unwrap() {
            Some(Response::IngestRecordResponse(ack)) => ack.durability_ack_up_to_offset.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    /// Reads acks up to the end of the stream, which must be a refusal.
    async fn refusal(mut self) -> Status {
        loop {
            match self.next().await {
                Ok(Some(Response::IngestRecordResponse(_))) => {}
                Ok(other) => panic!("{other:?}"),
                Err(status) => return status,
            }
        }
    }
}

/// The same message for this call.
fn persistent(payload: Ephemeral) -> Payload {
    match payload {
        Ephemeral::CreateStream(create) => Payload::CreateStream(CreatePersistentStreamRequest {
            create_stream: Some(create),
        }),
        Ephemeral::IngestRecord(record) => Payload::IngestRecord(record),
        Ephemeral::IngestRecordBatch(batch) => Payload::IngestRecordBatch(batch),
    }
}

fn creation(record_type: RecordType) -> Payload {
    persistent(create(record_type, descriptor()))
}

fn one(offset: i64, record: &AirQuality) -> Payload {
    persistent(single(offset, record))
}

async fn retire(server: &LocalZerobus, stream_id: &str) -> Result<(), Status> {
    let message = RetireStreamRequest {
        table_name: Some(TABLE.to_owned()),
        identifier: Some(retire_stream_request::Identifier::StreamId(
            stream_id.to_owned(),
        )),
    };
    let (mut client, request) = call(server, message).await;
    client.retire_stream(request).await.map(drop)
}

#[tokio::test]
async fn a_stream_goes_on_after_the_last_offset_that_is_in_the_table() {
    let local = Local::start().await;
    let (mut connection, id) = Connection::create(&local.server).await;
    connection.send(one(0, &record(0))).await;
    connection
        .send(persistent(batch(1, &[record(1), record(2)])))
        .await;
    while connection.acked().await < 1 {}
    drop(connection);

    let (mut connection, last) = Connection::resume(&local.server, &id).await.unwrap();
    assert_eq!(last, Some(1));
    connection.send(one(2, &record(3))).await;
    assert_eq!(connection.acked().await, 2);

    // What is there is not taken again, and nothing may be left out.
    for wrong in [2, 4] {
        let (connection, last) = Connection::resume(&local.server, &id).await.unwrap();
        assert_eq!(last, Some(2));
        connection.send(one(wrong, &record(9))).await;
        let status = connection.refusal().await;
        assert_eq!(
            status.message(),
            format!(
                "Offsets must be sequential from 0 on each persistent stream: expected 3, found {wrong}. \
                 Error Code: 4002, Error State: 0."
            )
        );
    }
    assert_eq!(local.temps(), [0, 1, 2, 3]);
}

#[tokio::test]
async fn a_stream_outlives_the_server_and_a_checkpoint() {
    let local = Local::start().await;
    let (mut connection, id) = Connection::create(&local.server).await;
    let (_, empty) = Connection::create(&local.server).await;
    for offset in 0..120 {
        connection.send(one(offset, &bare_record(0))).await;
        assert_eq!(connection.acked().await, offset);
    }
    drop(connection);
    let local = local.restart().await;
    let (mut connection, last) = Connection::resume(&local.server, &id).await.unwrap();
    assert_eq!(last, Some(119));
    // A message without records counts as well.
    connection.send(persistent(batch(120, &[]))).await;
    assert_eq!(connection.acked().await, 120);
    let (mut connection, last) = Connection::resume(&local.server, &empty).await.unwrap();
    assert_eq!(last, None);
    connection.send(one(0, &bare_record(1))).await;
    assert_eq!(connection.acked().await, 0);
    let local = local.restart().await;
    let (_, last) = Connection::resume(&local.server, &id).await.unwrap();
    assert_eq!(last, Some(120));
    assert_eq!(local.temps().len(), 121);
}

#[tokio::test]
async fn each_record_is_stored_once_however_often_the_connection_breaks() {
    let local = Local::start().await;
    let (mut connection, id) = Connection::create(&local.server).await;
    // Another stream's records go into the same commits.
    let (mut other, _) = Connection::create(&local.server).await;
    let mut next = 0;
    for turn in 0..40 {
        other.send(one(turn, &bare_record(-1))).await;
        // More than is waited for, so that some are on their way when the connection breaks.
        for offset in next..next + 30 {
            let temp = i32::try_from(offset).unwrap();
            connection.send(one(offset, &bare_record(temp))).await;
        }
        if turn % 4 != 0 {
            connection.acked().await;
        }
        // The old one is still open now and then.
        let old = connection;
        if turn % 3 == 0 {
            drop(old);
        }
        let (resumed, last) = Connection::resume(&local.server, &id).await.unwrap();
        next = last.map_or(0, |last| last + 1);
        connection = resumed;
    }
    while other.acked().await < 39 {}
    let mut temps = local.temps();
    temps.retain(|&temp| temp >= 0);
    assert!(temps.len() > 40, "{} records", temps.len());
    let expected: Vec<i32> = (0..i32::try_from(next).unwrap()).collect();
    assert_eq!(temps, expected);
}

#[tokio::test]
async fn a_stream_has_one_connection() {
    let local = Local::start().await;
    let (mut first, id) = Connection::create(&local.server).await;
    first.send(one(0, &record(0))).await;
    assert_eq!(first.acked().await, 0);
    let (mut second, last) = Connection::resume(&local.server, &id).await.unwrap();
    assert_eq!(last, Some(0));
    first.send(one(1, &record(9))).await;
    let status = first.refusal().await;
    // Not one after which the first would try again.
    assert_eq!(status.code(), Code::FailedPrecondition);
    assert!(
        status.message().contains("on another connection"),
        "{status}"
    );
    second.send(one(1, &record(1))).await;
    assert_eq!(second.acked().await, 1);
    assert_eq!(local.temps(), [0, 1]);
}

#[tokio::test]
async fn a_stream_that_is_retired_or_was_never_created_is_not_resumed() {
    let local = Local::start().await;
    let (mut connection, id) = Connection::create(&local.server).await;
    connection.send(one(0, &record(0))).await;
    assert_eq!(connection.acked().await, 0);
    retire(&local.server, &id).await.unwrap();
    assert_eq!(connection.refusal().await.code(), Code::FailedPrecondition);
    let local = local.restart().await;
    for (id, code) in [
        (id.as_str(), Code::FailedPrecondition),
        ("never created", Code::NotFound),
        ("", Code::NotFound),
        (&"x".repeat(10_000), Code::NotFound),
    ] {
        let refused = Connection::resume(&local.server, id).await.err().unwrap();
        assert_eq!(refused.code(), code, "{refused}");
        assert_eq!(retire(&local.server, id).await.unwrap_err().code(), code);
    }
    assert_eq!(local.temps(), [0]);
}

#[tokio::test]
async fn a_persistent_stream_is_as_strict_as_another() {
    let local = Local::with(DDL).await;
    let refused = Connection::begin(&local.server, one(0, &record(0)))
        .await
        .err()
        .unwrap();
    assert_eq!(
        refused.message(),
        "The first message of a stream must be create_stream or resume_stream."
    );
    let (connection, answer) = Connection::begin(&local.server, creation(RecordType::Json))
        .await
        .unwrap();
    assert!(
        matches!(answer, Response::CreateStreamResponse(_)),
        "{answer:?}"
    );
    connection
        .send(persistent(json(0, r#"{"device_name":"a"}"#)))
        .await;
    let status = connection.refusal().await;
    assert!(
        status
            .message()
            .ends_with("Error Code: 4044, Error State: 3."),
        "{status}"
    );
    assert!(local.temps().is_empty());
}
