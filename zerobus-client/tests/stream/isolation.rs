//! One bad record must not cost a stream.

use std::sync::mpsc;

use tonic::Status;
use zerobus_client::{Error, ErrorCode, RefusedRecord, Stream, StreamOptions};

use crate::delivery::client;
use crate::record::{Line, numbered, text_of, texts_of};
use crate::recovery::eager;
use crate::server::{Call, Server};

/// Acks every message without a record that begins with `!`, and refuses the stream at one that has one. Tells what it
/// stored once no stream is left.
pub(crate) async fn picky(
    mut server: Server,
    mut call: Call,
    done: tokio::sync::oneshot::Receiver<()>,
) -> Vec<String> {
    let mut stored = Vec::new();
    let mut done = done;
    loop {
        match call.try_batch().await {
            Some((_, batch)) if batch.iter().any(|text| text.starts_with('!')) => {
                call.fail(Status::invalid_argument(
                    "Record cannot be decoded. Error Code: 4044, Error State: 0.",
                ));
            }
            Some((id, batch)) => {
                stored.extend(batch);
                call.ack(id);
                continue;
            }
            None => drop(call),
        }
        tokio::select! {
            next = server.opened() => call = next,
            _ = &mut done => return stored,
        }
    }
}

struct Outcome {
    flushed: Result<(), Error>,
    stored: Vec<String>,
    letters: Vec<RefusedRecord>,
    stream: Stream<Line<'static>>,
}

async fn run(texts: &[&str], sink: bool, configure: impl FnOnce(&mut StreamOptions)) -> Outcome {
    let mut server = Server::start().await;
    let (sender, letters) = mpsc::channel();
    let mut builder = client(&server).stream::<Line<'static>>().configure(eager);
    if sink {
        builder = builder.dead_letters(move |letter| sender.send(letter).unwrap());
    }
    let builder = builder.configure(configure);
    let (stream, call) = tokio::join!(builder.open(), server.opened());
    let mut stream = stream.unwrap();
    let (finish, done) = tokio::sync::oneshot::channel();
    let service = tokio::spawn(picky(server, call, done));
    for text in texts {
        // A stream that has ended says so in the flush.
        let _ = stream.ingest_record(&Line(text)).await;
    }
    let flushed = stream.flush().await;
    if flushed.is_ok() {
        stream.close().await.unwrap();
    }
    finish.send(()).unwrap();
    Outcome {
        flushed,
        stored: service.await.unwrap(),
        letters: letters.try_iter().collect(),
        stream,
    }
}

#[tokio::test]
async fn bad_records_go_to_the_sink_and_the_rest_is_stored_in_order() {
    let mut texts = numbered(0..200);
    for bad in [17, 90, 199] {
        texts[bad] = format!("!{bad}");
    }
    let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
    for batch_records in [1, 7, 64, 4096] {
        let outcome = run(&texts, true, |options| {
            options.batch_records = batch_records
        })
        .await;
        outcome.flushed.unwrap();
        let good = texts.iter().filter(|text| !text.starts_with('!'));
        assert!(
            outcome.stored.iter().eq(good),
            "{batch_records}: {:?}",
            outcome.stored
        );
        let letters = outcome.letters.iter();
        let found: Vec<(i64, String)> = letters.map(|l| (l.offset, text_of(&l.record))).collect();
        let expected = [17, 90, 199].map(|bad| (bad, format!("!{bad}")));
        assert_eq!(found, expected, "{batch_records}");
        assert_eq!(
            outcome.letters[0].error.error_code(),
            Some(ErrorCode::RECORD_REFUSED)
        );
        assert_eq!(outcome.letters[0].column, None);
        assert_eq!(outcome.stream.refused_records(), 3);
        let refused = outcome.stream.wait_for_offset(90).await.unwrap_err();
        assert!(
            matches!(refused, Error::RecordRefused { offset: 90, .. }),
            "{refused}"
        );
        outcome.stream.wait_for_offset(91).await.unwrap();
    }
}

#[tokio::test]
async fn without_a_sink_the_stream_ends_with_the_offset_named() {
    let texts = ["0", "1", "2", "!3", "4", "5"];
    let outcome = run(&texts, false, |options| options.name_refused_record = true).await;
    let error = outcome.flushed.unwrap_err();
    assert!(
        matches!(error, Error::RecordRefused { offset: 3, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("offset 3"), "{error}");
    assert_eq!(outcome.stored, ["0", "1", "2"]);
    assert_eq!(
        texts_of(outcome.stream.get_unacked_records()),
        ["!3", "4", "5"]
    );
}

#[tokio::test]
async fn two_bad_records_in_a_row_end_the_stream() {
    let outcome = run(&["0", "!1", "!2", "3"], true, |_| {}).await;
    assert!(matches!(outcome.flushed, Err(Error::Status { .. })));
    assert_eq!(outcome.stored, ["0"]);
    assert_eq!(outcome.letters.len(), 1);
    assert_eq!(texts_of(outcome.stream.get_unacked_records()), ["!2", "3"]);
}

#[tokio::test]
async fn more_searches_than_allowed_end_the_stream_and_hand_back() {
    let texts = ["!0", "1", "!2", "3", "!4", "5"];
    let outcome = run(&texts, true, |options| options.max_isolations = 2).await;
    assert!(matches!(outcome.flushed, Err(Error::Status { .. })));
    assert_eq!(outcome.letters.len(), 2);
    assert_eq!(
        texts_of(outcome.stream.get_unacked_records()),
        ["3", "!4", "5"]
    );
}

#[tokio::test]
async fn the_column_that_the_service_means_is_told() {
    let texts = [
        ("unrecognized field name 'ip' at line 1 column 17", "ip"),
        ("invalid digit found in string at line 1 column 16", "at"),
    ];
    for (text, column) in texts {
        let mut server = Server::start().await;
        let (sender, letters) = mpsc::channel();
        let builder = client(&server)
            .json_stream("main.default.lines")
            .configure(eager)
            .dead_letters(move |letter| sender.send(letter).unwrap());
        let (stream, mut call) = tokio::join!(builder.open(), server.opened());
        let mut stream = stream.unwrap();
        stream
            .ingest_record(r#"{"at": "2026-1-1", "ip": 1}"#)
            .await
            .unwrap();
        call.records(0, 1).await;
        call.fail(Status::invalid_argument(format!(
            "Record decoder/encoder error: {text}. Error Code: 4044, Error State: 3."
        )));
        let _call = server.opened().await;
        let error = stream.wait_for_offset(0).await.unwrap_err();
        assert!(
            error.to_string().contains(&format!("for column {column}:")),
            "{error}"
        );
        let letter = letters.recv().unwrap();
        assert_eq!(letter.column.unwrap().to_string(), column);
    }
}
