//! The key that must not be seen, and the spellings in which it is looked for.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};

/// Letters and digits, of which a key is made.
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
/// So many of them are no chance.
const CORE_CHARS: usize = 24;

/// A key, new in each run of a test.
pub(super) struct Canary {
    pub(super) key: String,
    /// The part of it that every format leaves as it is.
    pub(super) core: String,
    sought: Vec<(&'static str, Vec<u8>)>,
}

impl Canary {
    /// A key as vendors make them.
    pub(super) fn plain() -> Canary {
        let core = core();
        Canary::of(format!("sk-live-{core}"), core)
    }

    /// A key with characters that formats escape, as a password may have them.
    pub(super) fn odd() -> Canary {
        let core = core();
        Canary::of(format!("k\"{core}/\\+&=<'%7B>"), core)
    }

    fn of(key: String, core: String) -> Canary {
        let bytes = core.as_bytes();
        let each = |write: fn(u8) -> String| bytes.iter().map(|byte| write(*byte)).collect::<String>().into_bytes();
        let mut sought = vec![
            ("as it is", bytes.to_vec()),
            ("reversed", bytes.iter().rev().copied().collect()),
            ("in hexadecimal", each(|byte| format!("{byte:02x}"))),
            ("in percent signs", each(|byte| format!("%{byte:02x}"))),
            ("in JSON's numbers", each(|byte| format!("\\u{byte:04x}"))),
            ("as a list of numbers", bytes.iter().map(u8::to_string).collect::<Vec<_>>().join(", ").into_bytes()),
            ("in UTF-16", bytes.iter().flat_map(|byte| [*byte, 0]).collect()),
        ];
        for shift in 0..3 {
            let shifted = [&vec![0; shift], bytes].concat();
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                let encoded = engine.encode(&shifted);
                // What other bytes have part in stands at the ends.
                sought.push(("in base64", encoded[4..encoded.len() - 2].to_ascii_lowercase().into_bytes()));
            }
        }
        Canary { key, core, sought }
    }

    #[track_caller]
    pub(super) fn assert_unseen(&self, place: &str, bytes: &[u8]) {
        if let Some((spelling, at)) = self.find(bytes) {
            let around = &bytes[at.saturating_sub(200)..(at + 200).min(bytes.len())];
            panic!("the key stands {spelling} in {place}: {}", String::from_utf8_lossy(around));
        }
    }

    /// Where it is, in any case.
    fn find(&self, bytes: &[u8]) -> Option<(&'static str, usize)> {
        let folded = bytes.to_ascii_lowercase();
        self.sought
            .iter()
            .find_map(|(spelling, sought)| memchr::memmem::find(&folded, sought).map(|at| (*spelling, at)))
    }
}

/// Random by what the standard library seeds its maps with.
fn core() -> String {
    let letter = |_| {
        let random = RandomState::new().build_hasher().finish();
        // Less than 36.
        char::from(ALPHABET[usize::try_from(random % 36).expect("a small number")])
    };
    (0..CORE_CHARS).map(letter).collect()
}

#[test]
fn the_search_finds_every_spelling() {
    let Canary { key, core, .. } = &Canary::odd();
    let canary = Canary::of(key.clone(), core.clone());
    let hexadecimal = |prefix: &str| core.bytes().fold(String::new(), |text, byte| format!("{text}{prefix}{byte:02X}"));
    let mut spellings = vec![
        key.clone(),
        core.to_uppercase(),
        core.chars().rev().collect(),
        hexadecimal(""),
        hexadecimal("%"),
        hexadecimal("\\u00"),
        format!("{:?}", core.as_bytes()),
    ];
    for before in ["", "B", "Be", "Bearer "] {
        spellings.push(STANDARD_NO_PAD.encode(format!("{before}{key} and more")));
        spellings.push(URL_SAFE_NO_PAD.encode(format!("{before}{core}")));
    }
    for spelling in spellings {
        assert!(canary.find(format!("before {spelling} after").as_bytes()).is_some(), "{spelling}");
    }
    assert!(canary.find(format!("{} [redacted] sk-live-", &core[..12]).as_bytes()).is_none());
    assert_ne!(Canary::plain().core, Canary::plain().core);
}
