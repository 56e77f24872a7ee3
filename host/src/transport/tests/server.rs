//! Small servers on free ports of this machine, for the tests of this room.

use ::http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Bytes, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use std::convert::Infallible;
use std::future::Future;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

type Answer = Response<BoxBody<Bytes, Infallible>>;

/// Answers by the last parts of the path, and remembers what it saw.
pub(super) struct Server {
    /// `http://127.0.0.1:PORT`.
    pub(super) url: String,
    state: Arc<State>,
    /// Ends with the server.
    _tasks: JoinSet<()>,
}

#[derive(Default)]
struct State {
    connections: AtomicUsize,
    seen: Mutex<Vec<HeaderMap>>,
    redirect: Option<String>,
}

impl Server {
    pub(super) async fn start() -> Server {
        Server::with(State::default()).await
    }

    /// Answers everything with a redirect to `/stolen` of another server.
    pub(super) async fn redirecting_to(url: &str) -> Server {
        Server::with(State { redirect: Some(format!("{url}/stolen")), ..State::default() }).await
    }

    /// The headers of each request, in order.
    pub(super) fn seen(&self) -> Vec<HeaderMap> {
        self.state.seen.lock().unwrap().clone()
    }

    /// Connections accepted.
    pub(super) fn connections(&self) -> usize {
        self.state.connections.load(Ordering::SeqCst)
    }

    async fn with(state: State) -> Server {
        let state = Arc::new(state);
        let mut tasks = JoinSet::new();
        let (url, listener) = listen().await;
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                shared.connections.fetch_add(1, Ordering::SeqCst);
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let service = service_fn(move |request| answer(Arc::clone(&state), request));
                    let builder = auto::Builder::new(TokioExecutor::new());
                    // A client that goes away in the middle is part of some tests.
                    let _ = builder.serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Server { url, state, _tasks: tasks }
    }
}

async fn answer(state: Arc<State>, request: Request<Incoming>) -> Result<Answer, hyper::Error> {
    state.seen.lock().unwrap().push(request.headers().clone());
    let (head, body) = request.into_parts();
    let body = body.collect().await?.to_bytes();
    if let Some(location) = &state.redirect {
        let response = Response::builder().status(307).header("location", location);
        return Ok(response.body(full("")).unwrap());
    }
    let parts: Vec<&str> = head.uri.path().split('/').collect();
    let number = || parts.last().and_then(|last| last.parse().ok()).unwrap_or(0);
    let response = Response::builder().header("X-From", "server");
    let response = if parts.contains(&"status") {
        response.status(u16::try_from(number()).unwrap()).body(full(""))
    } else if parts.contains(&"sized") {
        response.body(full(vec![b'x'; number()]))
    } else if parts.contains(&"chunked") {
        response.body(chunks(number()))
    } else if parts.contains(&"endless") {
        response.body(chunks(usize::MAX))
    } else if parts.contains(&"binary") {
        response.body(full(vec![0xff, 0, 1]))
    } else {
        response.body(full(format!("{} {} {}", head.method, head.uri, String::from_utf8_lossy(&body))))
    };
    Ok(response.unwrap())
}

fn full(body: impl Into<Bytes>) -> BoxBody<Bytes, Infallible> {
    Full::new(body.into()).boxed()
}

/// So many bytes in pieces, without saying how many.
fn chunks(bytes: usize) -> BoxBody<Bytes, Infallible> {
    let sizes = std::iter::successors(Some(bytes), |left| left.checked_sub(100)).take_while(|left| *left > 0);
    let frames = sizes.map(|left| Ok(Frame::data(Bytes::from(vec![b'x'; left.min(100)]))));
    BodyExt::boxed(StreamBody::new(tokio_stream::iter(frames)))
}

/// A port where nobody listens.
pub(super) async fn free_port() -> u16 {
    let (_, listener) = listen().await;
    listener.local_addr().unwrap().port()
}

/// A server that accepts and then says nothing, for as long as the test runs.
pub(super) async fn silent() -> String {
    raw(|stream| async move {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await
}

/// A server that reads something, answers these bytes, and closes the connection.
pub(super) async fn closing_after(answer: &'static [u8]) -> String {
    raw(move |mut stream| async move {
        let read = stream.read(&mut [0; 4096]).await.unwrap();
        assert_ne!(read, 0, "the client speaks first");
        stream.write_all(answer).await.unwrap();
        stream.shutdown().await.unwrap();
    })
    .await
}

async fn raw<F>(answer: impl Fn(TcpStream) -> F + Send + 'static) -> String
where
    F: Future<Output = ()> + Send + 'static,
{
    let (url, listener) = listen().await;
    tokio::spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((stream, _)) = listener.accept().await {
            connections.spawn(answer(stream));
        }
    });
    url
}

async fn listen() -> (String, TcpListener) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    (format!("http://{}", listener.local_addr().unwrap()), listener)
}
