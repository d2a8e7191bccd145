//! Several streams under one handle.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc;
use std::time::Duration;

use tokio::task::JoinSet;
use tonic::Status;
use zerobus_client::{AckCallback, Error, Lanes, StreamState};

use crate::delivery::client;
use crate::record::{Line, numbered, texts_of};
use crate::recovery::eager;
use crate::server::{Call, Server};

async fn opened(server: &mut Server, count: usize) -> Vec<Call> {
    let mut calls = Vec::new();
    for _ in 0..count {
        calls.push(server.opened().await);
    }
    calls
}

async fn lanes(
    server: &mut Server,
    count: usize,
    batch: usize,
) -> (Lanes<Line<'static>>, Vec<Call>) {
    let builder = client(server)
        .stream::<Line<'static>>()
        .configure(|options| {
            eager(options);
            options.batch_records = batch;
            options.linger = Duration::from_secs(3_600);
        });
    let (lanes, calls) = tokio::join!(builder.lanes(count).open(), opened(server, count));
    (lanes.unwrap(), calls)
}

/// Acks everything on all calls until the streams are closed; tells what each call got.
pub(crate) async fn ack_all(calls: Vec<Call>) -> Vec<Vec<String>> {
    let mut tasks = JoinSet::new();
    for mut call in calls {
        tasks.spawn(async move {
            let mut stored = Vec::new();
            while let Some((id, batch)) = call.try_batch().await {
                stored.extend(batch);
                call.ack(id);
            }
            stored
        });
    }
    tasks.join_all().await
}

#[tokio::test]
async fn lanes_take_turns_batch_by_batch_and_close_as_one() {
    let mut server = Server::start().await;
    let (mut lanes, calls) = lanes(&mut server, 3, 4).await;
    let service = tokio::spawn(ack_all(calls));
    let mut places = Vec::new();
    for text in numbered(0..24) {
        places.push(lanes.ingest_record(&Line(&text)).await.unwrap());
    }
    lanes.wait_for_offset(places[10]).await.unwrap();
    let (elsewhere, ack) = (lanes.ack(places[23]), lanes.ack(places[5]));
    tokio::spawn(async move { (elsewhere.await, ack.await) })
        .await
        .unwrap()
        .0
        .unwrap();
    lanes.close().await.unwrap();
    lanes.close().await.unwrap();
    assert!(
        lanes
            .lanes()
            .iter()
            .all(|lane| lane.state() == StreamState::Closed)
    );
    assert!(matches!(
        lanes.try_ingest(&Line("late")),
        Err(Error::Closed)
    ));

    let mut stored = service.await.unwrap();
    stored.sort_by_key(|lane| lane[0].parse::<u32>().unwrap());
    let turn = |first: usize| -> Vec<String> {
        let starts = [first, first + 12];
        starts
            .into_iter()
            .flat_map(|start| numbered(start..start + 4))
            .collect()
    };
    assert_eq!(stored, [turn(0), turn(4), turn(8)]);
    let by_lane = places.iter().fold(BTreeMap::new(), |mut by_lane, place| {
        by_lane
            .entry(place.lane)
            .or_insert_with(Vec::new)
            .push(place.offset);
        by_lane
    });
    assert_eq!(by_lane.len(), 3);
    assert!(
        by_lane
            .values()
            .all(|offsets| offsets.iter().copied().eq(0..8))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_keys_keep_their_order_whoever_ingests() {
    let mut server = Server::start().await;
    let (mut lanes, calls) = lanes(&mut server, 4, 5).await;
    let service = tokio::spawn(ack_all(calls));
    let mut tasks = JoinSet::new();
    for owner in 0..3 {
        let mut producer = lanes.producer();
        tasks.spawn(async move {
            for n in 0..300 {
                let device = format!("device-{owner}-{}", n % 7);
                let text = format!("{device}:{n}");
                producer.ingest_keyed(&device, &Line(&text)).await.unwrap();
            }
            producer.flush().await.unwrap();
        });
    }
    tasks.join_all().await;
    lanes.close().await.unwrap();
    let stored = service.await.unwrap();
    let mut lane_of = HashMap::new();
    let mut last = HashMap::new();
    let mut count = 0;
    for (lane, text) in stored
        .iter()
        .enumerate()
        .flat_map(|(lane, texts)| texts.iter().map(move |text| (lane, text)))
    {
        let (device, n) = text.split_once(':').unwrap();
        assert_eq!(*lane_of.entry(device).or_insert(lane), lane, "{device}");
        let n: i64 = n.parse().unwrap();
        assert!(
            last.insert(device, n).is_none_or(|before| before < n),
            "{device}"
        );
        count += 1;
    }
    assert_eq!(count, 900);
    assert!(stored.iter().filter(|lane| !lane.is_empty()).count() > 1);
}

#[tokio::test]
async fn one_bound_holds_for_all_lanes_and_any_ack_makes_room() {
    let mut server = Server::start().await;
    let builder = client(&server)
        .stream::<Line<'static>>()
        .configure(|options| {
            options.batch_records = 2;
            options.max_inflight_records = 4;
            options.linger = Duration::from_secs(3_600);
        });
    let (lanes, mut calls) = tokio::join!(builder.lanes(2).open(), opened(&mut server, 2));
    let mut lanes = lanes.unwrap();
    for text in numbered(0..4) {
        lanes.try_ingest(&Line(&text)).unwrap();
    }
    let full = lanes.try_ingest(&Line("4")).unwrap_err();
    assert!(matches!(full, Error::Full { records: 4, .. }), "{full}");
    // Which call is which lane is not known; each has two records.
    let waiting = lanes.ingest_record(&Line("4"));
    let (taken, ()) = tokio::join!(waiting, async {
        for call in &mut calls {
            call.records(0, 2).await;
        }
        calls[1].ack(0);
    });
    taken.unwrap();
}

#[tokio::test]
async fn a_lane_that_fails_is_passed_over_and_made_anew() {
    let mut server = Server::start().await;
    let (mut lanes, mut calls) = lanes(&mut server, 2, 1).await;
    let first = lanes.ingest_record(&Line("a")).await.unwrap();
    // Whichever call that lane is.
    let (mut bad, mut good) = (calls.remove(0), calls.remove(0));
    tokio::select! {
        _ = bad.batch() => {}
        _ = good.batch() => std::mem::swap(&mut bad, &mut good),
    }
    bad.fail(Status::not_found("gone"));
    while lanes.lanes()[first.lane].state() != StreamState::Failed {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    for text in ["b", "c"] {
        let place = lanes.ingest_record(&Line(text)).await.unwrap();
        assert_ne!(place.lane, first.lane);
    }
    let (flushed, ()) = tokio::join!(lanes.flush(), async {
        let (records, last) = good.records(0, 2).await;
        assert_eq!(records, ["b", "c"]);
        good.ack(last);
    });
    assert!(matches!(flushed, Err(Error::Status { .. })), "{flushed:?}");
    assert_eq!(texts_of(lanes.get_unacked_records()), ["a"]);

    let (made, mut anew) = tokio::join!(lanes.recreate(), server.opened());
    made.unwrap();
    let (flushed, ()) = tokio::join!(lanes.flush(), async {
        let (records, last) = anew.records(0, 1).await;
        assert_eq!(records, ["a"]);
        anew.ack(last);
    });
    flushed.unwrap();
    assert_eq!(
        lanes
            .metrics()
            .iter()
            .map(|lane| lane.acked_records)
            .sum::<u64>(),
        3
    );
}

#[tokio::test]
async fn a_lane_that_cannot_be_opened_keeps_all_from_opening() {
    let mut server = Server::start().await;
    let builder = client(&server).stream::<Line<'static>>().configure(eager);
    let (lanes, _call) = tokio::join!(builder.lanes(2).open(), async {
        let first = server.opened().await;
        server.call().await.fail(Status::not_found("gone"));
        first
    });
    assert!(matches!(lanes, Err(Error::Status { .. })), "{lanes:?}");
    for count in [0, 65] {
        let refused = client(&server)
            .stream::<Line<'static>>()
            .lanes(count)
            .open()
            .await;
        let text = refused.unwrap_err().to_string();
        assert!(text.contains("1 to 64"), "{text}");
    }
}

struct Told(usize, mpsc::Sender<(usize, i64)>);

impl AckCallback for Told {
    fn on_ack(&self, offset: i64) {
        let _ = self.1.send((self.0, offset));
    }
}

#[tokio::test]
async fn each_lane_has_its_own_callback_and_what_is_left_goes_to_one_sink() {
    let mut server = Server::start().await;
    let (sender, told) = mpsc::channel();
    let (left, leftovers) = mpsc::channel();
    let builder = client(&server)
        .stream::<Line<'static>>()
        .configure(|options| options.batch_records = 1)
        .unacked_sink(move |records| left.send(texts_of(records)).unwrap())
        .lanes(2)
        .ack_callbacks(move |lane| Told(lane, sender.clone()));
    let (lanes, mut calls) = tokio::join!(builder.open(), opened(&mut server, 2));
    let mut lanes = lanes.unwrap();
    let first = lanes.ingest_record(&Line("a")).await.unwrap();
    lanes.ingest_record(&Line("b")).await.unwrap();
    let mut texts = Vec::new();
    for call in &mut calls {
        texts.extend(call.records(0, 1).await.0);
    }
    let acked = texts.iter().position(|text| text == "a").unwrap();
    calls[acked].ack(0);
    lanes.wait_for_offset(first).await.unwrap();
    while told.try_recv() != Ok((first.lane, 0)) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    drop(lanes);
    assert_eq!(leftovers.try_recv().unwrap(), ["b"]);
    assert!(leftovers.try_recv().is_err(), "once for all lanes");
}

#[tokio::test]
async fn lanes_that_do_not_all_open_leave_none_open() {
    let mut server = Server::start().await;
    let builder = client(&server).stream::<Line<'static>>();
    let builder = builder.configure(|options| options.recovery = false);
    let (lanes, mut open) = tokio::join!(builder.lanes(2).open(), async {
        let open = server.opened().await;
        let refused = server.call().await;
        // Long enough for the first one to be a stream.
        tokio::time::sleep(Duration::from_millis(50)).await;
        refused.fail(Status::not_found("no such table"));
        open
    });
    assert!(matches!(lanes, Err(Error::Status { .. })), "{lanes:?}");
    let gone = async { while open.try_batch().await.is_some() {} };
    let gone = tokio::time::timeout(Duration::from_secs(10), gone).await;
    assert!(gone.is_ok(), "a lane goes on without an owner");
}

#[tokio::test]
async fn a_lane_made_anew_frees_the_room_of_the_one_before() {
    let mut server = Server::start().await;
    let builder = client(&server)
        .stream::<Line<'static>>()
        .configure(|options| {
            options.batch_records = 1;
            options.max_inflight_records = 4;
        });
    let (lanes, mut calls) = tokio::join!(builder.lanes(1).open(), opened(&mut server, 1));
    let mut lanes = lanes.unwrap();
    // Keeps what it knows of the lane as it was.
    let _producer = lanes.producer();
    for text in numbered(0..3) {
        lanes.try_ingest(&Line(&text)).unwrap();
    }
    let mut call = calls.remove(0);
    call.records(0, 3).await;
    call.fail(Status::not_found("gone"));
    lanes.flush().await.unwrap_err();
    let (made, mut call) = tokio::join!(lanes.recreate(), server.opened());
    made.unwrap();
    let (_, last) = call.records(0, 3).await;
    call.ack(last);
    lanes.flush().await.unwrap();
    for text in numbered(0..4) {
        lanes.try_ingest(&Line(&text)).unwrap();
    }
    assert!(matches!(
        lanes.try_ingest(&Line("4")),
        Err(Error::Full { records: 4, .. })
    ));
}
