use std::fmt;

/// A key as an environment variable held it. Never shown: `Debug` prints a placeholder, and there is no `Display`.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

impl ApiKey {
    /// A key, without the white space around it; none where the text cannot stand in an HTTP header: empty, or
    /// with anything but visible ASCII.
    pub fn new(text: &str) -> Option<Self> {
        let text = text.trim();
        let fits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic());
        fits.then(|| ApiKey(text.to_owned()))
    }

    /// The key itself, for whoever attaches it to a request.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_nothing_of_itself() {
        let key = ApiKey::new(" sk-verysecret\n").expect("a usable key");
        assert_eq!(format!("{key:?}"), "ApiKey(…)");
        assert_eq!(key.expose(), "sk-verysecret");
    }

    #[test]
    fn takes_only_what_a_header_can_carry() {
        for text in ["", "  ", "two words", "line\nbreak", "ключ", "nul\0"] {
            assert_eq!(ApiKey::new(text), None, "{text:?}");
        }
    }
}
