//! What a record costs the client: single-record ingest into a server on a thread of its own that acks and discards.
//!
//! `cargo bench -p zerobus-client -- [RECORDS] [BYTES]`; figures go to stdout. CPU is that of the client's thread,
//! which runs the caller, the background task and the connection.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    missing_docs
)]

use std::collections::BTreeMap;
use std::pin::Pin;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::transport::server::TcpIncoming;
use tonic::{Request, Response, Status, Streaming};
use zerobus_client::schema::ddl;
use zerobus_client::{
    Client, ColumnInfo, DateDays, DynamicRecord, Fingerprint, JsonValue, RecordError, RecordSchema,
    StreamOptions, TimestampMicros, ZerobusRecord,
};
use zerobus_proto::ephemeral_stream_response::Payload as Answer;
use zerobus_proto::zerobus_server::{Zerobus, ZerobusServer};
use zerobus_proto::{
    CreateIngestStreamResponse, EphemeralStreamRequest, EphemeralStreamResponse,
    IngestRecordResponse, PersistentStreamRequest, PersistentStreamResponse, RetireStreamRequest,
    RetireStreamResponse, ephemeral_stream_request,
};

struct Payload<'a>(&'a [u8]);

impl ZerobusRecord for Payload<'_> {
    const TABLE: &'static str = "main.default.bench";
    const FINGERPRINT: Fingerprint = Fingerprint::from_bytes([0; 32]);
    const COLUMNS: &'static [ColumnInfo] = &[];
    const DESCRIPTOR: &'static [u8] = b"\x0a\x05bench";

    fn encode(&self, out: &mut Vec<u8>) -> Result<(), RecordError> {
        out.extend_from_slice(self.0);
        Ok(())
    }

    fn validate(&self) -> Result<(), RecordError> {
        Ok(())
    }
}

type Responses<T> = Pin<Box<dyn tokio_stream::Stream<Item = Result<T, Status>> + Send>>;

/// Acks every message as it comes.
struct Discard;

#[tonic::async_trait]
impl Zerobus for Discard {
    type EphemeralStreamStream = Responses<EphemeralStreamResponse>;
    type PersistentStreamStream = Responses<PersistentStreamResponse>;

    async fn ephemeral_stream(
        &self,
        request: Request<Streaming<EphemeralStreamRequest>>,
    ) -> Result<Response<Self::EphemeralStreamStream>, Status> {
        let mut requests = request.into_inner();
        let (answers, receiver) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok(Some(request)) = requests.message().await {
                let answer = match request.payload {
                    Some(ephemeral_stream_request::Payload::IngestRecordBatch(batch)) => {
                        Answer::IngestRecordResponse(IngestRecordResponse {
                            durability_ack_up_to_offset: batch.offset_id,
                        })
                    }
                    _ => Answer::CreateStreamResponse(CreateIngestStreamResponse::default()),
                };
                let payload = Some(answer);
                if answers
                    .send(Ok(EphemeralStreamResponse { payload }))
                    .is_err()
                {
                    return;
                }
            }
        });
        Ok(Response::new(Box::pin(UnboundedReceiverStream::new(
            receiver,
        ))))
    }

    async fn persistent_stream(
        &self,
        _: Request<Streaming<PersistentStreamRequest>>,
    ) -> Result<Response<Self::PersistentStreamStream>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn retire_stream(
        &self,
        _: Request<RetireStreamRequest>,
    ) -> Result<Response<RetireStreamResponse>, Status> {
        Err(Status::unimplemented(""))
    }
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

/// A discarding server on a thread of its own; its address.
fn start_server() -> String {
    let (address, started) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            address.send(listener.local_addr().unwrap()).unwrap();
            tonic::transport::Server::builder()
                .initial_stream_window_size(8 << 20)
                .initial_connection_window_size(16 << 20)
                .add_service(ZerobusServer::new(Discard).max_decoding_message_size(32 << 20))
                .serve_with_incoming(TcpIncoming::from(listener).with_nodelay(Some(true)))
                .await
                .unwrap();
        });
    });
    format!("http://{}", started.recv().unwrap())
}

/// CPU time of this thread; zero where the system does not tell.
fn thread_cpu() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap_or_default();
    let nanos = text.split_whitespace().next();
    Duration::from_nanos(nanos.and_then(|n| n.parse().ok()).unwrap_or(0))
}

async fn report(what: &str, records: usize, bytes: usize, run: impl Future<Output = ()>) {
    let (cpu, start) = (thread_cpu(), Instant::now());
    run.await;
    let (cpu, wall) = (thread_cpu() - cpu, start.elapsed());
    println!(
        "{what:18} {records:>9} x {bytes:>5} B: {:>6.2} M records/s, {:>7.1} MB/s, CPU {:>7.1} ns a record",
        records as f64 / wall.as_secs_f64() / 1e6,
        (records * bytes) as f64 / wall.as_secs_f64() / 1e6,
        cpu.as_nanos() as f64 / records as f64,
    );
}

/// Sets 8 columns by name, in the table's order: about 100 B.
fn fill(record: &mut DynamicRecord, n: i64) -> Result<(), RecordError> {
    record.clear();
    record.set("id", n)?.set("customer", 1_000_000 + n)?;
    record.set("status", "O")?.set("price", "172799.49")?;
    record.set("placed", DateDays::from_days(10_000))?;
    record.set("clerk", "Clerk#000000951")?;
    record.set("at", TimestampMicros::from_micros(1_700_000_000_000_000))?;
    record.set("note", "nstructions sleep furiously among the")?;
    Ok(())
}

async fn dynamic(client: &Client, records: usize) {
    let table = ddl::parse_create_table(
        "CREATE TABLE main.default.orders (id BIGINT NOT NULL, customer BIGINT, status STRING, price DECIMAL(12,2), \
         placed DATE, clerk STRING, at TIMESTAMP, note STRING)",
    );
    let schema = RecordSchema::of(&table.unwrap()).unwrap();
    let mut stream = client.dynamic_stream(&schema).open().await.unwrap();
    let mut record = schema.record();
    fill(&mut record, 1_000_000).unwrap();
    let bytes = record.to_bytes().unwrap().len();
    report("dynamic records", records, bytes, async {
        for n in 0..i64::try_from(records).unwrap() {
            fill(&mut record, n).unwrap();
            stream.ingest_record(&record).await.unwrap();
        }
        stream.flush().await.unwrap();
    })
    .await;
    stream.close().await.unwrap();
}

async fn json(client: &Client, records: usize) {
    let text = r#"{"id":1000000,"status":"O","price":"172799.49","placed":10000,"note":"nstructions sleep furiously"}"#;
    let value = BTreeMap::from([
        ("id", 1_000_000),
        ("customer", 7),
        ("placed", 10_000),
        ("quantity", 17),
    ]);
    let mut stream = client
        .json_stream("main.default.orders")
        .open()
        .await
        .unwrap();
    report("JSON text", records, text.len(), async {
        for _ in 0..records {
            stream.ingest_record(text).await.unwrap();
        }
        stream.flush().await.unwrap();
    })
    .await;
    let bytes = serde_json::to_string(&value).unwrap().len();
    report("JSON of Serialize", records, bytes, async {
        for _ in 0..records {
            stream.ingest_record(&JsonValue(&value)).await.unwrap();
        }
        stream.flush().await.unwrap();
    })
    .await;
    stream.close().await.unwrap();
}

/// Records that producers on threads of their own add to one stream, whose connection waits meanwhile.
async fn producers(client: &Client, records: usize) {
    let payload = [7; 100];
    for threads in [1, 2] {
        let mut options = StreamOptions::default();
        options.max_inflight_records = 2 * threads * records;
        options.max_inflight_bytes = 4 * threads * records * payload.len();
        let stream = client.stream::<Payload<'_>>().options(options);
        let mut stream = stream.open().await.unwrap();
        let start = Instant::now();
        std::thread::scope(|scope| {
            for _ in 0..threads {
                let mut producer = stream.producer();
                scope.spawn(move || {
                    for _ in 0..records {
                        producer.try_ingest(&Payload(&payload)).unwrap();
                    }
                });
            }
        });
        let seconds = start.elapsed().as_secs_f64();
        println!(
            "{threads} producers        {records:>9} x   100 B each, queued: {:>6.2} M records/s",
            (threads * records) as f64 / seconds / 1e6,
        );
        stream.flush().await.unwrap();
        stream.close().await.unwrap();
    }
}

fn main() {
    let numbers: Vec<usize> = std::env::args()
        .filter_map(|arg| arg.parse().ok())
        .collect();
    // Run as a test, it only shows that it runs.
    let measures = std::env::args().any(|arg| arg == "--bench");
    let records = numbers
        .first()
        .copied()
        .unwrap_or(if measures { 5_000_000 } else { 1_000 });
    let sizes = match numbers.get(1) {
        Some(size) => vec![*size],
        None => vec![20, 100, 220, 1000, 10_000],
    };
    let url = start_server();
    runtime().block_on(async {
        let client = Client::builder()
            .endpoint(url)
            .ingest_token("t")
            .build()
            .unwrap();
        for bytes in sizes {
            let records = records.min(4_000_000_000 / bytes);
            let payload = vec![7; bytes];
            let mut stream = client.stream::<Payload<'_>>().open().await.unwrap();
            report("single records", records, bytes, async {
                for _ in 0..records {
                    stream.ingest_record(&Payload(&payload)).await.unwrap();
                }
                stream.flush().await.unwrap();
            })
            .await;
            report("batches of 1000", records, bytes, async {
                for _ in 0..records / 1000 {
                    let batch = [(); 1000].map(|()| Payload(&payload));
                    stream.ingest_records(&batch).await.unwrap();
                }
                stream.flush().await.unwrap();
            })
            .await;
            stream.close().await.unwrap();
        }
        dynamic(&client, records).await;
        json(&client, records).await;
        producers(&client, records).await;
        let waits = records.min(50_000);
        let payload = vec![7; 100];
        let mut stream = client.stream::<Payload<'_>>().open().await.unwrap();
        report("ingest and wait", waits, 100, async {
            for _ in 0..waits {
                let offset = stream.ingest_record(&Payload(&payload)).await.unwrap();
                stream.wait_for_offset(offset).await.unwrap();
            }
        })
        .await;
        stream.close().await.unwrap();
    });
}
