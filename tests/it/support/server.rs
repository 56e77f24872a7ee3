//! A server of a few lines, for what the kit's does not do: odd paths, redirects, other APIs, every header that came.

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use tokio::net::TcpListener;
use tokio::task::{JoinHandle, JoinSet};

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Method, path and query: `POST /judge`.
    pub line: String,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

/// What is answered.
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: String,
    pub ending: Ending,
}

/// What becomes of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It is sent.
    Sent,
    /// The connection is closed in its place.
    Closed,
    /// It never comes.
    Never,
}

/// The server; it ends when it is dropped.
pub struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    listening: JoinHandle<()>,
}

impl Reply {
    pub fn ok(body: impl Into<String>) -> Reply {
        Reply::status(200, body)
    }

    pub fn status(status: u16, body: impl Into<String>) -> Reply {
        Reply { status, headers: Vec::new(), body: body.into(), ending: Ending::Sent }
    }

    pub fn none(ending: Ending) -> Reply {
        Reply { ending, ..Reply::ok("") }
    }

    pub fn redirect(to: impl Into<String>) -> Reply {
        Reply { headers: vec![("location", to.into())], ..Reply::status(307, "") }
    }
}

impl Server {
    pub async fn start(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Server {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let seen = Arc::<Mutex<Vec<Seen>>>::default();
        let (kept, answer) = (Arc::clone(&seen), Arc::new(answer));
        let listening = tokio::spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                connections.spawn(async move {
                    let service = service_fn(|request| {
                        let (kept, answer) = (Arc::clone(&kept), Arc::clone(&answer));
                        async move {
                            let seen = read(request).await;
                            let reply = answer(&seen);
                            kept.lock().expect("nobody panics").push(seen);
                            match reply.ending {
                                Ending::Sent => Ok(response(reply)),
                                Ending::Closed => Err(io::Error::other("closed in the place of an answer")),
                                Ending::Never => std::future::pending().await,
                            }
                        }
                    });
                    // Clients that go away end in errors here.
                    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
                });
            }
        });
        Server { address, seen, listening }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What came so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("nobody panics").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn read(request: Request<Incoming>) -> Seen {
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(http_body_util::Collected::to_bytes).unwrap_or_default();
    let header = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned())
    };
    Seen {
        line: format!("{} {}", head.method, head.uri),
        headers: head.headers.iter().map(header).collect(),
        body: String::from_utf8_lossy(&body).into_owned(),
    }
}

fn response(reply: Reply) -> Response<Full<Bytes>> {
    let mut response = Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    response.body(Full::new(Bytes::from(reply.body))).expect("tests give headers that are some")
}
