use super::echo::Echo;
use super::{Credential, Endpoint, Transport, TransportLimits, egress, fault};
use crate::model::{Body, Fault, HttpRequest, HttpResponse};
use ::http::{HeaderName, HeaderValue};
use async_trait::async_trait;
use reqwest::{Client, ClientBuilder, Response, redirect, retry};

/// What the host calls itself to servers.
const USER_AGENT: &str = concat!("judge-host/", env!("CARGO_PKG_VERSION"));
/// What is set aside for a body before its first byte, whatever length the server promises.
const BODY_BYTES_FIRST: usize = 64 << 10;

/// Sends over HTTP/1.1, or HTTP/2 where the server offers it, on connections that are kept and shared.
///
/// The system's proxy settings hold, except for servers on this machine. Redirects are not followed: they reach
/// the provider like any other status, and the credential goes nowhere else.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client,
    endpoint: Endpoint,
    credential: Option<(HeaderName, HeaderValue)>,
    echo: Option<Echo>,
    limits: TransportLimits,
}

/// Why no transport can be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The key has characters that no header may carry, or the provider names no proper header for it.
    #[error("the key cannot be sent in the header `{header}`")]
    Credential {
        /// The header's name.
        header: String,
    },
    /// The HTTP client could not be set up.
    #[error("the HTTP client could not be set up")]
    Client(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl TransportError {
    /// What the operator can do about it.
    pub fn hint(&self) -> &'static str {
        match self {
            TransportError::Credential { .. } => {
                "check the variable that `--api-key-env` names for line breaks and characters beyond ASCII"
            }
            TransportError::Client(_) => {
                "https needs the system's root certificates: install them (often `ca-certificates`), or name their \
                 file in SSL_CERT_FILE"
            }
        }
    }
}

impl HttpTransport {
    /// A transport to one endpoint, with one pool of connections. Opens none yet.
    ///
    /// # Errors
    /// Where the key cannot stand in a header, or the system has no certificates to trust for `https`.
    pub fn new(
        endpoint: Endpoint,
        credential: Option<Credential>,
        limits: TransportLimits,
    ) -> Result<HttpTransport, TransportError> {
        let builder = if endpoint.is_loopback() { Client::builder().no_proxy() } else { Client::builder() };
        HttpTransport::on(builder, endpoint, credential, limits)
    }

    /// The same, on a client with settings of its own.
    pub(super) fn on(
        builder: ClientBuilder,
        endpoint: Endpoint,
        credential: Option<Credential>,
        limits: TransportLimits,
    ) -> Result<HttpTransport, TransportError> {
        let echo = credential.as_ref().and_then(|credential| Echo::of(&credential.secret));
        let header = |credential: Credential| match credential.header() {
            Some(header) => Ok(header),
            None => Err(TransportError::Credential { header: credential.slot.header }),
        };
        let credential = credential.map(header).transpose()?;
        let client =
            configured(builder, &endpoint, &limits).build().map_err(|error| TransportError::Client(error.into()))?;
        Ok(HttpTransport { client, endpoint, credential, echo, limits })
    }

    /// One exchange without its time limit.
    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, Fault> {
        let response = self.dispatch(request).await?;
        let status = response.status().as_u16();
        let without_key = |bytes: Vec<u8>| match &self.echo {
            Some(echo) => echo.redacted(bytes),
            None => bytes,
        };
        let headers = response.headers().iter();
        let headers =
            headers.map(|(name, value)| (name.as_str().to_owned(), without_key(value.as_bytes().to_vec()))).collect();
        let body = without_key(self.body(response).await?);
        Ok(HttpResponse { status, headers, body: Body::from(body) })
    }

    /// Checks the request, attaches the credential and sends; returns when the response's head is there.
    async fn dispatch(&self, request: &HttpRequest) -> Result<Response, Fault> {
        let method = egress::check_method(&request.method)?;
        let url = self.endpoint.join(&request.path_and_query)?;
        let mut headers = egress::check_headers(&request.headers, self.credential.as_ref().map(|(name, _)| name))?;
        if let Some((name, value)) = &self.credential {
            headers.insert(name.clone(), value.clone());
        }
        let mut outgoing = self.client.request(method, url).headers(headers);
        if let Some(body) = &request.body {
            if body.as_bytes().len() > self.limits.request_bytes_max {
                return Err(fault::request_too_large(&self.limits));
            }
            outgoing = outgoing.body(body.as_bytes().to_vec());
        }
        outgoing.send().await.map_err(|error| fault::of_exchange(&error, &self.endpoint))
    }

    /// The response's body, read no further than its bound.
    async fn body(&self, mut response: Response) -> Result<Vec<u8>, Fault> {
        let bytes_max = self.limits.response_bytes_max;
        let promised = usize::try_from(response.content_length().unwrap_or(0)).unwrap_or(usize::MAX);
        if promised > bytes_max {
            return Err(fault::response_too_large(&self.endpoint, &self.limits));
        }
        let mut body = Vec::with_capacity(promised.min(BODY_BYTES_FIRST));
        while let Some(chunk) = response.chunk().await.map_err(|error| fault::of_exchange(&error, &self.endpoint))? {
            if chunk.len() > bytes_max - body.len() {
                return Err(fault::response_too_large(&self.endpoint, &self.limits));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }
}

#[async_trait]
impl Transport for HttpTransport {
    /// Dropping the future closes the connection of an HTTP/1.1 exchange, or resets the stream of an HTTP/2 one;
    /// whether the server stops its work is up to the server.
    async fn send(&self, request: &HttpRequest) -> Result<HttpResponse, Fault> {
        match tokio::time::timeout(self.limits.attempt, self.exchange(request)).await {
            Ok(result) => result,
            Err(_) => Err(fault::attempt_over(&self.endpoint, &self.limits)),
        }
    }
}

fn configured(builder: ClientBuilder, endpoint: &Endpoint, limits: &TransportLimits) -> ClientBuilder {
    // Fails only where the process has chosen a provider already, which then serves as well.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = builder
        .user_agent(USER_AGENT)
        .redirect(redirect::Policy::none())
        .referer(false)
        // Whether to try again is decided in one place, and not in this room.
        .retry(retry::never())
        // Before the attempt's end, so that a connection that did not come to be is told as such.
        .connect_timeout(limits.connect.min(limits.attempt * 9 / 10))
        .pool_idle_timeout(limits.idle)
        .pool_max_idle_per_host(limits.idle_connections_max)
        .tcp_nodelay(true);
    // The system's root certificates, which a bare machine may lack, are needed for https alone.
    if endpoint.is_plain() { builder.tls_certs_only([]) } else { builder }
}
