use super::address::Policy;
use super::echo::Echo;
use super::resolver::{Checked, System};
use super::{Credential, Endpoint, Proxies, ProxyError, Reach, Refusal, Transport, TransportLimits, egress, fault};
use crate::model::{Body, Fault, HttpRequest, HttpResponse};
use ::http::header::CONTENT_ENCODING;
use ::http::{HeaderName, HeaderValue};
use async_trait::async_trait;
use reqwest::dns::Resolve;
use reqwest::{Client, ClientBuilder, Proxy, Response, redirect, retry};

/// What the host calls itself to servers.
const USER_AGENT: &str = concat!("judge-host/", env!("CARGO_PKG_VERSION"));
/// What is set aside for a body before its first byte, whatever length the server promises.
const BODY_BYTES_FIRST: usize = 64 << 10;

/// Encodings of a body that hide its bytes. Others do not, or are named by mistake.
const ENCODINGS_COMPRESSED: [&str; 7] = ["gzip", "x-gzip", "deflate", "br", "zstd", "compress", "x-compress"];

/// Sends over HTTP/1.1, or HTTP/2 where the server offers it, on connections that are kept and shared.
///
/// The credential belongs to the endpoint's scheme, host and port. Redirects are not followed: they reach the provider like
/// any other status, whose next request goes to the endpoint again, as it can name no other.
#[derive(Debug)]
pub struct HttpTransport {
    client: Client,
    origin: String,
    endpoint: Endpoint,
    credential: Option<(HeaderName, HeaderValue)>,
    echo: Option<Echo>,
    limits: TransportLimits,
}

/// How an endpoint is reached.
#[derive(Clone, Debug)]
pub struct Route {
    /// Which addresses it may have.
    pub reach: Reach,
    /// Whether a key may go to a server of plain HTTP on another machine: all on the way can read it.
    pub allow_plain_http: bool,
    /// The proxies that may stand before it.
    pub proxies: Proxies,
}

/// Why no transport can be made.
#[derive(Debug, thiserror::Error)]
pub enum TransportError {
    /// The endpoint's host is one that requests may not go to.
    #[error(transparent)]
    Address(#[from] Refusal),
    /// The key would go over the network for all to read.
    #[error("the key would go unencrypted to {origin}")]
    PlainHttp {
        /// Scheme, host and port.
        origin: String,
    },
    /// The proxy before the endpoint cannot be used.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// The key has characters that no header may carry or is longer than any, or the provider names no proper header for it.
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
    pub fn hint(&self) -> String {
        match self {
            TransportError::Address(refusal) => refusal.hint(),
            TransportError::PlainHttp { .. } => {
                "write `https://…`; where the network is yours alone, `allow_plain_http = true` in the provider's table of \
                 judge.toml, or `--allow-plain-http`, sends it all the same"
            }
            .to_owned(),
            TransportError::Proxy(error) => error.hint(),
            TransportError::Credential { .. } => {
                "check the variable that `--api-key-env` names for line breaks and characters beyond ASCII".to_owned()
            }
            TransportError::Client(_) => {
                "https needs the system's root certificates: install them (often `ca-certificates`), or name their \
                 file in SSL_CERT_FILE"
            }
            .to_owned(),
        }
    }
}

impl HttpTransport {
    /// A transport to one endpoint, with one pool of connections. Opens none yet.
    ///
    /// # Errors
    /// Where the endpoint may not be reached or the key may not go there, the key cannot stand in a header, the proxy before
    /// the endpoint cannot be used, or the system has no certificates to trust for `https`.
    pub fn new(
        endpoint: Endpoint,
        credential: Option<Credential>,
        route: &Route,
        limits: TransportLimits,
    ) -> Result<HttpTransport, TransportError> {
        HttpTransport::on(Client::builder(), System, endpoint, credential, route, limits)
    }

    /// The same, on a client with settings of its own, and another way to look up names.
    pub(super) fn on(
        builder: ClientBuilder,
        look_up: impl Resolve + 'static,
        endpoint: Endpoint,
        credential: Option<Credential>,
        route: &Route,
        limits: TransportLimits,
    ) -> Result<HttpTransport, TransportError> {
        let policy = Policy::new(route.reach, &endpoint);
        if let Some(host) = endpoint.host() {
            policy.check_host(&host)?;
        }
        let is_readable = endpoint.is_plain() && !endpoint.is_loopback();
        if credential.is_some() && is_readable && !route.allow_plain_http {
            return Err(TransportError::PlainHttp { origin: endpoint.origin() });
        }
        let (credential, echo) = match credential {
            None => (None, None),
            Some(credential) => match (credential.header(), Echo::of(&credential.secret)) {
                (Some(header), Ok(echo)) => (Some(header), echo),
                _ => return Err(TransportError::Credential { header: credential.slot.header }),
            },
        };
        let client = |error: reqwest::Error| TransportError::Client(error.into());
        // The environment is read in one place, and not by the client.
        let builder = configured(builder, &endpoint, &limits).no_proxy();
        let builder = match route.proxies.intercept(&endpoint)? {
            None => builder.dns_resolver(Checked::new(policy, look_up)),
            // The one name to look up is the proxy's, which is the operator's choice.
            Some(found) => {
                let proxy = Proxy::all(found.uri().to_string()).map_err(client)?;
                builder.proxy(match found.basic_auth() {
                    Some(password) => proxy.custom_http_auth(password.clone()),
                    None => proxy,
                })
            }
        };
        let origin = endpoint.origin();
        Ok(HttpTransport { client: builder.build().map_err(client)?, origin, endpoint, credential, echo, limits })
    }

    /// One exchange without its time limit.
    async fn exchange(&self, request: &HttpRequest) -> Result<HttpResponse, Fault> {
        let response = self.dispatch(request).await?;
        self.check_encoding(&response)?;
        let status = response.status().as_u16();
        let headers = response.headers().iter().map(|(name, value)| match &self.echo {
            Some(echo) => (echo.redacted_text(name.as_str()), echo.redacted(value.as_bytes().to_vec())),
            None => (name.as_str().to_owned(), value.as_bytes().to_vec()),
        });
        let headers = headers.collect();
        let mut body = self.body(response).await?;
        if let Some(echo) = &self.echo {
            body = echo.redacted(body);
        }
        Ok(HttpResponse { status, headers, body: Body::from(body) })
    }

    /// The key is looked for in what came, so what came must be readable.
    fn check_encoding(&self, response: &Response) -> Result<(), Fault> {
        let named = response.headers().get_all(CONTENT_ENCODING).iter().filter_map(|value| value.to_str().ok());
        let mut named = named.flat_map(|value| value.split(',')).map(str::trim);
        let compressed =
            named.find_map(|name| ENCODINGS_COMPRESSED.iter().find(|known| known.eq_ignore_ascii_case(name)));
        compressed.map_or(Ok(()), |encoding| Err(fault::response_compressed(&self.endpoint, encoding)))
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

    fn origin(&self) -> &str {
        &self.origin
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
