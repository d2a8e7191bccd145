//! Records go out in order, packed, and come back as acks.

use zerobus_client::{Client, Error, Stream, StreamOptions, StreamState};

use crate::record::{Line, numbered, texts_of};
use crate::server::{Call, Server};

pub(crate) fn client(server: &Server) -> Client {
    Client::builder()
        .endpoint(server.url())
        .ingest_token("secret")
        .build()
        .unwrap()
}

/// A stream and the server's side of it.
pub(crate) async fn open(
    server: &mut Server,
    configure: impl FnOnce(&mut StreamOptions),
) -> (Stream<Line<'static>>, Call) {
    let stream = client(server).stream::<Line<'_>>().configure(configure);
    let (stream, call) = tokio::join!(stream.open(), server.opened());
    (stream.unwrap(), call)
}

#[tokio::test]
async fn records_are_packed_sent_acked_and_the_stream_closed() {
    let mut server = Server::start().await;
    let (mut stream, mut call) = open(&mut server, |_| {}).await;
    assert_eq!(stream.state(), StreamState::Opened);
    for (n, text) in numbered(0..1000).iter().enumerate() {
        let offset = stream.ingest_record(&Line(text)).await.unwrap();
        assert_eq!(usize::try_from(offset), Ok(n));
    }
    let (flushed, ()) = tokio::join!(stream.flush(), async {
        let (records, last) = call.records(0, 1000).await;
        assert_eq!(records, numbered(0..1000));
        assert!(last < 100, "1000 short records came in {last} messages");
        call.ack(last);
    });
    flushed.unwrap();
    assert_eq!(stream.acked_offset(), Some(999));
    let (closed, ()) = tokio::join!(stream.close(), async {
        assert!(call.try_batch().await.is_none());
        call.end();
    });
    closed.unwrap();
    assert_eq!(stream.state(), StreamState::Closed);
    stream.close().await.unwrap();
    assert!(matches!(
        stream.ingest_record(&Line("late")).await,
        Err(Error::Closed)
    ));
    assert_eq!(texts_of(stream.get_unacked_records()), [""; 0]);
}
