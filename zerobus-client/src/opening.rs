//! What a stream is opened with, kept so that it can be opened again.

use std::sync::Arc;

use tokio::task::AbortHandle;
use tracing::{Instrument as _, Span};
use zerobus_schema::TableName;

use crate::budget::Budget;
use crate::callback::{AckCallback, Callbacks};
use crate::client::Client;
use crate::connection::Connector;
use crate::driver::Driver;
use crate::error::Error;
use crate::format::Format;
use crate::intake::Intake;
use crate::options::StreamOptions;
use crate::pace::Pace;
use crate::queue::Queue;
use crate::refused::DeadLetters;
use crate::schema_check::SchemaCheck;
use crate::spool::{Spool, SpoolWriter};

#[derive(Clone)]
pub(crate) struct Opening {
    /// Its number among lanes.
    pub(crate) lane: usize,
    /// What it shares with other lanes.
    pub(crate) budget: Option<Arc<Budget>>,
    pub(crate) client: Client,
    pub(crate) table: TableName,
    pub(crate) format: Format,
    pub(crate) options: StreamOptions,
    pub(crate) dead_letters: Option<DeadLetters>,
    pub(crate) callback: Option<Arc<dyn AckCallback>>,
    pub(crate) spool: Option<Spool>,
}

/// A stream that has ended, of which another one is made.
pub(crate) struct Predecessor<'a> {
    pub(crate) queue: &'a Queue,
    pub(crate) callbacks: &'a mut Option<Callbacks>,
}

/// A stream that is open, and its background task.
pub(crate) struct Opened {
    pub(crate) intake: Intake,
    pub(crate) running: Running,
    pub(crate) callbacks: Option<Callbacks>,
}

/// What goes on in the background. Dropped, it is over, and the folder of the spool free, whoever else still knows the
/// stream.
pub(crate) struct Running {
    queue: Arc<Queue>,
    task: AbortHandle,
}

impl Running {
    /// Takes and sends nothing more; what was taken is kept.
    pub(crate) fn end(&self) {
        self.queue.stop_intake();
        self.task.abort();
        // For those who still wait or watch.
        self.queue.end(None);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
        self.queue.close_spool();
    }
}

impl Opening {
    /// Opens a stream. What its predecessor, or the spool of an earlier process, has left it sends first: the records
    /// that are numbered from 0.
    pub(crate) async fn open(&self, predecessor: Option<Predecessor<'_>>) -> Result<Opened, Error> {
        let (unacked, spool) = match (&predecessor, &self.spool) {
            (Some(ended), _) => (ended.queue.hand_over()?, None),
            (None, Some(spool)) => {
                let (writer, left) = SpoolWriter::open(spool, &self.table, &self.format)?;
                (left.messages, Some(writer))
            }
            (None, None) => (Vec::new(), None),
        };
        let connector = Connector::new(
            self.client.endpoint.clone(),
            Arc::clone(&self.client.headers),
            self.table.clone(),
            &self.format,
            self.options.recovery_timeout,
        );
        let budget = self.budget.clone().unwrap_or_else(|| {
            Arc::new(Budget::new(
                self.options.max_inflight_records,
                self.options.max_inflight_bytes,
            ))
        });
        let pace = Pace::new(
            self.options.max_records_per_second,
            self.options.max_bytes_per_second,
        );
        let span = self.span();
        let queue = Queue::new(self.format.encoding, pace, budget, span.clone());
        let queue = Arc::new(queue);
        let mut intake = Intake::new(Arc::clone(&queue), &self.options, self.format.schema);
        let sends_at_once = !unacked.is_empty();
        intake.adopt(unacked);
        let mut driver = Driver::new(
            connector,
            Arc::clone(&queue),
            self.options.clone(),
            self.dead_letters.clone(),
            self.lane,
        );
        let open = driver.open();
        let connection = match &self.client.workspace {
            // One of several lanes asks for all.
            Some(workspace) if self.options.check_schema && (self.lane == 0 || sends_at_once) => {
                let check = SchemaCheck::new(workspace, &self.table, &self.format);
                let checked = check.open(open, sends_at_once);
                checked.instrument(span.clone()).await?
            }
            _ => open.instrument(span.clone()).await?,
        };
        // Only now, and with nothing to wait for in between: whatever fails or is dropped before costs the one that has
        // ended neither its records nor its spool.
        let before = predecessor.and_then(|ended| {
            queue.take_over(ended.queue);
            ended.callbacks.take()
        });
        if let Some(spool) = spool {
            queue.set_spool(spool);
        }
        let task = tokio::spawn(driver.run(connection).instrument(span));
        let running = Running {
            queue: Arc::clone(&queue),
            task: task.abort_handle(),
        };
        let callbacks = self
            .callback
            .as_ref()
            .map(|callback| Callbacks::start(Arc::clone(callback), queue, before));
        Ok(Opened {
            intake,
            running,
            callbacks,
        })
    }

    /// Names are those of OpenTelemetry's conventions for messaging.
    fn span(&self) -> Span {
        tracing::info_span!(
            "zerobus_stream",
            otel.name = format_args!("send {}", self.table),
            otel.kind = "producer",
            messaging.system = "zerobus",
            messaging.destination.name = %self.table,
            messaging.operation.name = "send",
            messaging.operation.r#type = "send",
            server.address = self.client.endpoint.host(),
            server.port = self.client.endpoint.port(),
        )
    }
}
