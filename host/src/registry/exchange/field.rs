//! Fields that are written in more than one way. Each returns the value, or a sentence that names the ways there are.

use crate::model::{ClusterId, ClusterStatus};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::de::Error;
use serde::{Deserialize, Deserializer};

/// The words for a status, ours first.
const STATUS_WORDS: [(&str, ClusterStatus); 5] = [
    ("tentative", ClusterStatus::Tentative),
    ("confirmed", ClusterStatus::Confirmed),
    ("active", ClusterStatus::Confirmed),
    ("retired", ClusterStatus::Retired),
    ("deprecated", ClusterStatus::Retired),
];

/// A status by its word.
pub(super) fn status_of(word: &str) -> Result<ClusterStatus, String> {
    let known = STATUS_WORDS.iter().find(|(known, _)| known.eq_ignore_ascii_case(word));
    known.map(|(_, status)| *status).ok_or_else(|| {
        let words: Vec<String> = STATUS_WORDS.iter().map(|(word, _)| format!("`{word}`")).collect();
        format!("not a status: `{word}`; there are {}", words.join(", "))
    })
}

/// The word that we write for a status.
pub(super) fn word_of(status: ClusterStatus) -> &'static str {
    match status {
        ClusterStatus::Tentative => "tentative",
        ClusterStatus::Confirmed => "confirmed",
        ClusterStatus::Retired => "retired",
    }
}

/// A time in RFC 3339 and UTC. One without an offset, as Python's `isoformat()` writes it, is taken to be in UTC.
pub(super) fn timestamp_of(text: &str) -> Result<String, String> {
    let exact = text.parse::<Timestamp>();
    let time = exact.or_else(|_| Ok(text.parse::<DateTime>()?.to_zoned(TimeZone::UTC)?.timestamp()));
    time.map(|time| time.to_string())
        .map_err(|_: jiff::Error| format!("not a time: `{text}`; write it like `2026-01-31T12:00:00Z`"))
}

/// A cluster's id: a text, or a number as its text.
pub(in crate::registry) fn id<'de, D: Deserializer<'de>>(input: D) -> Result<ClusterId, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "the cluster's id must be a text or a number")]
    enum Id {
        Text(String),
        Number(serde_json::Number),
    }
    Ok(match Id::deserialize(input)? {
        Id::Text(text) => text,
        Id::Number(number) => number.to_string(),
    })
}

/// A cluster's status; none where it is null or empty.
pub(in crate::registry) fn status<'de, D: Deserializer<'de>>(input: D) -> Result<Option<ClusterStatus>, D::Error> {
    optional(input, status_of)
}

/// A time; none where it is null or empty.
pub(in crate::registry) fn timestamp<'de, D: Deserializer<'de>>(input: D) -> Result<Option<String>, D::Error> {
    optional(input, timestamp_of)
}

fn optional<'de, D: Deserializer<'de>, T>(
    input: D,
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Option<T>, D::Error> {
    let text = Option::<String>::deserialize(input)?.filter(|text| !text.is_empty());
    text.map(|text| read(&text)).transpose().map_err(D::Error::custom)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_brought_to_utc() {
        for (text, expected) in [
            ("2026-01-31T12:00:00Z", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31T12:00:00.120Z", Some("2026-01-31T12:00:00.12Z")),
            ("2026-01-31T15:00:00+03:00", Some("2026-01-31T12:00:00Z")),
            ("2026-01-31T12:00:00.123456", Some("2026-01-31T12:00:00.123456Z")),
            ("yesterday", None),
        ] {
            assert_eq!(timestamp_of(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn unknown_status_words_are_refused_with_the_known_ones() {
        assert_eq!(status_of("Active"), Ok(ClusterStatus::Confirmed));
        assert_eq!(status_of("deprecated"), Ok(ClusterStatus::Retired));
        let refused = status_of("merged").err().unwrap_or_default();
        assert!(refused.contains("`merged`") && refused.contains("`tentative`"), "{refused}");
    }
}
