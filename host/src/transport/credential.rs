use crate::model::AuthSlot;
use ::http::{HeaderName, HeaderValue};
use std::fmt;

/// A text that no log, error or dump may show.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text in.
    pub fn new(text: impl Into<String>) -> Self {
        Secret(text.into())
    }

    /// Whether there is nothing in it.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The text itself. Named so that every use stands out.
    pub(super) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

/// A key, and the header it goes into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credential {
    /// The header and what stands before the key, as the provider's descriptor names them.
    pub slot: AuthSlot,
    /// The key.
    pub secret: Secret,
}

impl Credential {
    /// The header as it is sent, or none where the slot or the key cannot stand in one. The value is marked
    /// sensitive: neither printed nor kept in an HTTP/2 compression table.
    pub(super) fn header(&self) -> Option<(HeaderName, HeaderValue)> {
        let name = HeaderName::from_bytes(self.slot.header.as_bytes()).ok()?;
        let mut value = HeaderValue::from_str(&format!("{}{}", self.slot.prefix, self.secret.expose())).ok()?;
        value.set_sensitive(true);
        Some((name, value))
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn bearer(key: &str) -> Credential {
        let slot = AuthSlot { header: "Authorization".into(), prefix: "Bearer ".into() };
        Credential { slot, secret: Secret::new(key) }
    }

    #[test]
    fn a_key_is_never_printed() {
        let credential = bearer("sk-live-1234");
        let header = credential.header();
        let printed = format!("{credential:?} {header:?} {} {:?}", credential.secret, credential.secret);
        assert!(!printed.contains("1234"), "{printed}");
        assert!(printed.contains("[redacted]"));
        assert_eq!(header.unwrap().1.as_bytes(), b"Bearer sk-live-1234");
    }

    #[test]
    fn a_key_that_would_end_the_header_makes_none() {
        assert_eq!(bearer("sk\r\nx-evil: 1").header(), None);
    }
}
