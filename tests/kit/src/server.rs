use crate::answer::{Shared, answer};
use crate::stats::Counters;
use crate::{Script, Stats};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// The wait after a connection could not be accepted, for want of file handles as a rule.
const ACCEPT_PAUSE: Duration = Duration::from_millis(10);

/// The server. Ends when it is stopped or dropped, and with it all its connections.
pub struct FakeLlm {
    address: SocketAddr,
    counters: Arc<Counters>,
    listening: JoinHandle<()>,
}

impl FakeLlm {
    /// Starts on a free port of 127.0.0.1, on the runtime of the caller.
    ///
    /// # Panics
    /// Where the machine has no port left.
    pub async fn start(script: Script) -> FakeLlm {
        FakeLlm::start_on(0, script).await.expect("a machine that runs tests has a free port")
    }

    /// Starts on this port of 127.0.0.1; 0 stands for any free one.
    ///
    /// # Errors
    /// Where the port is taken or forbidden.
    pub async fn start_on(port: u16, script: Script) -> io::Result<FakeLlm> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
        let address = listener.local_addr()?;
        let counters = Arc::new(Counters::default());
        let shared = Arc::new(Shared { script, counters: Arc::clone(&counters) });
        Ok(FakeLlm { address, counters, listening: tokio::spawn(listen(listener, shared)) })
    }

    /// `http://127.0.0.1:PORT`, without a slash at its end.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it has seen so far.
    pub fn stats(&self) -> Stats {
        self.counters.stats()
    }

    /// Waits until what it has seen is so.
    pub async fn until(&self, is_so: impl Fn(&Stats) -> bool) {
        self.counters.until(is_so).await;
    }

    /// Lets the answers go that [`crate::Then::Hold`] holds back, now and from now on.
    pub fn release(&self) {
        self.counters.release();
    }

    /// Stops at once: calls under way lose their connections. The port is free afterwards.
    pub async fn stop(mut self) {
        self.listening.abort();
        // An aborted task always ends in an error, which is what was wanted.
        let _ = (&mut self.listening).await;
    }
}

impl Drop for FakeLlm {
    fn drop(&mut self) {
        self.listening.abort();
    }
}

async fn listen(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => {
                    shared.counters.connected();
                    connections.spawn(serve(stream, Arc::clone(&shared)));
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            },
            Some(_) = connections.join_next() => {}
        }
    }
}

async fn serve(stream: TcpStream, shared: Arc<Shared>) {
    // Without it small answers wait for acknowledgements; where it fails they do just that.
    let _ = stream.set_nodelay(true);
    let service = service_fn(|request| answer(&shared, request));
    // Clients that go away, and scripts that close, end in errors here.
    let _ = http1::Builder::new().serve_connection(TokioIo::new(stream), service).await;
}
