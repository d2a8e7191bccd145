//! A gRPC client without manners: it sends what it is told to.

use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Request, Status, Streaming};
use zerobus_local::LocalZerobus;
use zerobus_proto::ephemeral_stream_request::Payload;
use zerobus_proto::ephemeral_stream_response::Payload as Response;
use zerobus_proto::ingest_record_batch_request::Batch;
use zerobus_proto::ingest_record_request::Record;
use zerobus_proto::zerobus_client::ZerobusClient;
use zerobus_proto::{
    CreateIngestStreamRequest, EphemeralStreamRequest, EphemeralStreamResponse,
    IngestRecordBatchRequest, IngestRecordRequest, JsonRecordBatch, ProtoEncodedRecordBatch,
    RecordType,
};

use crate::air_quality::{AirQuality, TABLE, descriptor};
use crate::http::ingest_token;

pub(crate) struct Client {
    /// Once it is created.
    pub(crate) stream_id: String,
    requests: Option<mpsc::Sender<EphemeralStreamRequest>>,
    responses: Streaming<EphemeralStreamResponse>,
}

impl Client {
    /// Opens the call with exactly these metadata; nothing is sent yet.
    pub(crate) async fn call(
        server: &LocalZerobus,
        metadata: &[(&'static str, &str)],
    ) -> Result<Self, Status> {
        let channel = Endpoint::from_shared(server.url())
            .unwrap()
            .connect()
            .await
            .unwrap();
        let (requests, stream) = mpsc::channel(16);
        let mut request = Request::new(ReceiverStream::new(stream));
        for (key, value) in metadata {
            let value = MetadataValue::try_from(*value).unwrap();
            request.metadata_mut().insert(*key, value);
        }
        let response = ZerobusClient::new(channel)
            .ephemeral_stream(request)
            .await?;
        Ok(Self {
            stream_id: String::new(),
            requests: Some(requests),
            responses: response.into_inner(),
        })
    }

    /// Opens the call with what it needs for the table of the tests.
    pub(crate) async fn connect(server: &LocalZerobus) -> Self {
        Self::connect_to(server, TABLE).await
    }

    async fn connect_to(server: &LocalZerobus, table: &str) -> Self {
        let token = ingest_token(server, table).await;
        let bearer = format!("Bearer {token}");
        Self::call(
            server,
            &[
                ("authorization", &bearer),
                ("x-databricks-zerobus-table-name", table),
            ],
        )
        .await
        .unwrap()
    }

    /// A stream that is ready for records.
    pub(crate) async fn open(server: &LocalZerobus, record_type: RecordType) -> Self {
        let client = Self::connect(server).await;
        client.create(create(record_type, descriptor())).await
    }

    /// The same into another table.
    pub(crate) async fn open_table(
        server: &LocalZerobus,
        table: &str,
        record_type: RecordType,
        descriptor: Vec<u8>,
    ) -> Self {
        let client = Self::connect_to(server, table).await;
        client
            .create(create_in(table, record_type, descriptor))
            .await
    }

    /// Why a stream into another table is not ready for records.
    pub(crate) async fn refused_by_table(
        server: &LocalZerobus,
        table: &str,
        descriptor: Vec<u8>,
    ) -> Status {
        let mut client = Self::connect_to(server, table).await;
        client
            .send(create_in(table, RecordType::Proto, descriptor))
            .await;
        client.refusal().await.1
    }

    async fn create(mut self, create: Payload) -> Self {
        let client = &mut self;
        client.send(create).await;
        match client.next().await.unwrap() {
            Some(Response::CreateStreamResponse(created)) => {
                assert!(!created.stream_id().is_empty());
                client.stream_id = created.stream_id().to_owned();
            }
            other => panic!("{other:?}"),
        }
        self
    }

    /// The offset of the next ack, which must be what comes next.
    pub(crate) async fn acked(&mut self) -> i64 {
        match self.next().await.unwrap() {
            Some(Response::IngestRecordResponse(ack)) => ack.durability_ack_up_to_offset.unwrap(),
            other => panic!("{other:?}"),
        }
    }

    pub(crate) async fn send(&mut self, payload: Payload) {
        let request = EphemeralStreamRequest {
            payload: Some(payload),
        };
        // When the server has ended the stream, its status tells more than this.
        let _ = self.requests.as_ref().unwrap().send(request).await;
    }

    pub(crate) fn half_close(&mut self) {
        self.requests = None;
    }

    pub(crate) async fn next(&mut self) -> Result<Option<Response>, Status> {
        let response = self.responses.message().await?;
        Ok(response.map(|response| response.payload.unwrap()))
    }

    /// Reads acks up to the end of the stream: the last offset, and the status when it is not OK.
    pub(crate) async fn end(mut self) -> (Option<i64>, Option<Status>) {
        let mut last = None;
        loop {
            match self.next().await {
                Ok(Some(Response::IngestRecordResponse(ack))) => {
                    assert!(ack.durability_ack_up_to_offset >= last);
                    last = ack.durability_ack_up_to_offset;
                }
                Ok(Some(other)) => panic!("{other:?}"),
                Ok(None) => return (last, None),
                Err(status) => return (last, Some(status)),
            }
        }
    }

    /// The same for a stream that must have been refused.
    pub(crate) async fn refusal(self) -> (Option<i64>, Status) {
        let (last, status) = self.end().await;
        (last, status.expect("the stream was not refused"))
    }
}

pub(crate) fn create(record_type: RecordType, descriptor: Vec<u8>) -> Payload {
    Payload::CreateStream(CreateIngestStreamRequest {
        table_name: Some(TABLE.to_owned()),
        descriptor_proto: Some(descriptor.into()),
        record_type: Some(record_type.into()),
        avro_schema_json: None,
    })
}

fn create_in(table: &str, record_type: RecordType, descriptor: Vec<u8>) -> Payload {
    let mut payload = create(record_type, descriptor);
    if let Payload::CreateStream(create) = &mut payload {
        create.table_name = Some(table.to_owned());
    }
    payload
}

pub(crate) fn single(offset: i64, record: &AirQuality) -> Payload {
    bytes(offset, prost::Message::encode_to_vec(record))
}

pub(crate) fn bytes(offset: i64, record: Vec<u8>) -> Payload {
    Payload::IngestRecord(IngestRecordRequest {
        offset_id: Some(offset),
        record: Some(Record::ProtoEncodedRecord(record.into())),
    })
}

pub(crate) fn json(offset: i64, record: &str) -> Payload {
    Payload::IngestRecord(IngestRecordRequest {
        offset_id: Some(offset),
        record: Some(Record::JsonRecord(record.to_owned())),
    })
}

pub(crate) fn batch(offset: i64, records: &[AirQuality]) -> Payload {
    let records = records
        .iter()
        .map(|record| prost::Message::encode_to_vec(record).into());
    Payload::IngestRecordBatch(IngestRecordBatchRequest {
        offset_id: Some(offset),
        batch: Some(Batch::ProtoEncodedBatch(ProtoEncodedRecordBatch {
            records: records.collect(),
        })),
    })
}

pub(crate) fn json_batch(offset: i64, records: &[&str]) -> Payload {
    Payload::IngestRecordBatch(IngestRecordBatchRequest {
        offset_id: Some(offset),
        batch: Some(Batch::JsonBatch(JsonRecordBatch {
            records: records.iter().map(|&record| record.to_owned()).collect(),
        })),
    })
}
