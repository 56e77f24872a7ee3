//! Ids for new clusters, out of names in any script.

use sha2::{Digest, Sha256};

/// An id is no longer than this; all of it is ASCII, so bytes are characters.
pub(super) const SLUG_BYTES_MAX: usize = 64;

/// A name as an id: transliterated, lower case, words joined by `_`. Never empty: a name without a letter or
/// digit gets an id from its hash, so that the same name gets the same id.
pub(super) fn slug(name: &str) -> String {
    let mut slug = String::new();
    for letter in any_ascii::any_ascii(name).chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter.to_ascii_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('_') {
            slug.push('_');
        }
    }
    slug.truncate(SLUG_BYTES_MAX);
    slug.truncate(slug.trim_end_matches('_').len());
    if slug.is_empty() { format!("cluster_{}", short_hash(name)) } else { slug }
}

/// The `n`-th id of a name whose first one is taken, still within the bound.
pub(super) fn numbered(slug: &str, n: u64) -> String {
    let suffix = format!("_{n}");
    let kept = slug.len().min(SLUG_BYTES_MAX - suffix.len());
    format!("{}{suffix}", slug[..kept].trim_end_matches('_'))
}

/// The first eight hex digits of the text's SHA-256.
fn short_hash(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    format!("{:08x}", u32::from_be_bytes([hash[0], hash[1], hash[2], hash[3]]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_script_become_ids() {
        for (name, expected) in [
            ("Card payment", "card_payment"),
            ("  Refund -- not   shown!  ", "refund_not_shown"),
            ("ALREADY_a_slug_2", "already_a_slug_2"),
            ("Возврат денег", "vozvrat_deneg"),
            ("Überweisung", "uberweisung"),
            ("退款", "tuikuan"),
            ("カード", "kado"),
            ("😀", "grinning"),
            ("", "cluster_e3b0c442"),
            ("!?…", "cluster_0bc9572f"),
        ] {
            assert_eq!(slug(name), expected, "{name}");
        }
    }

    /// The ancestor's rule: `re.sub(r"[^a-z0-9]+", "_", name.lower()).strip("_")`.
    fn ancestors(name: &str) -> String {
        let lower = name.to_ascii_lowercase();
        let is_kept = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
        let runs = lower.split(|letter| !is_kept(letter)).filter(|run| !run.is_empty());
        runs.collect::<Vec<_>>().join("_")
    }

    #[test]
    fn latin_names_get_the_ids_that_the_ancestor_gave() {
        #[derive(serde::Deserialize)]
        struct Intent {
            name: String,
        }
        let intents = include_str!("../../../examples/banking77/clusters.jsonl").lines();
        let intents: Vec<Intent> = intents.map(|line| serde_json::from_str(line).expect("a cluster")).collect();
        assert_eq!(intents.len(), 77);
        for Intent { name } in intents {
            assert_eq!(slug(&name), ancestors(&name), "{name}");
        }
        for (name, expected) in [("Why?", "why"), ("__A--b  C_", "a_b_c"), ("\tx\n2\u{7f}", "x_2"), ("(A/B)", "a_b")] {
            assert_eq!((slug(name).as_str(), ancestors(name).as_str()), (expected, expected), "{name:?}");
        }
        let mut rng = fastrand::Rng::with_seed(77);
        for _ in 0..10_000 {
            let name: String = (0..rng.usize(1..=SLUG_BYTES_MAX)).map(|_| char::from(rng.u8(..128))).collect();
            let id = ancestors(&name);
            // Of a name without a letter or digit the ancestor made an empty id.
            assert!(if id.is_empty() { slug(&name).starts_with("cluster_") } else { slug(&name) == id }, "{name:?}");
        }
    }

    #[test]
    fn long_names_are_cut_within_the_bound_and_end_in_a_letter() {
        let long = slug(&"a".repeat(200));
        assert_eq!(long.len(), SLUG_BYTES_MAX);
        assert_eq!(numbered(&long, 12).len(), SLUG_BYTES_MAX);
        let cut_at_a_gap = slug(&format!("{} tail", "b".repeat(SLUG_BYTES_MAX - 1)));
        assert_eq!(cut_at_a_gap, "b".repeat(SLUG_BYTES_MAX - 1));
        assert_eq!(numbered("refund", 2), "refund_2");
    }
}
