use super::Secret;
use memchr::memmem::Finder;
use std::fmt;

/// What stands where a key was.
const REDACTED: &[u8] = b"[redacted]";
/// A text shorter than this is no key, and would be found in many an honest answer.
const KEY_BYTES_MIN: usize = 6;

/// A key as a server or a proxy may send it back: some put the headers that they received into an error. It is taken
/// out here, before a guest, a row or an error can carry it on.
pub(super) struct Echo(Vec<Finder<'static>>);

impl Echo {
    /// None for a key that is too short to look for.
    pub(super) fn of(secret: &Secret) -> Option<Echo> {
        let key = secret.expose();
        if key.len() < KEY_BYTES_MIN {
            return None;
        }
        // As it stands, and as JSON writers may spell it; most keys have nothing to escape, and one spelling.
        let escaped = key.replace('\\', "\\\\").replace('"', "\\\"");
        let mut spellings = vec![key.to_owned(), escaped.clone()];
        spellings.extend(["\\/", "\\u002f", "\\u002F"].map(|slash| escaped.replace('/', slash)));
        spellings.dedup();
        Some(Echo(spellings.iter().map(|spelling| Finder::new(spelling).into_owned()).collect()))
    }

    /// The bytes without the key.
    pub(super) fn redacted(&self, bytes: Vec<u8>) -> Vec<u8> {
        self.0.iter().fold(bytes, without)
    }
}

fn without(bytes: Vec<u8>, spelling: &Finder) -> Vec<u8> {
    let Some(first) = spelling.find(&bytes) else { return bytes };
    let mut clean = bytes[..first].to_vec();
    let mut rest = &bytes[first..];
    while let Some(at) = spelling.find(rest) {
        clean.extend_from_slice(&rest[..at]);
        clean.extend_from_slice(REDACTED);
        rest = &rest[at + spelling.needle().len()..];
    }
    clean.extend_from_slice(rest);
    clean
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_comes_back_is_taken_out() {
        let echo = Echo::of(&Secret::new("sk-1234567")).expect("long enough");
        for (sent, left) in [
            ("", ""),
            ("nothing of it", "nothing of it"),
            ("sk-1234567", "[redacted]"),
            ("got Bearer sk-1234567, and sk-1234567sk-1234567.", "got Bearer [redacted], and [redacted][redacted]."),
        ] {
            assert_eq!(echo.redacted(sent.into()), left.as_bytes());
        }
        let odd = Echo::of(&Secret::new("sk-ab\"cd/ef")).expect("long enough");
        for sent in [r#"sk-ab"cd/ef"#, r#"sk-ab\"cd/ef"#, r#"sk-ab\"cd\/ef"#, r#"sk-ab\"cd\u002fef"#] {
            assert_eq!(odd.redacted(sent.into()), REDACTED, "{sent}");
        }
        assert_eq!(format!("{echo:?}"), "[redacted]");
        assert!(Echo::of(&Secret::new("short")).is_none());
    }
}
