//! From an endpoint to who sends there: which addresses it may have, and whether the key may go along.

use super::OpenError;
use crate::config::{ProxyVariable, ProxyVariables, is_local_server, is_vendors_own};
use crate::model::Descriptor;
use crate::transport::{
    Credential, Endpoint, HttpTransport, NamedProxy, Proxies, Reach, Route, Secret, Transport, TransportLimits,
};
use std::sync::Arc;

/// How a provider's server is reached, as the operator wants it.
#[derive(Clone, Debug, Default)]
pub struct Connection {
    /// Base URL that the operator named; none takes the provider's default.
    pub endpoint: Option<String>,
    /// Whether the operator named the provider, rather than taking the only one there is.
    pub provider_named: bool,
    /// The key.
    pub api_key: Option<Secret>,
    /// Whether the key may go unencrypted to a server on another machine.
    pub allow_plain_http: bool,
    /// What the environment says of proxies.
    pub proxies: ProxyVariables,
    /// Bounds of each exchange.
    pub limits: TransportLimits,
}

impl Connection {
    /// Who sends for a provider: none where it declares no endpoint and none is named.
    ///
    /// # Errors
    /// Where the endpoint is no URL or may not be reached, the key has no slot or may not go there, or HTTP cannot be set up.
    pub fn to(self, descriptor: &Descriptor) -> Result<Option<Arc<dyn Transport>>, OpenError> {
        let reach = self.reach(descriptor);
        let credential = match (self.api_key, &descriptor.auth) {
            (Some(secret), Some(slot)) => Some(Credential { slot: slot.clone(), secret }),
            (Some(_), None) => return Err(OpenError::NoAuthSlot(descriptor.id.clone())),
            (None, _) => None,
        };
        let Some(endpoint) = self.endpoint.as_ref().or(descriptor.default_endpoint.as_ref()) else { return Ok(None) };
        let parsed = Endpoint::parse(endpoint)?;
        if credential.is_some() && reach == Reach::Public && !is_vendors_own(&descriptor.id, endpoint) {
            return Err(OpenError::KeyToDefault { provider: descriptor.id.clone(), origin: parsed.origin() });
        }
        let route = Route { reach, allow_plain_http: self.allow_plain_http, proxies: proxies(self.proxies) };
        Ok(Some(Arc::new(HttpTransport::new(parsed, credential, &route, self.limits)?)))
    }

    /// How far the endpoint may reach, by who chose it.
    fn reach(&self, descriptor: &Descriptor) -> Reach {
        let default = descriptor.default_endpoint.as_deref().unwrap_or_default();
        match &self.endpoint {
            Some(_) => Reach::Anywhere,
            None if self.provider_named && is_local_server(&descriptor.id, default) => Reach::ThisMachine,
            None => Reach::Public,
        }
    }
}

/// Who sends to an endpoint that the operator named, past any proxy; without one, to the provider's own.
///
/// # Errors
/// As [`Connection::to`].
pub fn connect(
    descriptor: &Descriptor,
    endpoint: Option<&str>,
    api_key: Option<Secret>,
    limits: TransportLimits,
) -> Result<Option<Arc<dyn Transport>>, OpenError> {
    Connection { endpoint: endpoint.map(str::to_owned), api_key, limits, ..Connection::default() }.to(descriptor)
}

/// The proxies of the environment, as the transport takes them.
pub fn proxies(variables: ProxyVariables) -> Proxies {
    let named = |proxy: ProxyVariable| NamedProxy { variable: proxy.name, url: proxy.value };
    Proxies { http: variables.http.map(named), https: variables.https.map(named), no: variables.no }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;
    use crate::model::AuthSlot;
    use crate::transport::TransportError;

    fn descriptor(id: &str, endpoint: &str) -> Descriptor {
        Descriptor {
            id: id.into(),
            version: "1.0.0".into(),
            summary: String::new(),
            default_endpoint: Some(endpoint.into()),
            default_model: None,
            auth: Some(AuthSlot { header: "authorization".into(), prefix: "Bearer ".into() }),
            settings: Vec::new(),
            extras: Vec::new(),
        }
    }

    fn error(connection: Connection, id: &str, endpoint: &str) -> Option<OpenError> {
        // A transport has no `Debug`.
        connection.to(&descriptor(id, endpoint)).err()
    }

    #[tokio::test]
    async fn a_providers_own_default_reaches_this_machine_only_where_the_host_knows_its_server() {
        let chosen = || Connection { provider_named: true, ..Connection::default() };
        for (id, endpoint, by_name, alone) in [
            ("ollama", "http://localhost:11434", true, false),
            ("triton", "http://localhost:8000", true, false),
            ("ollama", "http://localhost:6379", false, false),
            ("stranger", "http://localhost:11434", false, false),
            ("stranger", "http://127.0.0.1:8000", false, false),
            ("stranger", "http://192.168.1.1", false, false),
            ("stranger", "http://169.254.169.254", false, false),
            ("stranger", "http://judge.example", true, true),
        ] {
            assert_eq!(error(chosen(), id, endpoint).is_none(), by_name, "{id} at {endpoint}");
            assert_eq!(error(Connection::default(), id, endpoint).is_none(), alone, "{id} at {endpoint}");
            let named = Connection { endpoint: Some(endpoint.into()), ..Connection::default() };
            assert_eq!(error(named, id, endpoint).is_none(), !endpoint.contains("169.254"), "{id} at {endpoint}");
        }
        let refused = error(chosen(), "stranger", "http://localhost:8000").unwrap();
        assert!(matches!(&refused, OpenError::Transport(TransportError::Address(_))), "{refused:?}");
        assert_eq!(
            refused.to_string(),
            "`localhost` leads to a loopback address, which only the operator may name: 127.0.0.1"
        );
        assert!(refused.hint().unwrap().contains("`--endpoint http://localhost:8000`"), "{:?}", refused.hint());
    }

    #[tokio::test]
    async fn a_key_goes_to_a_providers_own_default_only_where_that_is_its_vendors() {
        let keyed = |endpoint: Option<&str>| Connection {
            api_key: Some(Secret::new("sk-1234")),
            endpoint: endpoint.map(str::to_owned),
            provider_named: true,
            allow_plain_http: true,
            ..Connection::default()
        };
        for (id, endpoint, goes) in [
            ("ollama", "http://localhost:11434", true),
            ("stranger", "http://judge.example", false),
            ("openai", "http://evil.example", false),
            ("anthropic", "http://api.anthropic.com.evil.example", false),
        ] {
            let refused = error(keyed(None), id, endpoint);
            assert_eq!(refused.is_none(), goes, "{id} at {endpoint}");
            if let Some(refused) = refused {
                assert!(matches!(&refused, OpenError::KeyToDefault { .. }), "{refused:?}");
                assert!(refused.hint().unwrap().contains(&format!("--endpoint {endpoint}")), "{:?}", refused.hint());
                assert!(!format!("{refused:?} {refused}").contains("1234"));
            }
            assert!(error(keyed(Some(endpoint)), id, endpoint).is_none(), "{id} at {endpoint}, named");
        }
    }

    #[tokio::test]
    async fn a_key_goes_over_plain_http_to_another_machine_only_where_that_is_allowed() {
        for (endpoint, is_readable) in [
            ("http://gpu:8000/v1", true),
            ("http://10.0.0.1", true),
            ("http://localhost.evil.example", true),
            ("http://localhost:8000", false),
            ("http://[::1]:8000", false),
            ("http://127.0.0.2:8000", false),
        ] {
            let connection = |api_key: Option<Secret>, allow_plain_http| Connection {
                endpoint: Some(endpoint.into()),
                api_key,
                allow_plain_http,
                ..Connection::default()
            };
            let key = || Some(Secret::new("sk-1234"));
            let refused = error(connection(key(), false), "openai", "http://x");
            assert_eq!(refused.is_some(), is_readable, "{endpoint}");
            if let Some(refused) = refused {
                assert!(refused.to_string().starts_with("the key would go unencrypted to http://"), "{refused}");
                let hint = refused.hint().unwrap();
                assert!(hint.contains("`allow_plain_http = true`") && hint.contains("judge.toml"), "{hint}");
            }
            assert!(error(connection(key(), true), "openai", "http://x").is_none(), "{endpoint}, allowed");
            assert!(error(connection(None, false), "openai", "http://x").is_none(), "{endpoint}, without a key");
        }
    }
}
