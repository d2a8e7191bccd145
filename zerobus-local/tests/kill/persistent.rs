//! Persistent streams over servers that are killed: each record is in the table once.

use std::time::Duration;

use tokio::sync::mpsc;
use tonic::codegen::tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::MetadataValue;
use tonic::transport::Endpoint;
use tonic::{Request, Status, Streaming};
use zerobus_client::{TableName, Workspace, ZerobusRecord};
use zerobus_proto::ingest_record_batch_request::Batch;
use zerobus_proto::persistent_stream_request::Payload;
use zerobus_proto::persistent_stream_response::Payload as Answer;
use zerobus_proto::resume_ingest_stream_request::Identifier;
use zerobus_proto::zerobus_client::ZerobusClient;
use zerobus_proto::{
    CreateIngestStreamRequest, CreatePersistentStreamRequest, IngestRecordBatchRequest,
    PersistentStreamRequest, PersistentStreamResponse, ProtoEncodedRecordBatch, RecordType,
    ResumeIngestStreamRequest,
};

use crate::caller::{SOURCE, TABLE};
use crate::event::Event;
use crate::process::Server;
use crate::random::Seed;
use crate::table::{self, Found};

/// Records of one message.
const BATCH: i64 = 7;

type Requests = mpsc::Sender<PersistentStreamRequest>;

/// Opens a connection with this message.
async fn connect(
    server: &Server,
    first: Payload,
) -> Result<(Requests, Streaming<PersistentStreamResponse>), Status> {
    let table = TableName::parse(TABLE).unwrap();
    let workspace = Workspace::builder()
        .workspace_url(server.url())
        .workspace_id("1")
        .oauth("tests", "secret")
        .build()
        .unwrap();
    let token = workspace.ingest_token(&table).await.unwrap();
    let (requests, stream) = mpsc::channel(1_000);
    let payload = Some(first);
    requests
        .send(PersistentStreamRequest { payload })
        .await
        .unwrap();
    let mut request = Request::new(ReceiverStream::new(stream));
    let bearer = format!("Bearer {}", token.expose());
    for (key, value) in [
        ("authorization", bearer.as_str()),
        ("x-databricks-zerobus-table-name", TABLE),
    ] {
        request
            .metadata_mut()
            .insert(key, MetadataValue::try_from(value).unwrap());
    }
    let channel = Endpoint::from_shared(server.url())
        .unwrap()
        .connect()
        .await
        .unwrap();
    let call = ZerobusClient::new(channel)
        .persistent_stream(request)
        .await?;
    Ok((requests, call.into_inner()))
}

fn creation() -> Payload {
    Payload::CreateStream(CreatePersistentStreamRequest {
        create_stream: Some(CreateIngestStreamRequest {
            table_name: Some(TABLE.to_owned()),
            descriptor_proto: Some(Event::DESCRIPTOR.to_vec().into()),
            record_type: Some(RecordType::Proto.into()),
            avro_schema_json: None,
        }),
    })
}

/// The message at this offset: it always has the same records.
fn message(offset: i64) -> PersistentStreamRequest {
    let records = (offset * BATCH..(offset + 1) * BATCH).map(|seq| {
        let mut record = Vec::new();
        Event::new(SOURCE, seq).encode(&mut record).unwrap();
        record.into()
    });
    PersistentStreamRequest {
        payload: Some(Payload::IngestRecordBatch(IngestRecordBatchRequest {
            offset_id: Some(offset),
            batch: Some(Batch::ProtoEncodedBatch(ProtoEncodedRecordBatch {
                records: records.collect(),
            })),
        })),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_record_is_stored_once_however_often_the_server_is_killed() {
    let seed = Seed::of_test();
    let mut random = seed.random(0);
    let mut server = Server::new(&[TABLE.to_owned()]);
    server.start();
    let (mut requests, mut answers) = connect(&server, creation()).await.unwrap();
    let Some(Answer::CreateStreamResponse(created)) =
        answers.message().await.unwrap().unwrap().payload
    else {
        panic!("no stream was created")
    };
    let stream_id = created.stream_id.unwrap();
    let mut next = 0;
    let mut acked = None;
    for _ in 0..12 {
        // Whoever reads the acks sees what the server promised until it was killed.
        let reading = tokio::spawn(async move {
            let mut acked = None;
            while let Ok(Some(answer)) = answers.message().await {
                if let Some(Answer::IngestRecordResponse(ack)) = answer.payload {
                    acked = ack.durability_ack_up_to_offset;
                }
            }
            acked
        });
        let sending = tokio::spawn(async move {
            while requests.send(message(next)).await.is_ok() {
                next += 1;
                tokio::time::sleep(Duration::from_micros(300)).await;
            }
        });
        tokio::time::sleep(random.pause(Duration::from_millis(120))).await;
        server.kill();
        acked = reading.await.unwrap().or(acked);
        sending.abort();
        server.start();
        let resume = Payload::ResumeStream(ResumeIngestStreamRequest {
            identifier: Some(Identifier::StreamId(stream_id.clone())),
            descriptor_proto: Some(Event::DESCRIPTOR.to_vec().into()),
            record_type: Some(RecordType::Proto.into()),
        });
        (requests, answers) = connect(&server, resume).await.unwrap();
        let Some(Answer::ResumeStreamResponse(resumed)) =
            answers.message().await.unwrap().unwrap().payload
        else {
            panic!("the stream was not resumed")
        };
        let last = resumed.last_committed_offset;
        assert!(last >= acked, "{last:?} is committed, {acked:?} was acked");
        next = last.map_or(0, |last| last + 1);
    }
    server.kill();
    let found = table::read(&server.table_dir(TABLE));
    let expected = Found {
        records: next * BATCH,
        duplicates: 0,
    };
    assert!(next > 0, "nothing was ever stored");
    assert_eq!(found[&SOURCE], expected);
    println!("{next} messages over 12 kills");
}
