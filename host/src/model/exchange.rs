use super::Answer;

/// A message body: text where it is valid UTF-8.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// UTF-8 text.
    Text(String),
    /// Anything else.
    Binary(Vec<u8>),
}

impl Body {
    /// The body as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        match self {
            Body::Text(text) => text.as_bytes(),
            Body::Binary(bytes) => bytes,
        }
    }
}

impl From<Vec<u8>> for Body {
    fn from(bytes: Vec<u8>) -> Self {
        match String::from_utf8(bytes) {
            Ok(text) => Body::Text(text),
            Err(error) => Body::Binary(error.into_bytes()),
        }
    }
}

/// A request as the provider built it: it names a path, never a host.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpRequest {
    /// Method in upper case.
    pub method: String,
    /// Absolute path and optional query.
    pub path_and_query: String,
    /// Header names and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body, if any.
    pub body: Option<Body>,
}

/// What came back: any status.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpResponse {
    /// Status code.
    pub status: u16,
    /// Header names in lower case, and values.
    pub headers: Vec<(String, Vec<u8>)>,
    /// The body; empty text where there was none.
    pub body: Body,
}

/// A request, with what the provider wants back beside its response.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// What to send.
    pub request: HttpRequest,
    /// Opaque to the host.
    pub state: Vec<u8>,
}

/// What happens next in a job.
#[derive(Clone, Debug, PartialEq)]
pub enum Step {
    /// Send this and parse the response.
    Send(Outgoing),
    /// The job is done.
    Done(Answer),
}

/// What happens next in the preparation of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Preparation {
    /// Send this and prepare on.
    Send(Outgoing),
    /// The profile to hand to every job.
    Ready(Vec<u8>),
}

/// The response to the last request of the preparation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Previous {
    /// `Outgoing::state` as it was given.
    pub state: Vec<u8>,
    /// What came back.
    pub response: HttpResponse,
}
