//! Where two JSON values part, in words.

use serde_json::Value;

/// Characters of a value that are shown.
const SHOWN_CHARS_MAX: usize = 160;

/// The first place where they differ, also in the order of keys; none where they are spelled alike.
pub(super) fn between(wanted: &Value, found: &Value) -> Option<String> {
    let (one, other) = (wanted.to_string(), found.to_string());
    if one == other {
        return None;
    }
    match (wanted, found) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = |map: &serde_json::Map<String, Value>| map.keys().cloned().collect::<Vec<_>>();
            let inner = one.iter().find_map(|(key, value)| {
                let difference = between(value, other.get(key)?)?;
                Some(format!(".{key}{difference}"))
            });
            let lacking = one.keys().find(|key| !other.contains_key(*key));
            let lacking = lacking.map(|key| format!(" lacks `{key}`: {}", short(&one[key])));
            let extra = other.keys().find(|key| !one.contains_key(*key));
            let extra = extra.map(|key| format!(" has `{key}` besides: {}", short(&other[key])));
            let order = || format!(" has its keys in another order: {:?}, wanted {:?}", keys(other), keys(one));
            Some(inner.or(lacking).or(extra).unwrap_or_else(order))
        }
        (Value::Array(one), Value::Array(other)) => {
            let inner = one.iter().zip(other).enumerate().find_map(|(n, (one, other))| {
                let difference = between(one, other)?;
                Some(format!("[{n}]{difference}"))
            });
            Some(inner.unwrap_or_else(|| format!(" has {} items, wanted {}", other.len(), one.len())))
        }
        (Value::String(one), Value::String(other)) => {
            let at = one.char_indices().zip(other.chars()).find(|((_, one), other)| one != other);
            let at = at.map_or(one.len().min(other.len()), |((at, _), _)| at);
            let around = |text: &str| short(&text[text.floor_char_boundary(at.saturating_sub(20))..].into());
            Some(format!(" differs at byte {at}: {}, wanted {}", around(other), around(one)))
        }
        _ => Some(format!(" is {}, wanted {}", short(found), short(wanted))),
    }
}

/// The start of a value's text.
pub(super) fn short(value: &Value) -> String {
    let text = value.to_string();
    match text.char_indices().nth(SHOWN_CHARS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_place_is_named() {
        for (wanted, found, told) in [
            (
                json!({ "a": [1, { "b": "xyz" }] }),
                json!({ "a": [1, { "b": "xay" }] }),
                Some(".a[1].b differs at byte 1"),
            ),
            (json!({ "a": 1 }), json!({ "a": 1, "b": 2 }), Some(" has `b` besides: 2")),
            (json!({ "a": 1, "b": 2 }), json!({ "a": 1 }), Some(" lacks `b`: 2")),
            (json!({ "a": 1, "b": 2 }), json!({ "b": 2, "a": 1 }), Some(" has its keys in another order")),
            (json!([1]), json!([1, 2]), Some(" has 2 items, wanted 1")),
            (json!(null), json!(0), Some(" is 0, wanted null")),
            (json!(0.0), json!(0), Some(" is 0, wanted 0.0")),
            (json!("aж"), json!("aжb"), Some(" differs at byte 3")),
            (json!({ "a": [1] }), json!({ "a": [1] }), None),
        ] {
            let difference = between(&wanted, &found);
            assert_eq!(difference.is_some(), told.is_some());
            let difference = difference.unwrap_or_default();
            assert!(difference.starts_with(told.unwrap_or_default()), "{difference}");
        }
    }
}
