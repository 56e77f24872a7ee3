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

impl Vendor {
    /// The vendor of a provider, by its id.
    pub(super) fn of(provider: &str) -> Option<&'static Vendor> {
        VENDORS.iter().find(|vendor| vendor.provider == provider)
    }

    /// Whether an endpoint is the vendor's own: same scheme, host and port.
    pub(super) fn owns(&self, endpoint: &Url) -> bool {
        Url::parse(self.origin).is_ok_and(|origin| origin.origin() == endpoint.origin())
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
}
