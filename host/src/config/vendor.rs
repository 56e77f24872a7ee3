use url::Url;

/// A vendor whose key variable everybody knows, and the only server that it may go to without being named.
pub(super) struct Vendor {
    provider: &'static str,
    /// The variable of the vendor's own tools.
    pub(super) variable: &'static str,
    origin: &'static str,
}

/// The vendors, and why each row is as it is. The origin binds the key: whoever points `openai` at another server (vLLM,
/// a proxy, a stranger) has OPENAI_API_KEY in the environment all the same, and must name it before it is sent there.
const VENDORS: [Vendor; 3] = [
    // The variable of OpenAI's SDKs; requests lie under /v1.
    Vendor { provider: "openai", variable: "OPENAI_API_KEY", origin: "https://api.openai.com" },
    // The variable of Anthropic's SDKs; requests lie under /v1.
    Vendor { provider: "anthropic", variable: "ANTHROPIC_API_KEY", origin: "https://api.anthropic.com" },
    // The variable of OpenRouter's documentation; requests lie under /api/v1.
    Vendor { provider: "openrouter", variable: "OPENROUTER_API_KEY", origin: "https://openrouter.ai" },
];

/// A server that is known to run on the operator's own machine: the only kind that a provider's own default may reach
/// there. Any other default of `localhost` could turn requests against whatever happens to listen.
struct LocalServer {
    provider: &'static str,
    origin: &'static str,
}

/// The local servers, and why each row is as it is. A row counts only where the operator named the provider: who says
/// `--provider ollama` means the Ollama of this machine, whoever wrote the component.
const LOCAL_SERVERS: [LocalServer; 2] = [
    // Ollama's documented address; nothing else is known to use the port.
    LocalServer { provider: "ollama", origin: "http://localhost:11434" },
    // Triton's documented address. Others use the port as well, so a provider that nobody named must not come to it.
    LocalServer { provider: "triton", origin: "http://localhost:8000" },
];

/// Whether a provider's default endpoint is where its server is known to run on this machine.
pub fn is_local_server(provider: &str, endpoint: &str) -> bool {
    let known = LOCAL_SERVERS.iter().filter(|server| server.provider == provider);
    known.into_iter().any(|server| has_origin(endpoint, server.origin))
}

/// Whether an endpoint is the own server of the vendor that the provider is known for.
pub fn is_vendors_own(provider: &str, endpoint: &str) -> bool {
    Vendor::of(provider).is_some_and(|vendor| has_origin(endpoint, vendor.origin))
}

/// Whether both have the same scheme, host and port.
fn has_origin(url: &str, origin: &str) -> bool {
    matches!((Url::parse(url), Url::parse(origin)), (Ok(url), Ok(origin)) if url.origin() == origin.origin())
}

impl Vendor {
    /// The vendor of a provider, by its id.
    pub(super) fn of(provider: &str) -> Option<&'static Vendor> {
        VENDORS.iter().find(|vendor| vendor.provider == provider)
    }

    /// Whether an endpoint is the vendor's own: same scheme, host and port.
    pub(super) fn owns(&self, endpoint: &Url) -> bool {
        has_origin(endpoint.as_str(), self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owns_its_origin_and_no_other() {
        for (provider, endpoint, expected) in [
            ("openai", "https://api.openai.com", true),
            ("openai", "https://api.openai.com:443/v1/", true),
            ("openai", "https://API.OpenAI.com/v1", true),
            ("openai", "http://api.openai.com", false),
            ("openai", "https://api.openai.com:8443", false),
            ("openai", "https://api.openai.com.evil.example", false),
            ("openai", "https://openai.com", false),
            ("openai", "https://api.anthropic.com", false),
            ("anthropic", "https://api.anthropic.com/", true),
            ("openrouter", "https://openrouter.ai/api", true),
        ] {
            let vendor = Vendor::of(provider).expect("a known vendor");
            assert_eq!(vendor.owns(&Url::parse(endpoint).expect("a URL")), expected, "{provider} at {endpoint}");
        }
        assert!(Vendor::of("ollama").is_none());
    }

    #[test]
    fn a_local_server_is_one_of_the_table_at_its_own_port() {
        for (provider, endpoint, expected) in [
            ("ollama", "http://localhost:11434", true),
            ("ollama", "http://localhost:11434/api", true),
            ("ollama", "http://localhost:8000", false),
            ("ollama", "http://127.0.0.1:11434", false),
            ("ollama", "https://localhost:11434", false),
            ("triton", "http://localhost:8000", true),
            ("triton", "http://localhost:8001", false),
            ("mine", "http://localhost:11434", false),
            ("mine", "no url", false),
        ] {
            assert_eq!(is_local_server(provider, endpoint), expected, "{provider} at {endpoint}");
        }
        assert!(is_vendors_own("openai", "https://api.openai.com/v1"));
        assert!(!is_vendors_own("openai", "https://evil.example") && !is_vendors_own("mine", "https://api.openai.com"));
    }
}
