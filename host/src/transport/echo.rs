use super::Secret;
use aho_corasick::{AhoCorasick, MatchKind};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

/// What stands where a key was.
const REDACTED: &[u8] = b"[redacted]";
/// A text shorter than this is no key, and would be found in many an honest answer.
const KEY_BYTES_MIN: usize = 6;

/// How formats write characters that mean something to them, format by format; a key may have such characters.
const FORMATS: [&[(char, &str)]; 9] = [
    // JSON as it must be, as PHP writes it, and as Go and Gson write it, with HTML in mind.
    &[('"', "\\\""), ('\\', "\\\\")],
    &[('"', "\\\""), ('\\', "\\\\"), ('/', "\\/")],
    &[('"', "\\\""), ('\\', "\\\\"), ('&', "\\u0026"), ('<', "\\u003c"), ('>', "\\u003e")],
    &[
        ('"', "\\\""),
        ('\\', "\\\\"),
        ('&', "\\u0026"),
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('=', "\\u003d"),
        ('\'', "\\u0027"),
    ],
    // JSON with numbers for whatever may be written so.
    &[
        ('"', "\\u0022"),
        ('\\', "\\u005c"),
        ('/', "\\u002f"),
        ('&', "\\u0026"),
        ('<', "\\u003c"),
        ('>', "\\u003e"),
        ('=', "\\u003d"),
        ('\'', "\\u0027"),
    ],
    &[('"', "\\\""), ('\\', "\\\\"), ('/', "\\u002f")],
    // HTML and XML by the writers of PHP, Python and Go, and by templates.
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#x27;"), ('/', "&#x2f;"), ('=', "&#x3d;")],
    &[('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&#34;"), ('\'', "&#39;"), ('+', "&#43;")],
];

/// A key as a server or a proxy may send it back: some put the headers that they received into an error. It is taken
/// out here, before a guest, a row or an error can carry it on: as it stands, in any case, and as JSON, HTML, URLs,
/// base64 and hexadecimal spell it. What a server makes of a key on purpose is beyond any search; it has the key.
pub(super) struct Echo(AhoCorasick);

impl Echo {
    /// None for a key that is too short to look for.
    pub(super) fn of(secret: &Secret) -> Option<Echo> {
        let key = secret.expose();
        if key.len() < KEY_BYTES_MIN {
            return None;
        }
        let searched = AhoCorasick::builder()
            // Header names come in lower case, and digits of hexadecimal in both.
            .ascii_case_insensitive(true)
            .match_kind(MatchKind::LeftmostLongest)
            .build(spellings(key));
        searched.ok().map(Echo)
    }

    /// The bytes without the key.
    pub(super) fn redacted(&self, bytes: Vec<u8>) -> Vec<u8> {
        if self.0.is_match(&bytes) { self.0.replace_all_bytes(&bytes, &vec![REDACTED; self.0.patterns_len()]) } else { bytes }
    }

    /// The text without the key.
    pub(super) fn redacted_text(&self, text: &str) -> String {
        // What is taken out is whole texts, so what is left is text.
        String::from_utf8_lossy(&self.redacted(text.as_bytes().to_vec())).into_owned()
    }
}

/// The ways to spell a key; most keys have nothing to escape, and few.
fn spellings(key: &str) -> BTreeSet<String> {
    let hexadecimal = key.bytes().fold(String::new(), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    });
    let in_url = url::form_urlencoded::byte_serialize(key.as_bytes()).collect::<String>();
    let mut all: BTreeSet<_> = [key.to_owned(), hexadecimal, in_url].into();
    for encoded in base64_within(key) {
        all.insert(encoded.replace('+', "-").replace('/', "_"));
        all.extend(escaped(&encoded));
    }
    all.extend(escaped(key));
    all.retain(|spelling| spelling.len() >= KEY_BYTES_MIN);
    all
}

/// The text in each format, and once more in JSON, as a message in a message.
fn escaped(text: &str) -> impl Iterator<Item = String> {
    let once = FORMATS.iter().map(move |format| written(text, format));
    once.flat_map(|once| [written(&once, FORMATS[0]), once])
}

fn written(text: &str, format: &[(char, &str)]) -> String {
    text.chars().fold(String::new(), |mut written, char| {
        match format.iter().find(|(special, _)| *special == char) {
            Some((_, instead)) => written.push_str(instead),
            None => written.push(char),
        }
        written
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
        Echo::of(&Secret::new(key)).unwrap()
    }

    #[test]
    fn a_key_that_comes_back_is_taken_out() {
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
        assert!(Echo::of(&Secret::new("short")).is_none());
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
            r#"sk-a\u0022b\u005Cc\u002Fd\u0026e\u003Cf"#,
            "sk-a&quot;b\\c/d&amp;e&lt;f",
            "sk-a&#34;b\\c/d&amp;e&lt;f",
            "sk-a&quot;b\\c&#x2F;d&amp;e&lt;f",
            "sk-a%22b%5Cc%2Fd%26e%3Cf",
            "sk-a%22b%5cc%2fd%26e%3cf",
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
