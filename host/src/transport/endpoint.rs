use super::egress;
use crate::model::{Fault, FaultKind};
use std::fmt;
use url::{Host, Url};

/// Where requests go: scheme, host, port and base path, as the operator named them. Checked once, at the edge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    /// Without credentials, query or fragment; the path without a slash at its end, except where it is the root.
    base: Url,
}

/// Why a text is no endpoint. None shows the text: a key may stand in it by mistake.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EndpointError {
    /// There is nothing in it.
    #[error("endpoint is empty")]
    Empty,
    /// It does not begin with `http://` or `https://`.
    #[error("endpoint has no scheme")]
    MissingScheme {
        /// What was meant, where that is plain.
        suggestion: Option<String>,
    },
    /// It is a URL of something else than HTTP.
    #[error("endpoint has a scheme other than http and https: `{0}`")]
    Scheme(String),
    /// A user name or a password stands in it.
    #[error("endpoint carries credentials")]
    Credentials,
    /// It has a `?` or a `#`.
    #[error("endpoint has a query or a fragment")]
    QueryOrFragment,
    /// It is no URL at all.
    #[error("endpoint is not a URL")]
    NotAUrl(#[source] url::ParseError),
}

impl EndpointError {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        match self {
            EndpointError::MissingScheme { suggestion: Some(url) } => {
                format!("write `{url}`, or `https://…` where the server speaks TLS")
            }
            EndpointError::Credentials => "name the variable that holds the key with `--api-key-env`".into(),
            EndpointError::QueryOrFragment => "leave out what follows `?` or `#`".into(),
            _ => "write scheme, host and port, for example `http://localhost:11434`".into(),
        }
    }
}

impl Endpoint {
    /// Reads an endpoint, for example `http://localhost:11434/api` or `https://api.openai.com/v1`.
    ///
    /// # Errors
    /// Where it is no plain http or https URL; see [`EndpointError::hint`].
    pub fn parse(text: &str) -> Result<Endpoint, EndpointError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(EndpointError::Empty);
        }
        let Some((scheme, _)) = text.split_once("://") else {
            return Err(EndpointError::MissingScheme { suggestion: with_scheme(text) });
        };
        if !["http", "https"].iter().any(|known| known.eq_ignore_ascii_case(scheme)) {
            return Err(EndpointError::Scheme(scheme.chars().take(32).collect()));
        }
        let mut base = Url::parse(text).map_err(EndpointError::NotAUrl)?;
        if !base.username().is_empty() || base.password().is_some() {
            return Err(EndpointError::Credentials);
        }
        if base.query().is_some() || base.fragment().is_some() {
            return Err(EndpointError::QueryOrFragment);
        }
        let path = base.path().trim_end_matches('/').to_owned();
        base.set_path(&path);
        Ok(Endpoint { base })
    }

    /// Scheme, host and port, the port only where it is not the scheme's own. What faults may name.
    pub fn origin(&self) -> String {
        self.base.origin().ascii_serialization()
    }

    /// The guest's path and query below the base path. Leading segments of the guest's path that the base path
    /// already ends with are not repeated: `/v1/models` below `https://host/v1` is `https://host/v1/models`.
    ///
    /// # Errors
    /// `Blocked` where the path may not be asked for, or would leave the base path.
    pub fn join(&self, path_and_query: &str) -> Result<Url, Fault> {
        egress::check_path(path_and_query)?;
        let (path, query) = match path_and_query.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (path_and_query, None),
        };
        let base_path = self.base_path();
        let mut url = self.base.clone();
        url.set_path(&format!("{base_path}{}", without_overlap(base_path, path)));
        url.set_query(query);
        self.confirm(url)
    }

    /// The `http` endpoint at the same place, for a hint to those who typed `https` in vain.
    pub(super) fn in_plain_http(&self) -> String {
        self.origin().replacen("https://", "http://", 1)
    }

    /// Its host: an address or a name.
    pub(super) fn host(&self) -> Option<Host<&str>> {
        self.base.host()
    }

    /// Whether it is plain HTTP: it needs no certificates, and hides nothing on its way.
    pub(super) fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Whether the server is on this machine, where no proxy can reach it.
    pub fn is_loopback(&self) -> bool {
        match self.base.host() {
            Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    /// The base path without a slash at its end; empty for the root.
    fn base_path(&self) -> &str {
        self.base.path().trim_end_matches('/')
    }

    /// The last word before a URL is used: whatever the rules above let through, it lies below the base.
    fn confirm(&self, url: Url) -> Result<Url, Fault> {
        let below = url.path().strip_prefix(self.base_path());
        let inside = below.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'));
        if inside && url.origin() == self.base.origin() && url.username().is_empty() && url.password().is_none() {
            return Ok(url);
        }
        Err(Fault::new(FaultKind::Blocked, "the path leaves the endpoint").code("path"))
    }
}

/// Scheme, host, port and base path: nothing in it is secret.
impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin(), self.base_path())
    }
}

/// The rest of `path` after the longest run of whole segments that `base` ends with.
fn without_overlap<'a>(base: &str, path: &'a str) -> &'a str {
    let ends = path.match_indices('/').map(|(at, _)| at).skip(1).chain([path.len()]);
    let overlap = ends.filter(|end| *end > 1 && base.ends_with(&path[..*end])).last().unwrap_or(0);
    &path[overlap..]
}

/// The same with `http://` before it, where that makes an endpoint.
fn with_scheme(text: &str) -> Option<String> {
    let url = format!("http://{text}");
    let half_a_scheme = text.starts_with("http:") || text.starts_with("https:");
    (!half_a_scheme && !text.contains('@') && Endpoint::parse(&url).is_ok()).then_some(url)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn paths_are_joined_below_the_base_without_repeating_it() {
        for (base, path, joined) in [
            ("http://h:11434/api", "/api/chat", "http://h:11434/api/chat"),
            ("http://h:11434/api/", "/api/chat", "http://h:11434/api/chat"),
            ("http://h:11434", "/api/chat", "http://h:11434/api/chat"),
            ("https://h/v1", "/v1/models", "https://h/v1/models"),
            ("https://h/x/v1", "/v1/models", "https://h/x/v1/models"),
            ("https://h/api/v1", "/api/v1/models", "https://h/api/v1/models"),
            ("https://h/a/b/a", "/a/b/a/c", "https://h/a/b/a/c"),
            ("http://h", "/v1/x", "http://h/v1/x"),
            ("http://h/", "/", "http://h/"),
            ("http://h/v1", "/", "http://h/v1/"),
            ("http://h/v1", "/v1", "http://h/v1"),
            ("http://h/v1", "/v1/", "http://h/v1/"),
            ("http://h/v1", "/v10/x", "http://h/v1/v10/x"),
            ("http://h/xv1", "/v1/x", "http://h/xv1/v1/x"),
            ("http://h/v1", "/v1//evil.example/x", "http://h/v1//evil.example/x"),
            ("http://h/v1", "/v1/models?a=b/../c&d", "http://h/v1/models?a=b/../c&d"),
            ("http://h/v1", "/v1/models/@evil.example:80/x", "http://h/v1/models/@evil.example:80/x"),
            ("http://[::1]:8000", "/v2/models/gpt-3.5", "http://[::1]:8000/v2/models/gpt-3.5"),
            ("HTTP://Host:80", "/v1/ü", "http://host/v1/%C3%BC"),
        ] {
            assert_eq!(Endpoint::parse(base).unwrap().join(path).unwrap().as_str(), joined, "{base} + {path}");
        }
    }

    #[test]
    fn a_url_outside_the_base_is_not_confirmed() {
        let endpoint = Endpoint::parse("https://h/base").unwrap();
        for url in ["https://h/based", "https://h/", "https://evil/base/x", "http://h/base/x", "https://u@h/base/x"] {
            let fault = endpoint.confirm(Url::parse(url).unwrap()).unwrap_err();
            assert_eq!(fault.kind, FaultKind::Blocked, "{url}");
        }
        assert!(endpoint.confirm(Url::parse("https://h/base/x").unwrap()).is_ok());
    }

    #[test]
    fn what_is_no_endpoint_is_refused_with_a_hint() {
        let missing =
            |suggestion: Option<&str>| EndpointError::MissingScheme { suggestion: suggestion.map(Into::into) };
        for (text, error) in [
            ("", EndpointError::Empty),
            ("localhost:11434", missing(Some("http://localhost:11434"))),
            ("api.example.com/v1", missing(Some("http://api.example.com/v1"))),
            ("user:key@host", missing(None)),
            ("http:/host", missing(None)),
            ("ftp://host", EndpointError::Scheme("ftp".into())),
            ("file:///etc", EndpointError::Scheme("file".into())),
            ("https://key@host", EndpointError::Credentials),
            ("https://u:p@host", EndpointError::Credentials),
            ("https://host/v1?key=1", EndpointError::QueryOrFragment),
            ("https://host/#x", EndpointError::QueryOrFragment),
            ("https://", EndpointError::NotAUrl(url::ParseError::EmptyHost)),
            ("http://h:99999", EndpointError::NotAUrl(url::ParseError::InvalidPort)),
        ] {
            assert_eq!(Endpoint::parse(text), Err(error.clone()), "{text}");
            assert!(!error.hint().is_empty());
        }
        assert!(missing(Some("http://h:1")).hint().contains("http://h:1"));
    }

    #[test]
    fn what_faults_and_listings_show_is_free_of_slashes_and_paths() {
        let endpoint = Endpoint::parse(" https://Host.example:443/v1/ ").unwrap();
        assert_eq!(endpoint.origin(), "https://host.example");
        assert_eq!(endpoint.to_string(), "https://host.example/v1");
        assert_eq!(Endpoint::parse("http://h/").unwrap().to_string(), "http://h");
    }
}
