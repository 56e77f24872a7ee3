use super::{Environment, Layers};
use std::fmt;

/// What the environment says of proxies, by the names and rules of curl and others: HTTP_PROXY for servers of http,
/// HTTPS_PROXY for those of https, ALL_PROXY for what is left, NO_PROXY for the hosts that go without; each in lower
/// case, too.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProxyVariables {
    /// For endpoints of `http`.
    pub http: Option<ProxyVariable>,
    /// For endpoints of `https`.
    pub https: Option<ProxyVariable>,
    /// Hosts that go without, as NO_PROXY lists them.
    pub no: String,
}

/// A variable that names a proxy.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyVariable {
    /// Its name.
    pub name: String,
    /// Its value; a password may be in it.
    pub value: String,
}

impl Environment {
    /// What it says of proxies.
    pub fn proxies(&self) -> ProxyVariables {
        // A web server hands the header `Proxy` of a request to its CGI programs as HTTP_PROXY: anybody could set it.
        if self.get("REQUEST_METHOD").is_some() {
            return ProxyVariables::default();
        }
        let all = || self.proxy("ALL_PROXY");
        ProxyVariables {
            http: self.proxy("HTTP_PROXY").or_else(all),
            https: self.proxy("HTTPS_PROXY").or_else(all),
            no: self.in_either_case("NO_PROXY").map(|(_, value)| value.trim().to_owned()).unwrap_or_default(),
        }
    }

    fn proxy(&self, name: &str) -> Option<ProxyVariable> {
        self.in_either_case(name).map(|(name, value)| ProxyVariable { name, value: value.to_owned() })
    }

    fn in_either_case(&self, name: &str) -> Option<(String, &str)> {
        let small = name.to_ascii_lowercase();
        let found = |name: &str| self.get(name).map(|value| (name.to_owned(), value));
        found(name).or_else(|| found(&small))
    }
}

impl Layers {
    /// What the environment says of proxies.
    pub fn proxies(&self) -> ProxyVariables {
        self.environment.proxies()
    }
}

/// The name only.
impl fmt::Debug for ProxyVariable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}=…", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(proxy: Option<&ProxyVariable>) -> Option<(&str, &str)> {
        proxy.map(|proxy| (proxy.name.as_str(), proxy.value.as_str()))
    }

    #[test]
    fn each_scheme_has_its_variable_and_one_stands_for_all() {
        let proxies = Environment::from([
            ("HTTP_PROXY", ""),
            ("http_proxy", "http://small:1"),
            ("ALL_PROXY", "http://me:hunter2@all:2"),
            ("NO_PROXY", " a,b "),
        ])
        .proxies();
        assert_eq!(found(proxies.http.as_ref()), Some(("http_proxy", "http://small:1")));
        assert_eq!(found(proxies.https.as_ref()), Some(("ALL_PROXY", "http://me:hunter2@all:2")));
        assert_eq!(proxies.no, "a,b");
        assert!(!format!("{proxies:?}").contains("hunter2"));
        assert_eq!(Environment::from([("NO_PROXY", "*")]).proxies().http, None);
    }

    #[test]
    fn a_program_of_a_web_server_takes_no_proxy_from_its_environment() {
        let environment = Environment::from([("REQUEST_METHOD", "GET"), ("HTTP_PROXY", "http://evil:1")]);
        assert_eq!(environment.proxies(), ProxyVariables::default());
    }
}
