//! What an answer cost, read from a response. A count that the server does not report stays unknown.

use crate::Usage;
use serde_json::Value;

const MICRO_USD: f64 = 1_000_000.0;

/// The `usage` object of OpenAI's chat completions, and of the many servers that speak it: `prompt_tokens` (cached
/// ones included), `completion_tokens` (reasoning included), and `cost` in US dollars where a server adds it.
pub fn openai(usage: &Value) -> Usage {
    Usage {
        input_tokens: usage["prompt_tokens"].as_u64(),
        cached_input_tokens: usage["prompt_tokens_details"]["cached_tokens"].as_u64(),
        output_tokens: usage["completion_tokens"].as_u64(),
        cost_micro_usd: usage["cost"].as_f64().and_then(micro_usd),
    }
}

/// Two costs together. What neither reports stays unknown.
pub fn sum(one: Usage, other: Usage) -> Usage {
    let add = |one: Option<u64>, other: Option<u64>| match (one, other) {
        (Some(one), Some(other)) => Some(one.saturating_add(other)),
        (known, None) | (None, known) => known,
    };
    Usage {
        input_tokens: add(one.input_tokens, other.input_tokens),
        cached_input_tokens: add(one.cached_input_tokens, other.cached_input_tokens),
        output_tokens: add(one.output_tokens, other.output_tokens),
        cost_micro_usd: add(one.cost_micro_usd, other.cost_micro_usd),
    }
}

/// US dollars in millionths; none for what is no amount of money.
pub fn micro_usd(dollars: f64) -> Option<u64> {
    let micro = (dollars * MICRO_USD).round();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the range is checked beside it")]
    (0.0..1e15).contains(&micro).then_some(micro as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn missing_counts_are_unknown_and_not_zero() {
        assert_eq!(openai(&Value::Null), Usage::default());
        assert_eq!(openai(&json!({ "prompt_tokens": null, "completion_tokens": "7" })), Usage::default());
        let all = json!({ "prompt_tokens": 10, "prompt_tokens_details": { "cached_tokens": 4 },
            "completion_tokens": 0, "cost": 0.000_123_4 });
        let expected = Usage {
            input_tokens: Some(10),
            cached_input_tokens: Some(4),
            output_tokens: Some(0),
            cost_micro_usd: Some(123),
        };
        assert_eq!(openai(&all), expected);
        assert_eq!(micro_usd(-1.0), None);
        assert_eq!(micro_usd(f64::NAN), None);
    }
}
