//! Connections: HTTP/1.1 and HTTP/2 on one port, which of them the client shows with its first bytes.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use http::Request;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use super::budget::Budget;
use super::counted::Counted;
use super::cut::Cut;
use super::grpc::Grpc;
use super::routes::Routes;
use super::stop::Stop;
use super::table::Tables;
use super::tls::Tls;
use super::token::{Credentials, Tokens};
use crate::faults::Faults;

/// What one stream may have on its way here. Large, because a stream carries up to 100 MB/s.
const STREAM_WINDOW: u32 = 4 * 1024 * 1024;
const CONNECTION_WINDOW: u32 = 32 * 1024 * 1024;

/// The default of 16 KiB costs a sender of large messages a third of its rate.
const FRAME_SIZE: u32 = 256 * 1024;

/// How long a client may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a connection may take to say which protocol it speaks, and so many bytes say it.
const SILENCE_TIMEOUT: Duration = Duration::from_secs(30);
const PREFACE_LENGTH: usize = 24;

/// How often a silent HTTP/2 client is asked whether it is still there, and how long it may take to answer.
const KEEP_ALIVE_INTERVAL: Duration = Duration::from_secs(60);
const KEEP_ALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// How long connections may take to end on their own when the server stops.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// What is served, whatever the address.
#[derive(Debug, Clone)]
pub(crate) struct Service {
    tables: Arc<Tables>,
    tokens: Arc<Tokens>,
    faults: Arc<Faults>,
    stream_lifetime: Duration,
    bodies: Arc<Budget>,
}

impl Service {
    pub(crate) fn new(
        tables: Arc<Tables>,
        client: Option<Credentials>,
        token_lifetime: Duration,
        stream_lifetime: Duration,
        faults: Arc<Faults>,
        body_bytes: usize,
    ) -> Self {
        Self {
            bodies: Arc::new(Budget::new(body_bytes)),
            tables,
            faults,
            tokens: Arc::new(Tokens::new(client, token_lifetime)),
            stream_lifetime,
        }
    }
}

/// An open port.
#[derive(Debug)]
pub(crate) struct Listener {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<Tls>,
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        Ok(Self {
            listener,
            address,
            tls: None,
        })
    }

    /// The same for encrypted connections only.
    pub(crate) fn with_tls(self, tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            ..self
        }
    }

    /// The address with the port that was given to it.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until the server is to stop, then until the connections have ended.
    pub(crate) async fn serve(self, service: Service, mut stop: Stop) {
        let routes = Routes {
            grpc: Grpc::new(
                Arc::clone(&service.tables),
                Arc::clone(&service.tokens),
                Arc::clone(&service.faults),
                stop.clone(),
                service.stream_lifetime,
            ),
            tables: service.tables,
            tokens: service.tokens,
            faults: service.faults,
            bodies: service.bodies,
            stop: stop.clone(),
            listening: self.address,
            started: Instant::now(),
        };
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((connection, _)) => {
                        let _ = connection.set_nodelay(true);
                        let (routes, stop) = (routes.clone(), stop.clone());
                        match self.tls.clone() {
                            None => connections.spawn(serve_connection(connection, routes, stop)),
                            Some(tls) => connections.spawn(serve_encrypted(connection, tls, routes, stop)),
                        };
                    }
                    // Out of file handles, or a connection that was reset at once: both pass.
                    Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
                },
                Some(_) = connections.join_next() => {}
                () = stop.stopped() => break,
            }
        }
        drop(self.listener);
        let ended = async { while connections.join_next().await.is_some() {} };
        let _ = tokio::time::timeout(DRAIN_TIMEOUT, ended).await;
        connections.shutdown().await;
    }
}

async fn serve_encrypted(connection: TcpStream, tls: Tls, routes: Routes, stop: Stop) {
    let agreed = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.acceptor.accept(connection));
    if let Ok(Ok(connection)) = agreed.await {
        serve_connection(connection, routes, stop).await;
    }
}

async fn serve_connection(
    connection: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    routes: Routes,
    mut stop: Stop,
) {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_frame_size(FRAME_SIZE)
        .keep_alive_interval(KEEP_ALIVE_INTERVAL)
        .keep_alive_timeout(KEEP_ALIVE_TIMEOUT)
        .max_concurrent_streams(1_000);
    let cut = Cut::default();
    let service = service_fn({
        let cut = cut.clone();
        move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(cut.clone());
            routes.clone().answer(request)
        }
    });
    let connection = Counted::new(connection);
    let read = connection.count();
    let connection = builder.serve_connection(TokioIo::new(connection), service);
    let mut connection = std::pin::pin!(connection);
    // How a connection ends is the client's business; its streams know what they need to know.
    tokio::select! {
        _ = connection.as_mut() => {}
        () = cut.due() => {}
        () = silent(&read) => {}
        () = stop.stopped() => {
            connection.as_mut().graceful_shutdown();
            // A stream that is to be cut ends in no other way.
            tokio::select! {
                _ = connection => {}
                () = cut.due() => {}
            }
        }
    }
}

/// Returns when it is clear that a connection says nothing; one that speaks has time limits of its protocol.
async fn silent(read: &AtomicUsize) {
    tokio::time::sleep(SILENCE_TIMEOUT).await;
    if read.load(Ordering::Relaxed) >= PREFACE_LENGTH {
        std::future::pending().await
    }
}
