use super::Endpoint;
use hyper_util::client::proxy::matcher::{Intercept, Matcher};
use std::fmt;

/// The proxies that the operator's environment names, and the hosts that go without.
///
/// A proxy looks the endpoint's name up itself, so the host cannot check the address that it leads to; one that stands in the
/// endpoint is checked all the same. Where the proxy is, is the operator's choice. Servers on this machine are never asked
/// through one.
#[derive(Clone, Default)]
pub struct Proxies {
    /// For endpoints of `http`.
    pub http: Option<NamedProxy>,
    /// For endpoints of `https`.
    pub https: Option<NamedProxy>,
    /// Hosts that go without, as NO_PROXY lists them: names with those below them, addresses, networks, or `*`.
    pub no: String,
}

/// A proxy, as a variable names it; a password may be in it.
#[derive(Clone, PartialEq, Eq)]
pub struct NamedProxy {
    /// The variable.
    pub variable: String,
    /// Its value: `http://user:password@host:port`, where all but the host may be missing.
    pub url: String,
}

/// A variable that names nothing which the host can speak to.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no proxy that can be used is in environment `{variable}`")]
pub struct ProxyError {
    /// The variable.
    pub variable: String,
}

impl ProxyError {
    /// What the operator can do about it.
    pub fn hint(&self) -> String {
        let variable = &self.variable;
        format!("`{variable}=http://HOST:PORT` is one (SOCKS is not spoken); NO_PROXY lists hosts that go without")
    }
}

impl Proxies {
    /// Which proxy stands before an endpoint, without its password: `http://proxy:3128`. None where none does.
    ///
    /// # Errors
    /// Where the variable that counts names none that can be used: nothing is sent around it.
    pub fn before(&self, endpoint: &Endpoint) -> Result<Option<String>, ProxyError> {
        Ok(self.intercept(endpoint)?.map(|proxy| shown(&proxy)))
    }

    /// The proxy of each scheme, in words for a listing; none where the environment names none.
    pub fn told(&self) -> Option<String> {
        let schemes = [("http", &self.http), ("https", &self.https)];
        let told = |(scheme, proxy): (&str, &Option<NamedProxy>)| {
            let proxy = proxy.as_ref()?;
            let place = proxy.intercept().map_or_else(|_| "none that can be used".to_owned(), |found| shown(&found));
            Some(format!("{scheme} through {place} ({})", proxy.variable))
        };
        let told: Vec<_> = schemes.into_iter().filter_map(told).collect();
        if told.is_empty() {
            return None;
        }
        let no = if self.no.is_empty() { String::new() } else { format!(" {} (NO_PROXY),", self.no) };
        Some(format!("proxies: {}; without:{no} servers on this machine", told.join(", ")))
    }

    pub(super) fn intercept(&self, endpoint: &Endpoint) -> Result<Option<Intercept>, ProxyError> {
        let proxy = if endpoint.is_plain() { &self.http } else { &self.https };
        let Some(proxy) = proxy.as_ref().filter(|_| !endpoint.is_loopback()) else { return Ok(None) };
        if goes_without(&self.no, endpoint) {
            return Ok(None);
        }
        proxy.intercept().map(Some)
    }
}

impl NamedProxy {
    fn intercept(&self) -> Result<Intercept, ProxyError> {
        let found = matched(&Matcher::builder().all(self.url.trim()).build(), "http://host/");
        let speaks = |found: &Intercept| matches!(found.uri().scheme_str(), Some("http" | "https"));
        found.filter(speaks).ok_or_else(|| ProxyError { variable: self.variable.clone() })
    }
}

/// Whether NO_PROXY has the endpoint's host: by the rules of the HTTP client's own reading, which are curl's.
fn goes_without(no: &str, endpoint: &Endpoint) -> bool {
    matched(&Matcher::builder().all("http://proxy").no(no).build(), &endpoint.origin()).is_none()
}

fn matched(matcher: &Matcher, url: &str) -> Option<Intercept> {
    matcher.intercept(&url.parse().ok()?)
}

/// Without user and password, which the matcher keeps apart.
fn shown(proxy: &Intercept) -> String {
    proxy.uri().to_string().trim_end_matches('/').to_owned()
}

/// Variables only: a value may hold a password.
impl fmt::Debug for NamedProxy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NamedProxy({}: [redacted])", self.variable)
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Proxies").field("http", &self.http).field("https", &self.https).field("no", &self.no).finish()
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn named(variable: &str, url: &str) -> NamedProxy {
        NamedProxy { variable: variable.into(), url: url.into() }
    }

    fn before(proxies: &Proxies, url: &str) -> Result<Option<String>, ProxyError> {
        proxies.before(&Endpoint::parse(url).unwrap())
    }

    #[test]
    fn each_scheme_has_its_proxy_and_some_hosts_have_none() {
        let proxies = Proxies {
            http: Some(named("HTTP_PROXY", "proxy:3128")),
            https: Some(named("ALL_PROXY", "https://me:hunter2@secure/x")),
            no: "internal.example, 10.0.0.0/8,.dotted.example".into(),
        };
        for (url, proxy) in [
            ("http://gpu:8000/v1", Some("http://proxy:3128")),
            ("https://api.openai.com/v1", Some("https://secure")),
            ("https://internal.example", None),
            ("https://a.internal.example:8443", None),
            ("https://notinternal.example", Some("https://secure")),
            ("https://x.dotted.example", None),
            ("http://10.1.2.3", None),
            ("http://11.1.2.3", Some("http://proxy:3128")),
            ("http://localhost:11434", None),
            ("http://[::1]:8000", None),
        ] {
            assert_eq!(before(&proxies, url).unwrap().as_deref(), proxy, "{url}");
        }
        let everywhere = Proxies { no: "*".into(), ..proxies.clone() };
        assert_eq!(before(&everywhere, "http://gpu"), Ok(None));
        assert_eq!(
            proxies.told().unwrap(),
            "proxies: http through http://proxy:3128 (HTTP_PROXY), https through https://secure (ALL_PROXY); without: \
             internal.example, 10.0.0.0/8,.dotted.example (NO_PROXY), servers on this machine"
        );
        assert!(!format!("{proxies:?}").contains("hunter2"));
        assert_eq!(Proxies::default().told(), None);
    }

    #[test]
    fn a_proxy_that_cannot_be_used_stops_what_would_go_through_it_and_is_not_shown() {
        for url in ["socks5://me:hunter2@h:1080", "ftp://h", "http://", "not a url at all hunter2"] {
            let proxies = Proxies { http: Some(named("ALL_PROXY", url)), ..Proxies::default() };
            let error = before(&proxies, "http://gpu").unwrap_err();
            let told = format!("{error} {error:?} {} {}", error.hint(), proxies.told().unwrap());
            assert!(told.contains("ALL_PROXY") && !told.contains("hunter2"), "{told}");
            assert_eq!(before(&proxies, "http://localhost:1"), Ok(None), "{url}");
            assert_eq!(before(&proxies, "https://h"), Ok(None), "{url}");
        }
    }
}
