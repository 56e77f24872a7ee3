//! Sends what a provider built to the endpoint that the operator named, and attaches the credential. The only
//! room that knows how HTTP is spoken, and the only one that holds a key while it is used. It never decides to
//! try again, and never looks into a body.

use crate::model::{Fault, HttpRequest, HttpResponse};
use async_trait::async_trait;

mod address;
mod credential;
mod echo;
mod egress;
mod endpoint;
mod fault;
mod http;
mod limits;
mod proxy;
mod resolver;
#[cfg(test)]
mod tests;

pub use address::{Reach, Refusal};
pub use credential::{Credential, Secret};
pub use endpoint::{Endpoint, EndpointError};
pub use http::{HttpTransport, Route, TransportError};
pub use limits::TransportLimits;
pub use proxy::{NamedProxy, Proxies, ProxyError};

/// Sends one request and returns what came back, whatever its status.
#[async_trait]
pub trait Transport: Send + Sync {
    /// # Errors
    /// Where nothing came back, or the rules forbid to send: a fault of a kind that the host makes, with
    /// `request_sent` false where the server certainly never saw it.
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Fault>;

    /// Scheme, host and port of where it sends; empty where there is none to tell.
    #[expect(clippy::unnecessary_literal_bound, reason = "those that have one lend it")]
    fn origin(&self) -> &str {
        ""
    }
}
