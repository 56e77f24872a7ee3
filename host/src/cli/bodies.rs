//! `--log-bodies`: what goes over the wire, shown as it goes. The key is not in it: it is attached further on.

use async_trait::async_trait;
use judge_host::model::{Body, Fault, HttpRequest, HttpResponse};
use judge_host::report::Console;
use judge_host::transport::Transport;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// Bytes of one body that are shown.
const BODY_BYTES_SHOWN: usize = 64 * 1024;

/// A transport that shows every exchange. Numbers say which response belongs to which request.
pub(super) struct Bodies {
    inner: Arc<dyn Transport>,
    console: Console,
    exchanges: AtomicU64,
}

impl Bodies {
    pub(super) fn around(inner: Arc<dyn Transport>, console: &Console) -> Bodies {
        Bodies { inner, console: console.clone(), exchanges: AtomicU64::new(0) }
    }
}

#[async_trait]
impl Transport for Bodies {
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Fault> {
        let number = self.exchanges.fetch_add(1, Relaxed) + 1;
        let body = request.body.as_ref().map(shown).unwrap_or_default();
        self.console.line(&format!("--> {number} {} {}\n{body}", request.method, request.path_and_query));
        let answered = self.inner.send(request).await;
        match &answered {
            Ok(response) => self.console.line(&format!("<-- {number} {}\n{}", response.status, shown(&response.body))),
            Err(fault) => self.console.line(&format!("<-- {number} {fault}")),
        }
        answered
    }

    fn origin(&self) -> &str {
        self.inner.origin()
    }
}

fn shown(body: &Body) -> String {
    let bytes = body.as_bytes();
    let text = String::from_utf8_lossy(&bytes[..bytes.len().min(BODY_BYTES_SHOWN)]);
    if bytes.len() > BODY_BYTES_SHOWN { format!("{text}… ({} bytes)", bytes.len()) } else { text.into_owned() }
}
