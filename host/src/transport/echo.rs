use super::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use regex::bytes::{NoExpand, Regex, RegexBuilder};
use std::fmt::{self, Write as _};

/// What stands where a key was.
const REDACTED: &[u8] = b"[redacted]";
/// A text shorter than this is no key, and would be found in many an honest answer.
const KEY_BYTES_MIN: usize = 6;
/// Servers commonly take no longer header than this; a longer key is a mistake, and would be slow to look for.
const KEY_BYTES_MAX: usize = 8 << 10;
/// A key longer than this, in bytes, is a token (JWT) of characters that no format escapes; looking for more spellings of
/// each of its characters would take too long.
const DEEP_BYTES_MAX: usize = 256;
/// Bytes that the search may take in memory: enough for the longest key.
const PATTERN_BYTES_MAX: usize = 256 << 20;
/// The names of characters in HTML, of those that have one and that a key may have.
const NAMES: [(u8, &str); 6] =
    [(b'"', "quot"), (b'&', "amp"), (b'<', "lt"), (b'>', "gt"), (b'\'', "apos"), (b'/', "sol")];

/// A key as a server or a proxy may send it back: some put the headers that they received into an error. It is taken
/// out here, before a guest, a row or an error can carry it on: as it stands, in any case, in base64 and hexadecimal, and
/// with its characters as JSON, HTML and URLs write them, also one in the other. What a server makes of a key on purpose is
/// beyond any search; it has the key.
pub(super) struct Echo(Regex);

impl Echo {
    /// None for a key that is too short to look for.
    ///
    /// # Errors
    /// Where a key is so long that it cannot be looked for. Why exactly is not told: the reason would quote the key.
    pub(super) fn of(secret: &Secret) -> Result<Option<Echo>, ()> {
        let key = secret.expose();
        if key.len() < KEY_BYTES_MIN {
            return Ok(None);
        }
        if key.len() > KEY_BYTES_MAX {
            return Err(());
        }
        let pieces = [key.to_owned(), hexadecimal(key)].into_iter().chain(base64_within(key));
        let pieces = pieces
            .filter(|piece| piece.len() >= KEY_BYTES_MIN)
            .map(|piece| pattern(&piece, key.len() <= DEEP_BYTES_MAX));
        let pattern = pieces.collect::<Vec<_>>().join("|");
        // Header names come in lower case, and digits of hexadecimal in both. Bytes need not be text.
        let built =
            RegexBuilder::new(&pattern).case_insensitive(true).unicode(false).size_limit(PATTERN_BYTES_MAX).build();
        built.map(|regex| Some(Echo(regex))).map_err(drop)
    }

    /// The bytes without the key.
    pub(super) fn redacted(&self, bytes: Vec<u8>) -> Vec<u8> {
        match self.0.replace_all(&bytes, NoExpand(REDACTED)) {
            std::borrow::Cow::Borrowed(_) => bytes,
            std::borrow::Cow::Owned(clean) => clean,
        }
    }

    /// The text without the key.
    pub(super) fn redacted_text(&self, text: &str) -> String {
        // What is taken out is whole texts, so what is left is text.
        String::from_utf8_lossy(&self.redacted(text.as_bytes().to_vec())).into_owned()
    }
}

/// The pattern of a text in whatever format, and however deep in others where it is `deep`.
fn pattern(text: &str, deep: bool) -> String {
    text.bytes().map(|byte| written(byte, deep)).collect()
}

/// The pattern of a character. Letters, digits and what else no format escapes stand for themselves.
fn written(byte: u8, deep: bool) -> String {
    if byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte) {
        return regex::escape(char::from(byte).encode_utf8(&mut [0; 4]));
    }
    let itself = match byte {
        b'\\' => r"\\+".to_owned(),
        // In base64 for URLs two characters are others.
        b'+' => r"\\*[+-]".to_owned(),
        b'/' => r"\\*[/_]".to_owned(),
        _ => format!(r"\\*\x{byte:02x}"),
    };
    if !deep {
        return itself;
    }
    // In JSON in JSON there are more backslashes with each level; `&` of HTML may itself be escaped by JSON and HTML; `%` of a
    // URL by another URL.
    let ampersand = r"(?:&|\\+u0026)(?:amp;)*";
    let name = NAMES.iter().find(|(named, _)| *named == byte).map(|(_, name)| format!("|{name}")).unwrap_or_default();
    let in_html = format!("{ampersand}(?:#0*{byte}|#x0*{byte:02x}{name});");
    let itself = if byte == b'&' { ampersand.to_owned() } else { itself };
    format!(r"(?:{itself}|\\+u00{byte:02x}|{in_html}|%(?:25)*{byte:02x})")
}

fn hexadecimal(key: &str) -> String {
    key.bytes().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What of a base64 text is the key's alone where it is encoded with other bytes around it, for each of the three places
/// that it may begin at. The characters at the ends, which other bytes have part in, are left out.
fn base64_within(key: &str) -> impl Iterator<Item = String> {
    [(0, 0), (1, 2), (2, 3)].into_iter().map(move |(before, shared)| {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(key.as_bytes());
        let encoded = STANDARD_NO_PAD.encode(&bytes);
        let whole = if bytes.len().is_multiple_of(3) { encoded.len() } else { encoded.len() - 1 };
        encoded[shared..whole].to_owned()
    })
}

impl fmt::Debug for Echo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn echo(key: &str) -> Echo {
        Echo::of(&Secret::new(key)).unwrap().unwrap()
    }

    #[test]
    fn a_key_that_comes_back_is_taken_out() {
        let long = format!("eyJ{}", "aZ09-_x.bQ".repeat(100));
        assert_eq!(echo(&long).redacted_text(&long), "[redacted]");
        let echo = echo("sk-1234567");
        for (sent, left) in [
            ("", ""),
            ("nothing of it", "nothing of it"),
            ("sk-1234567", "[redacted]"),
            ("SK-1234567", "[redacted]"),
            ("got Bearer sk-1234567, and sk-1234567sk-1234567.", "got Bearer [redacted], and [redacted][redacted]."),
            ("ключ sk-1234567 не подходит", "ключ [redacted] не подходит"),
        ] {
            assert_eq!(echo.redacted(sent.into()), left.as_bytes());
            assert_eq!(echo.redacted_text(sent), left);
        }
        assert_eq!(echo.redacted(b"\xff\0sk-1234567\xfe".to_vec()), b"\xff\0[redacted]\xfe");
        assert_eq!(format!("{echo:?}"), "[redacted]");
        assert!(Echo::of(&Secret::new("short")).unwrap().is_none());
    }

    #[test]
    fn a_key_that_cannot_be_looked_for_is_refused() {
        assert!(Echo::of(&Secret::new("k".repeat(KEY_BYTES_MAX))).is_ok());
        assert!(Echo::of(&Secret::new("k".repeat(KEY_BYTES_MAX + 1))).is_err());
    }

    #[test]
    fn a_key_is_found_as_formats_spell_it() {
        let odd = echo(r#"sk-a"b\c/d&e<f"#);
        for sent in [
            r#"sk-a"b\c/d&e<f"#,
            r#"sk-a\"b\\c/d&e<f"#,
            r#"sk-a\\\"b\\\\c/d&e<f"#,
            r#"sk-a\"b\\c\/d&e<f"#,
            r#"sk-a\"b\\c\u002fd&e<f"#,
            r#"sk-a\"b\\c/d\u0026e\u003cf"#,
            r"sk-a\u0022b\u005Cc\u002Fd\u0026e\u003Cf",
            "sk-a&quot;b\\c/d&amp;e&lt;f",
            "sk-a&#34;b\\c/d&amp;e&lt;f",
            "sk-a&quot;b\\c&#x2F;d&amp;e&lt;f",
            "sk-a%22b%5Cc%2Fd%26e%3Cf",
            "sk-a%22b%5cc%2fd%26e%3cf",
            "sk-a%2522b%255Cc%252Fd%2526e%253Cf",
            r#"sk-a\\\\\\\"b\\\\\\\\c\\\/d\\\u0026e\\\u003cf"#,
            "sk-a\\u0026quot;b\\\\c/d\\u0026amp;e\\u0026lt;f",
            "sk-a&amp;quot;b&amp;#92;c&#47;d&amp;amp;e&#060;f",
        ] {
            assert_eq!(odd.redacted_text(sent), "[redacted]", "{sent}");
        }
        assert_eq!(echo("sk-1234567").redacted("736B2D31323334353637".into()), REDACTED);
    }

    #[test]
    fn a_key_is_found_in_base64_wherever_it_begins_and_ends() {
        let key = "sk-Zx9?>~q1+/Lp0";
        let echo = echo(key);
        for before in 0..7 {
            for after in 0..4 {
                let text = format!("{}{key}{}", "B".repeat(before), "z".repeat(after));
                for encoded in [
                    base64::engine::general_purpose::STANDARD.encode(&text),
                    base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(&text),
                    base64::engine::general_purpose::STANDARD.encode(&text).replace('/', "\\/"),
                ] {
                    let left = echo.redacted_text(&encoded);
                    // A character at each end has bits of other bytes, and may stay.
                    let rest = left.replace("[redacted]", "").len();
                    let others = (before + after).div_ceil(3) * 4 + 8;
                    assert!(left.contains("[redacted]") && rest <= others, "{encoded}: {left}");
                }
            }
        }
    }
}
