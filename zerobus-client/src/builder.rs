use std::fmt;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use zerobus_schema::TableName;

use crate::blocking;
use crate::callback::AckCallback;
use crate::client::Client;
use crate::error::Error;
use crate::format::Format;
use crate::lanes::LanesBuilder;
use crate::opening::Opening;
use crate::options::StreamOptions;
use crate::refused::{DeadLetters, RefusedRecord};
use crate::spool::Spool;
use crate::stream::{Stream, UnackedSink};

/// Opens a [`Stream`].
pub struct StreamBuilder<R> {
    client: Client,
    table: String,
    format: Format,
    options: StreamOptions,
    dead_letters: Option<DeadLetters>,
    callback: Option<Arc<dyn AckCallback>>,
    unacked_sink: Option<UnackedSink>,
    spool: Option<Spool>,
    record: PhantomData<fn(&R)>,
}

impl<R> StreamBuilder<R> {
    pub(crate) fn new(client: Client, table: String, format: Format) -> Self {
        Self {
            client,
            table,
            format,
            options: StreamOptions::default(),
            dead_letters: None,
            callback: None,
            unacked_sink: None,
            spool: None,
            record: PhantomData,
        }
    }

    /// The table, as `catalog.schema.table`; the one of the record type unless given.
    #[must_use]
    pub fn table(mut self, name: impl Into<String>) -> Self {
        self.table = name.into();
        self
    }

    /// How the stream behaves.
    #[must_use]
    pub fn options(mut self, options: StreamOptions) -> Self {
        self.options = options;
        self
    }

    /// Changes single options.
    ///
    /// ```no_run
    /// # fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client) {
    /// let builder = client.stream::<R>().configure(|options| options.recovery_retries = 10);
    /// # }
    /// ```
    #[must_use]
    pub fn configure(mut self, change: impl FnOnce(&mut StreamOptions)) -> Self {
        change(&mut self.options);
        self
    }

    /// Has the stream go on without a record that the service refuses, and hands that record to `sink`.
    ///
    /// The service ends a stream for one bad record and does not say which. So the stream reconnects, sends one message
    /// at a time, and halves the one that is refused until a single record is left. Order is kept; later records wait.
    /// The stream ends all the same, with everything unacked to be had from it, when two single records are refused
    /// one after the other or more than `max_isolations` searches a minute begin: the cause lies in the table then.
    ///
    /// `sink` is called by the stream's background task and must not block it. The record counts as settled from then
    /// on: `flush` does not wait for it, and `wait_for_offset` with its offset returns
    /// [`Error::RecordRefused`](crate::Error::RecordRefused).
    ///
    /// ```no_run
    /// # async fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
    /// let (letters, refused) = std::sync::mpsc::channel();
    /// let stream = client
    ///     .stream::<R>()
    ///     .dead_letters(move |letter| drop(letters.send(letter)))
    ///     .open()
    ///     .await?;
    /// # drop((stream, refused));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn dead_letters(mut self, sink: impl FnMut(RefusedRecord) + Send + 'static) -> Self {
        self.dead_letters = Some(Arc::new(Mutex::new(sink)));
        self
    }

    /// Is told of acks as they come, and of the records that are not acked when the stream ends.
    #[must_use]
    pub fn ack_callback(mut self, callback: impl AckCallback + 'static) -> Self {
        self.callback = Some(Arc::new(callback));
        self
    }

    /// Gets each record that is not acked, whole and in order, when the stream is dropped: before it was closed, or
    /// after it failed and nobody asked for them. Some of them may be stored.
    ///
    /// ```no_run
    /// # async fn run<R: zerobus_client::ZerobusRecord>(client: zerobus_client::Client) -> Result<(), zerobus_client::Error> {
    /// let stream = client
    ///     .stream::<R>()
    ///     .unacked_sink(|records| eprintln!("{} records are not acked", records.len()))
    ///     .open()
    ///     .await?;
    /// # drop(stream);
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn unacked_sink(mut self, sink: impl FnOnce(Vec<Bytes>) + Send + 'static) -> Self {
        self.unacked_sink = Some(Mutex::new(Box::new(sink)));
        self
    }

    /// Keeps what is not acked on disk as well, over a crash of the process; and sends first what an earlier stream has
    /// left there.
    #[must_use]
    pub fn spool(mut self, spool: Spool) -> Self {
        self.spool = Some(spool);
        self
    }

    /// Opens the stream: fetches a token, connects, and has the service accept table and descriptor. What may pass
    /// is tried again as the options say.
    ///
    /// # Errors
    /// [`Error`]; nothing is kept of a stream that did not open.
    ///
    /// # Panics
    /// Outside a tokio runtime: the stream has a background task.
    #[doc(alias = "build")]
    pub async fn open(self) -> Result<Stream<R>, Error> {
        let (opening, unacked_sink) = self.opening()?;
        let opened = opening.open(None).await?;
        Ok(Stream::new(opening, opened, unacked_sink))
    }

    /// Opens the stream for code that is not async; see [`blocking`](crate::blocking).
    ///
    /// # Errors
    /// As [`open`](Self::open), or [`Error::Configuration`] when the background thread cannot be started.
    pub fn open_blocking(self) -> Result<blocking::Stream<R>, Error> {
        blocking::Stream::open(self)
    }

    /// Opens several streams under one handle instead of one: 1 to 64.
    #[doc(alias = "multiplexed")]
    #[must_use]
    pub fn lanes(self, count: usize) -> LanesBuilder<R> {
        LanesBuilder::new(self, count)
    }

    /// Checks what was given.
    pub(crate) fn opening(self) -> Result<(Opening, Option<UnackedSink>), Error> {
        self.options.check()?;
        self.format.check()?;
        if self.table.is_empty() {
            return Err(Error::Configuration {
                problem: "the record type names no table; name one with `.table(\"catalog.schema.table\")`"
                    .to_owned(),
            });
        }
        let table = TableName::parse(&self.table)?;
        let opening = Opening {
            lane: 0,
            budget: None,
            client: self.client,
            table,
            format: self.format,
            options: self.options,
            dead_letters: self.dead_letters,
            callback: self.callback,
            spool: self.spool,
        };
        Ok((opening, self.unacked_sink))
    }
}

impl<R> fmt::Debug for StreamBuilder<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StreamBuilder")
            .field("table", &self.table)
            .field("options", &self.options)
            .finish_non_exhaustive()
    }
}
