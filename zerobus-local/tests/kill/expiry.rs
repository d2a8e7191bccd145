//! Tokens whose time is over while streams are open.

use std::collections::BTreeSet;
use std::time::Duration;

use zerobus_client::{Client, ClientBuilder, Error, GrpcCode, Stream, TableName, Workspace};

use crate::caller::{SOURCE, TABLE, send_again};
use crate::event::Event;
use crate::process::Server;
use crate::random::Seed;
use crate::source;
use crate::table::{self, Found};

fn started(token_lifetime: &str) -> Server {
    let arguments = ["--token-lifetime", token_lifetime];
    let mut server = Server::with_arguments(&[TABLE.to_owned()], &arguments);
    server.start();
    server
}

/// A client that has one token and no way to another.
async fn with_one_token(server: &Server) -> Client {
    let workspace = Workspace::builder()
        .workspace_url(server.url())
        .workspace_id("1")
        .oauth("tests", "secret")
        .build()
        .unwrap();
    let table = TableName::parse(TABLE).unwrap();
    let token = workspace.ingest_token(&table).await.unwrap();
    ClientBuilder::default()
        .endpoint(server.url())
        .ingest_token(token.expose())
        .build()
        .unwrap()
}

async fn open(client: &Client) -> Stream<Event> {
    let stream = client.stream::<Event>().configure(source::options);
    stream.open().await.unwrap()
}

fn is_unauthenticated(error: &Error) -> bool {
    matches!(error, Error::Status { error } if error.code() == GrpcCode::Unauthenticated)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_outlives_its_tokens_and_the_caller_does_not_notice() {
    let _seed = Seed::of_test();
    let server = started("1");
    let mut stream = open(&server.client()).await;
    let mut connections = BTreeSet::new();
    let mut sent = 0;
    while connections.len() < 3 {
        stream
            .ingest_record(&Event::new(SOURCE, sent))
            .await
            .unwrap();
        sent += 1;
        connections.insert(stream.stream_id());
        tokio::time::sleep(Duration::from_micros(500)).await;
    }
    stream.close().await.unwrap();
    // The server acks what it took before it ends a stream, so nothing is sent twice.
    let found = Found {
        records: sent,
        duplicates: 0,
    };
    assert_eq!(table::read(&server.table_dir(TABLE))[&SOURCE], found);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_there_is_no_other_token_the_unacked_records_come_back() {
    let _seed = Seed::of_test();
    let server = started("1");
    let mut stream = open(&with_one_token(&server).await).await;
    let mut sent = 0;
    let error = loop {
        match stream.ingest_record(&Event::new(SOURCE, sent)).await {
            Ok(_) => sent += 1,
            Err(error) => break error,
        }
    };
    assert!(is_unauthenticated(&error), "{error:?}");
    assert!(error.to_string().contains("Token expired"), "{error}");
    assert!(!error.is_retryable());
    assert_eq!(stream.next_offset(), sent);
    send_again(stream, &server).await;
}

/// A server that has started anew knows no token from before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_sent_to_a_server_that_forgot_the_token_comes_back() {
    let _seed = Seed::of_test();
    let mut server = started("3600");
    let mut stream = open(&with_one_token(&server).await).await;
    stream.ingest_record(&Event::new(SOURCE, 0)).await.unwrap();
    stream.flush().await.unwrap();
    server.kill();
    for seq in 1..200 {
        stream
            .ingest_record(&Event::new(SOURCE, seq))
            .await
            .unwrap();
    }
    server.start();
    let error = stream.flush().await.unwrap_err();
    assert!(is_unauthenticated(&error), "{error:?}");
    assert_eq!(stream.get_unacked_records().len(), 199);
    send_again(stream, &server).await;
}
