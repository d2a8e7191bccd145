//! Records that are stored together or not at all.

use std::sync::mpsc;
use std::time::Duration;

use zerobus_client::{Error, Json, Stream};

use crate::delivery::{client, open};
use crate::isolation::picky;
use crate::record::{Line, numbered, text_of, texts_of};
use crate::recovery::eager;
use crate::server::Server;

fn lines(texts: &[String]) -> Vec<Line<'_>> {
    texts.iter().map(|text| Line(text)).collect()
}

#[tokio::test]
async fn a_batch_is_one_message_behind_what_has_gathered() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |options| {
        options.linger = Duration::from_secs(3600);
        options.batch_records = 10;
    })
    .await;
    stream.ingest_record(&Line("before")).await.unwrap();
    let texts = numbered(0..1000);
    let last = stream.ingest_batch(&lines(&texts)).await.unwrap();
    assert_eq!(last, Some(1000));
    assert_eq!(stream.ingest_batch::<Line<'_>>(&[]).await.unwrap(), None);
    assert_eq!(stream.ingest_record(&Line("after")).await.unwrap(), 1001);
    assert_eq!(call.batch().await, (0, vec!["before".to_owned()]));
    assert_eq!(call.batch().await, (1, texts.clone()));
    call.ack(1);
    stream.wait_for_offset(1000).await.unwrap();
    let mut producer = stream.producer();
    let none_at_once = producer.try_ingest_batch::<Line<'_>>(&[]);
    assert_eq!(none_at_once.unwrap(), None);
    assert_eq!(
        producer.ingest_batch(&lines(&texts)).await.unwrap(),
        Some(999)
    );
    assert_eq!(call.batch().await, (2, texts));
    call.ack(2);
    producer.flush().await.unwrap();
    assert_eq!(texts_of(stream.get_unacked_records()), ["after"]);
}

#[tokio::test]
async fn a_batch_with_one_record_that_cannot_be_taken_is_not_taken() {
    let mut server = Server::start().await;
    let (mut stream, _call) = open(&mut server, |_| {}).await;
    let error = stream
        .ingest_batch(&[Line("a"), Line("bad"), Line("c")])
        .await
        .unwrap_err();
    assert!(matches!(error, Error::Record { .. }), "{error}");
    let large = "x".repeat(1 << 20);
    let error = stream
        .ingest_batch(&vec![Line(&large); 11])
        .await
        .unwrap_err();
    assert!(
        matches!(
            error,
            Error::BatchTooLarge {
                records: 10,
                limit: 10_420_224
            }
        ),
        "{error}"
    );
    assert_eq!(stream.next_offset(), 0);
    assert!(stream.get_unacked_records().is_empty());
    assert_eq!(
        stream.ingest_batch(&vec![Line(&large); 9]).await.unwrap(),
        Some(8)
    );
}

#[tokio::test]
async fn json_goes_in_batches_too() {
    let mut server = Server::start().await;
    let stream = client(&server).json_stream("main.default.lines");
    let (stream, mut call) = tokio::join!(stream.open(), server.opened());
    let mut stream: Stream<Json> = stream.unwrap();
    let texts = [r#"{"a":1}"#, r#"{"a":2}"#];
    assert_eq!(stream.ingest_batch(texts).await.unwrap(), Some(1));
    assert_eq!(call.batch().await, (0, texts.map(str::to_owned).to_vec()));
}

#[tokio::test]
async fn a_refused_batch_is_handed_out_whole_and_what_is_around_it_stored() {
    let mut server = Server::start().await;
    let (sender, letters) = mpsc::channel();
    let builder = client(&server)
        .stream::<Line<'static>>()
        .configure(eager)
        .dead_letters(move |letter| sender.send(letter).unwrap());
    let (stream, call) = tokio::join!(builder.open(), server.opened());
    let mut stream = stream.unwrap();
    let (finish, done) = tokio::sync::oneshot::channel();
    let service = tokio::spawn(picky(server, call, done));
    let around = numbered(0..50);
    stream.ingest_records(&lines(&around)).await.unwrap();
    stream
        .ingest_batch(&[Line("a"), Line("b"), Line("!c"), Line("d")])
        .await
        .unwrap();
    stream.ingest_batch(&[Line("e"), Line("f")]).await.unwrap();
    stream.ingest_records(&lines(&around)).await.unwrap();
    stream.flush().await.unwrap();
    for offset in 50..54 {
        let refused = stream.wait_for_offset(offset).await.unwrap_err();
        assert!(
            matches!(refused, Error::RecordRefused { offset: 50, .. }),
            "{refused}"
        );
    }
    stream.wait_for_offset(49).await.unwrap();
    stream.wait_for_offset(54).await.unwrap();
    assert_eq!(stream.refused_records(), 4);
    stream.close().await.unwrap();
    finish.send(()).unwrap();
    let letters: Vec<_> = letters.try_iter().collect();
    let found: Vec<_> = letters
        .iter()
        .map(|l| (l.offset, text_of(&l.record), l.batch_records))
        .collect();
    let expected =
        [(50, "a"), (51, "b"), (52, "!c"), (53, "d")].map(|(at, text)| (at, text.to_owned(), 4));
    assert_eq!(found, expected);
    let good = [around.clone(), vec!["e".to_owned(), "f".to_owned()], around].concat();
    assert_eq!(service.await.unwrap(), good);
}

#[tokio::test]
async fn a_batch_that_would_have_to_wait_can_be_tried() {
    let mut server = Server::start().await;
    let (mut stream, mut call) =
        open(&mut server, |options| options.max_inflight_records = 3).await;
    let texts = numbered(0..3);
    assert_eq!(stream.try_ingest_batch(&lines(&texts)).unwrap(), Some(2));
    let full = stream.try_ingest_batch(&lines(&texts)).unwrap_err();
    assert!(matches!(full, Error::Full { records: 3, .. }), "{full}");
    assert_eq!(call.batch().await.1, texts);
    call.ack(0);
    stream.wait_for_offset(2).await.unwrap();
    assert_eq!(stream.try_ingest_batch(&lines(&texts)).unwrap(), Some(5));
}
