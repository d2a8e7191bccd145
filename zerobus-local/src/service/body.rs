//! The bodies of requests that are no streams.

use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body_util::{BodyExt as _, Limited};
use hyper::body::{Body as _, Incoming};

use super::answer::Answer;
use super::budget::{Budget, Share};

/// The largest.
pub(super) const BODY_MAX: usize = 16 * 1024 * 1024;

/// So much is read of everyone; who sends more waits until those before have been answered.
const SMALL: usize = 64 * 1024;

/// What is made of a body takes several times its size.
const WEIGHT: usize = 8;

/// How long it may take to come, and how long it may have to wait before.
const BODY_TIMEOUT: Duration = Duration::from_secs(60);

/// A whole body, with its part of the budget.
pub(super) struct Collected {
    pub(super) bytes: Bytes,
    pub(super) share: Option<Share>,
}

/// Reads a body, or says why not.
pub(super) async fn collect(body: Incoming, budget: &Budget) -> Result<Collected, Answer> {
    let hint = body.size_hint();
    let announced = hint
        .exact()
        .and_then(|length| usize::try_from(length).ok())
        .unwrap_or(BODY_MAX);
    if hint.lower() > u64::try_from(BODY_MAX).unwrap_or(u64::MAX) {
        return Err(too_large());
    }
    let mut body = Limited::new(body, BODY_MAX);
    let mut bytes = Vec::new();
    let is_whole = in_time(read(&mut body, &mut bytes, SMALL)).await??;
    if is_whole {
        let bytes = Bytes::from(bytes);
        return Ok(Collected { bytes, share: None });
    }
    let share = budget.take(announced.saturating_mul(WEIGHT));
    let share = tokio::time::timeout(BODY_TIMEOUT, share).await;
    let share = share.map_err(|_| {
        Answer::error(
            StatusCode::SERVICE_UNAVAILABLE,
            "TEMPORARILY_UNAVAILABLE",
            "Too many large requests are being read; try again.",
        )
    })?;
    in_time(read(&mut body, &mut bytes, BODY_MAX)).await??;
    let bytes = Bytes::from(bytes);
    Ok(Collected { bytes, share })
}

/// Reads on until there are more than so many bytes; true when there are no more.
async fn read(
    body: &mut Limited<Incoming>,
    bytes: &mut Vec<u8>,
    most: usize,
) -> Result<bool, Answer> {
    while bytes.len() <= most {
        match body.frame().await {
            None => return Ok(true),
            Some(Ok(frame)) => bytes.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Some(Err(_)) => return Err(too_large()),
        }
    }
    Ok(false)
}

async fn in_time<T>(reading: impl Future<Output = T>) -> Result<T, Answer> {
    let read = tokio::time::timeout(BODY_TIMEOUT, reading).await;
    read.map_err(|_| {
        Answer::error(
            StatusCode::REQUEST_TIMEOUT,
            "DEADLINE_EXCEEDED",
            &format!("The body did not come within {} s.", BODY_TIMEOUT.as_secs()),
        )
    })
}

fn too_large() -> Answer {
    Answer::error(
        StatusCode::PAYLOAD_TOO_LARGE,
        "REQUEST_LIMIT_EXCEEDED",
        &format!("The body was cut off, or has more than {BODY_MAX} bytes."),
    )
}
