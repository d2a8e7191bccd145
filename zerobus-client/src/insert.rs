//! Records over plain HTTP, one request for all of them.

use std::fmt;
use std::marker::PhantomData;

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use http_body_util::{BodyExt as _, Full, Limited};
use serde_json::Value;
use tokio::time::{sleep, timeout};
use tonic::client::GrpcService as _;
use zerobus_proto::contract::{CLIENT_RECEIVE_LIMIT, MAX_RECORD_BYTES_PER_MESSAGE};
use zerobus_schema::TableName;

use crate::blocking;
use crate::client::Client;
use crate::error::Error;
use crate::format::{Encoding, Format};
use crate::headers::{Headers, HeadersError};
use crate::options::StreamOptions;
use crate::record::Record;
use crate::recovery::{Recovery, jitter};
use crate::status::{GrpcCode, StatusError, with_sources};
use crate::transcode::Transcoder;

/// Inserts records with one request and no stream: for processes that are too short for one, or have a handful of
/// records ("Use the REST API with Zerobus Ingest"). Made by [`Client::insert`](crate::Client::insert),
/// [`json_insert`](crate::Client::json_insert), [`proto_insert`](crate::Client::proto_insert) and
/// [`dynamic_insert`](crate::Client::dynamic_insert); it can send any number of times.
///
/// The service takes JSON here, so records that are encoded as messages are turned into it; NaN and infinity, which JSON
/// cannot say, are refused. A request is stored whole or not at all. One that was not answered is made again as for
/// streams, so delivery is at-least-once.
///
/// ```no_run
/// # async fn run<AirQuality: zerobus_client::ZerobusRecord>(client: zerobus_client::Client, records: Vec<AirQuality>) -> Result<(), zerobus_client::Error> {
/// client.insert::<AirQuality>().send(&records).await?; // durable
/// # Ok(())
/// # }
/// ```
pub struct Insert<R> {
    client: Client,
    table: String,
    format: Format,
    options: StreamOptions,
    record: PhantomData<fn(&R)>,
}

impl<R> Insert<R> {
    pub(crate) fn new(client: Client, table: String, format: Format) -> Self {
        Self {
            client,
            table,
            format,
            options: StreamOptions::default(),
            record: PhantomData,
        }
    }

    /// The table, as `catalog.schema.table`; the one of the record type unless given.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// Changes single options. Those about recovery count: `recovery`, `recovery_retries`, `recovery_backoff`, and
    /// `recovery_timeout` as the time that one request may take.
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut StreamOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Sends the records and waits until they are durable. Without records nothing is sent.
    ///
    /// # Errors
    /// [`Error::Record`] for a record that cannot be sent, [`Error::BatchTooLarge`] for more than one request takes,
    /// [`Error::Status`] for what the service refuses. Nothing is stored then.
    pub async fn send<'r, T: Record<R> + ?Sized + 'r>(
        &self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<(), Error> {
        const { T::CHECK };
        self.options.check()?;
        self.format.check()?;
        let table = TableName::parse(&self.table)?;
        let Some(body) = self.body(records)? else {
            return Ok(());
        };
        let retries = match self.options.recovery {
            true => self.options.recovery_retries,
            false => 0,
        };
        let mut recovery = Recovery::new(self.options.recovery_backoff, retries);
        let mut rejected: Option<Headers> = None;
        let mut refreshed = false;
        loop {
            let headers = match &rejected {
                Some(headers) => self.client.headers.refreshed_headers(&table, headers),
                None => self.client.headers.headers(&table),
            };
            let headers = headers.await.map_err(HeadersError::into_error)?;
            let request = self.request(&table, &headers, body.clone())?;
            let allowed = self.options.recovery_timeout;
            let answered = match timeout(allowed, self.answered(&table, request)).await {
                Ok(answered) => answered,
                Err(_) => {
                    Err(self.unconnected(format!("no answer after {allowed:?} (recovery_timeout)")))
                }
            };
            let Err(error) = answered else {
                return Ok(());
            };
            if error.is_auth_rejection() && !refreshed {
                (refreshed, rejected) = (true, Some(headers));
                continue;
            }
            let Some(pause) = recovery.pause(&error, false, jitter()) else {
                return Err(recovery.give_up(self.client.endpoint.url(), error));
            };
            tracing::warn!(%table, ?pause, %error, "records are inserted again");
            sleep(pause).await;
            rejected = None;
        }
    }

    /// [`send`](Self::send) for code that is not async; it can be called from within a runtime too.
    ///
    /// # Errors
    /// As there.
    pub fn send_blocking<'r, T: Record<R> + ?Sized + 'r>(
        &self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<(), Error> {
        blocking::run(self.send(records))?
    }

    /// A JSON array of all records; none where there are none.
    fn body<'r, T: Record<R> + ?Sized + 'r>(
        &self,
        records: impl IntoIterator<Item = &'r T>,
    ) -> Result<Option<Bytes>, Error> {
        let transcoder = match (self.format.encoding, &self.format.descriptor) {
            (Encoding::Proto, Some(descriptor)) => Some(Transcoder::new(descriptor)?),
            _ => None,
        };
        let mut body = vec![b'['];
        let mut encoded = Vec::new();
        let mut count = 0;
        for record in records {
            if count > 0 {
                body.push(b',');
            }
            if record
                .schema_id()
                .is_some_and(|id| self.format.schema != Some(id))
            {
                return Err(crate::intake::other_schema());
            }
            match &transcoder {
                None => record.write_to(&mut body)?,
                Some(transcoder) => {
                    encoded.clear();
                    record.write_to(&mut encoded)?;
                    transcoder.write(&encoded, &mut body)?;
                }
            }
            count += 1;
            if body.len() >= MAX_RECORD_BYTES_PER_MESSAGE {
                return Err(Error::BatchTooLarge {
                    records: count,
                    limit: MAX_RECORD_BYTES_PER_MESSAGE,
                });
            }
        }
        body.push(b']');
        Ok((count > 0).then(|| body.into()))
    }

    fn request(
        &self,
        table: &TableName,
        headers: &Headers,
        body: Bytes,
    ) -> Result<http::Request<tonic::body::Body>, Error> {
        let json = HeaderValue::from_static("application/json");
        let path = format!("/zerobus/v1/tables/{}/insert", path_segment(table));
        let uri = http::Uri::try_from(path).map_err(|_| {
            Error::configuration(format!("the table's name {table} cannot stand in a path"))
        })?;
        let mut request = http::Request::new(tonic::body::Body::new(Full::new(body)));
        *request.method_mut() = http::Method::POST;
        *request.version_mut() = http::Version::HTTP_2;
        *request.uri_mut() = uri;
        *request.headers_mut() = headers.to_http().map_err(HeadersError::into_error)?;
        request.headers_mut().insert(CONTENT_TYPE, json.clone());
        request.headers_mut().insert(ACCEPT, json);
        Ok(request)
    }

    /// Makes the request, on a connection of its own.
    async fn answered(
        &self,
        table: &TableName,
        request: http::Request<tonic::body::Body>,
    ) -> Result<(), Error> {
        let broken = |error: tonic::transport::Error| self.unconnected(with_sources(&error));
        let mut channel = self.client.endpoint.connect().await?;
        std::future::poll_fn(|cx| channel.poll_ready(cx))
            .await
            .map_err(broken)?;
        let response = channel.call(request).await.map_err(broken)?;
        let status = response.status();
        let body = Limited::new(response.into_body(), CLIENT_RECEIVE_LIMIT).collect();
        if status.is_success() {
            return Ok(());
        }
        // A status alone says enough where the rest does not come.
        let body = body
            .await
            .map_or_else(|_| Bytes::new(), |body| body.to_bytes());
        let (code, message) = refusal(status.as_u16(), &body);
        Err(Error::Status {
            error: Box::new(StatusError::new(table, code, &message)),
        })
    }

    fn unconnected(&self, message: String) -> Error {
        Error::Connection {
            endpoint: self.client.endpoint.url().to_owned(),
            message,
        }
    }
}

impl<R> fmt::Debug for Insert<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Insert")
            .field("table", &self.table)
            .finish_non_exhaustive()
    }
}

/// Everything but what may stand in a path goes in percent.
fn path_segment(table: &TableName) -> String {
    let mut out = String::new();
    for byte in table.to_string().bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'~' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}

/// The status that a stream would have ended with, and what the service says.
fn refusal(status: u16, body: &[u8]) -> (GrpcCode, String) {
    let answer: Option<Value> = serde_json::from_slice(body).ok();
    let text = |key: &str| answer.as_ref()?.get(key)?.as_str().map(str::to_owned);
    let word = text("error_code");
    let code = match (status, word.as_deref()) {
        (_, Some("INVALID_STATE")) => GrpcCode::FailedPrecondition,
        (400, _) => GrpcCode::InvalidArgument,
        (401, _) => GrpcCode::Unauthenticated,
        (403, _) => GrpcCode::PermissionDenied,
        (404, _) => GrpcCode::NotFound,
        (409, Some("ALREADY_EXISTS")) => GrpcCode::AlreadyExists,
        (409, _) => GrpcCode::Aborted,
        (413, _) => GrpcCode::OutOfRange,
        (429, _) => GrpcCode::ResourceExhausted,
        (501, _) => GrpcCode::Unimplemented,
        (502 | 503, _) => GrpcCode::Unavailable,
        (408 | 504, _) => GrpcCode::DeadlineExceeded,
        (500.., _) => GrpcCode::Internal,
        _ => GrpcCode::FailedPrecondition,
    };
    let message = text("message").unwrap_or_else(|| format!("HTTP {status}"));
    (code, message)
}
