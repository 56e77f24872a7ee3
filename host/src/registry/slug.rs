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
