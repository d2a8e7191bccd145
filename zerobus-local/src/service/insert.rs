//! Records over plain HTTP: `POST /zerobus/v1/tables/{catalog.schema.table}/insert` (documentation page "Use the REST API
//! with Zerobus Ingest"), a JSON array of objects, answered once they are durable.

use std::fmt::{self, Display};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http::request::Parts;
use serde_core::Deserializer as _;
use serde_core::de::{Error as _, SeqAccess, Visitor};
use serde_json::json;
use serde_json::value::RawValue;
use tokio::task::spawn_blocking;
use tonic::{Code, Status};
use zerobus_proto::contract::{FIRST_OFFSET, MAX_RECORD_BYTES_PER_MESSAGE};

use super::access::{Access, authorize_for};
use super::answer::Answer;
use super::reader::{End, Injection};
use super::sink::{Planned, Refused};
use super::status::{schema_mismatch, stopping, unfit, write_failed};
use super::table::{Table, Tables};
use crate::decode::{Chunk, Plan};
use crate::faults::Fault;

/// No stream has this id.
const NO_STREAM: &str = "";

/// The table that a path asks to insert into.
pub(super) fn table_of(path: &str) -> Option<&str> {
    let table = path.strip_prefix("/zerobus/v1/tables/")?;
    table.strip_suffix("/insert")
}

/// Takes all records of the body, or none.
pub(super) async fn insert(
    table: &str,
    parts: &Parts,
    body: Bytes,
    injection: &Injection,
    tables: &Tables,
) -> Answer {
    let inserted = match authorize_for(table, &parts.headers, &injection.tokens, tables) {
        Ok(Access { table, .. }) => insert_or_suffer(&table, body, injection).await,
        Err(status) => Err(status),
    };
    match inserted {
        Ok(()) => Answer::ok(json!({})),
        Err(status) => refused(&status),
    }
}

/// A request suffers from the faults of messages, unless they are for one stream or about what only streams have.
async fn insert_or_suffer(table: &Table, body: Bytes, injection: &Injection) -> Result<(), Status> {
    let mut is_dropped = false;
    let mut delay = Duration::ZERO;
    for fault in injection.faults.with_message(&table.name, NO_STREAM) {
        match injection.refusal(fault, table).await {
            Some(End::Cut) => return cut(injection).await,
            Some(End::Refused(status)) => return Err(status),
            _ => {}
        }
        match fault {
            Fault::DropAck => is_dropped = true,
            Fault::DelayAck(time) => delay = time,
            _ => {}
        }
    }
    let inserted = insert_into(table, body).await;
    tokio::time::sleep(delay).await;
    if is_dropped && inserted.is_ok() {
        return cut(injection).await;
    }
    inserted
}

/// The connection ends, and this with it.
async fn cut(injection: &Injection) -> Result<(), Status> {
    injection.cut.cut();
    std::future::pending().await
}

async fn insert_into(table: &Table, body: Bytes) -> Result<(), Status> {
    if body.len() > MAX_RECORD_BYTES_PER_MESSAGE {
        return Err(Status::invalid_argument(format!(
            "The body has {} bytes, at most {MAX_RECORD_BYTES_PER_MESSAGE} are taken: send fewer records.",
            body.len()
        )));
    }
    table.refresh().await;
    let columns = table.columns();
    let planned = Planned {
        plan: Plan::for_json(&columns.schema)
            .map_err(|mismatches| schema_mismatch(&table.name, &mismatches))?,
        arrow: Arc::clone(&columns.arrow),
    };
    let sink = table.writer.sink(None, &planned).ok_or_else(stopping)?;
    let mut progress = sink.progress();
    // Both take some milliseconds, in which other streams are to go on.
    let broke_off = |_| Status::internal("The body could not be read.");
    let bytes = body.len();
    let parsed = spawn_blocking(move || Records::parse(body));
    let records = parsed.await.map_err(broke_off)??;
    let name = table.name.clone();
    let refused = move |problem| match problem {
        Refused::Record(at, fault) => unfit(
            &fault,
            &format!("record {at} of the request for table {name}"),
        ),
        Refused::TooMany { most } => Status::invalid_argument(format!(
            "One request for table {name} can have at most {most} records: send fewer."
        )),
        Refused::Closed => stopping(),
    };
    let admitted = sink.admit(records.places.len(), bytes).await;
    let admitted = admitted.map_err(&refused)?;
    let added =
        spawn_blocking(move || sink.add(admitted, FIRST_OFFSET, records.iter(), Chunk::push_json));
    added.await.map_err(broke_off)?.map_err(refused)?;
    let done = progress.wait_for(|now| now.durable.is_some() || now.failed.is_some());
    let now = done.await.map_err(|_| stopping())?;
    match &now.failed {
        Some(failure) => Err(write_failed(&table.name, failure, "of the request")),
        None => Ok(()),
    }
}

/// The records as they stand in the body: parsed, they would take many times its size.
struct Records {
    body: String,
    /// Where each begins, and how long it is.
    places: Vec<(u32, u32)>,
}

impl Records {
    fn parse(body: Bytes) -> Result<Self, Status> {
        let no_json = |error: &dyn Display| {
            Status::invalid_argument(format!("The body is no JSON: {error}."))
        };
        let body = String::from_utf8(body.into()).map_err(|error| no_json(&error))?;
        let mut json = serde_json::Deserializer::from_str(&body);
        let places = json.deserialize_seq(Places(&body));
        let places = places.and_then(|places| json.end().map(|()| places));
        let places = places.map_err(|error| {
            if error.is_data() {
                let problem = "The body must be a JSON array of objects, one for each record.";
                Status::invalid_argument(problem)
            } else {
                no_json(&error)
            }
        })?;
        Ok(Self { body, places })
    }

    fn iter(&self) -> impl ExactSizeIterator<Item = &str> + Clone {
        self.places.iter().map(|(start, length)| {
            let place = usize::try_from(*start)
                .ok()
                .zip(usize::try_from(*length).ok());
            let place = place.and_then(|(start, length)| self.body.get(start..start + length));
            place.unwrap_or_default()
        })
    }
}

/// Finds the elements of the array that a text is.
struct Places<'b>(&'b str);

impl<'b> Visitor<'b> for Places<'b> {
    type Value = Vec<(u32, u32)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of records")
    }

    fn visit_seq<A: SeqAccess<'b>>(self, mut elements: A) -> Result<Self::Value, A::Error> {
        let mut places = Vec::new();
        while let Some(element) = elements.next_element::<&'b RawValue>()? {
            let element = element.get();
            let start = element.as_ptr().addr() - self.0.as_ptr().addr();
            let place = u32::try_from(start)
                .ok()
                .zip(u32::try_from(element.len()).ok());
            places.push(place.ok_or_else(|| A::Error::custom("it is too long"))?);
        }
        Ok(places)
    }
}

/// The status and the word for each of gRPC's codes, where the documentation page "Zerobus Ingest error codes" has them.
fn refused(status: &Status) -> Answer {
    let (http, error_code) = match status.code() {
        Code::InvalidArgument => (StatusCode::BAD_REQUEST, "INVALID_PARAMETER_VALUE"),
        Code::FailedPrecondition => (StatusCode::BAD_REQUEST, "INVALID_STATE"),
        Code::Unimplemented => (StatusCode::NOT_IMPLEMENTED, "NOT_IMPLEMENTED"),
        Code::Unauthenticated => (StatusCode::UNAUTHORIZED, "UNAUTHENTICATED"),
        Code::PermissionDenied => (StatusCode::FORBIDDEN, "PERMISSION_DENIED"),
        Code::NotFound => (StatusCode::NOT_FOUND, "NOT_FOUND"),
        Code::ResourceExhausted => (StatusCode::TOO_MANY_REQUESTS, "RESOURCE_EXHAUSTED"),
        Code::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, "TEMPORARILY_UNAVAILABLE"),
        _ => (StatusCode::INTERNAL_SERVER_ERROR, "INTERNAL_ERROR"),
    };
    Answer::error(http, error_code, status.message())
}
