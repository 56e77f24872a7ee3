//! What a server tells of its rates, for the host that paces the calls: headers of three vendors, made into extras of an
//! answer or a fault. All values are whole numbers; what a server does not tell has no extra.
//!
//! | extra | value |
//! | --- | --- |
//! | `rate-requests-limit` | requests that the server grants a minute |
//! | `rate-requests-remaining` | those that are left of them |
//! | `rate-requests-reset-ms` | milliseconds from the response on until all of them are there again |
//! | `rate-tokens-limit`, `rate-tokens-remaining`, `rate-tokens-reset-ms` | the same of tokens |

use crate::{Extra, Fault, HttpResponse, Step, http};
use std::borrow::Cow;
use std::time::UNIX_EPOCH;

/// Epochs are told in seconds or milliseconds; as seconds this would be the year 5138.
const EPOCH_MS_MIN: u64 = 100_000_000_000;
/// A plain `x-ratelimit-reset` that is smaller is no moment but a time to wait, in seconds.
const EPOCH_SECONDS_MIN: u64 = 1_000_000_000;
const MINUTE_MS: u64 = 60_000;

/// How much of one thing is granted and left.
#[derive(Clone, Copy, Default)]
struct Allowance {
    limit: Option<u64>,
    remaining: Option<u64>,
    reset_ms: Option<u64>,
}

/// The extras of a response; empty where the server tells nothing.
pub fn extras(response: &HttpResponse) -> Vec<Extra> {
    extras_by(response, |name| http::header(response, name).map(Cow::Borrowed))
}

/// The same, with headers that stand elsewhere: `header` is given names in lower case. Moments are counted from the
/// response's own `date`, as a provider has no clock.
///
/// Read are `x-ratelimit-limit-requests` and its like (OpenAI), `anthropic-ratelimit-requests-limit` and its like, and
/// `x-ratelimit-limit` and its like (OpenRouter).
pub fn extras_by<'a>(response: &HttpResponse, header: impl Fn(&str) -> Option<Cow<'a, str>>) -> Vec<Extra> {
    let now_ms = http::header(response, "date").and_then(|date| {
        let date = httpdate::parse_http_date(date).ok()?;
        u64::try_from(date.duration_since(UNIX_EPOCH).ok()?.as_millis()).ok()
    });
    let openai = |what: &str| read(|part| header(&format!("x-ratelimit-{part}-{what}")), http::duration);
    let anthropic = |what: &str| {
        let reset = |text: &str| Some(rfc_3339_ms(text)?.saturating_sub(now_ms?));
        read(|part| header(&format!("anthropic-ratelimit-{what}-{part}")), reset)
    };
    let plain = || per_minute(read(|part| header(&format!("x-ratelimit-{part}")), |text| plain_reset(text, now_ms)));
    let requests = openai("requests").or_else(|| anthropic("requests")).or_else(plain);
    let tokens = openai("tokens").or_else(|| {
        let parts = [anthropic("input-tokens"), anthropic("output-tokens")];
        anthropic_tokens(anthropic("tokens"), parts)
    });
    [("requests", requests), ("tokens", tokens)].into_iter().flat_map(|(what, found)| named(what, found)).collect()
}

/// What a response means, with what its headers tell of rates among the extras.
pub fn told(response: &HttpResponse, meaning: Result<Step, Fault>) -> Result<Step, Fault> {
    match meaning {
        Ok(Step::Done(mut answer)) => {
            answer.extras.extend(extras(response));
            Ok(Step::Done(answer))
        }
        Ok(step) => Ok(step),
        // A provider that has read them elsewhere has its say.
        Err(mut fault) => {
            if !fault.extras.iter().any(|(name, _)| name.starts_with("rate-")) {
                fault.extras.extend(extras(response));
            }
            Err(fault)
        }
    }
}

/// The three headers of one thing; none where the server has none of them.
fn read<'a>(header: impl Fn(&str) -> Option<Cow<'a, str>>, reset: impl Fn(&str) -> Option<u64>) -> Option<Allowance> {
    let number = |part: &str| header(part)?.trim().parse().ok();
    let reset_ms = header("reset").and_then(|text| reset(text.trim()));
    let found = Allowance { limit: number("limit"), remaining: number("remaining"), reset_ms };
    (found.limit.is_some() || found.remaining.is_some() || found.reset_ms.is_some()).then_some(found)
}

/// All tokens together, as the server counts them or else by their parts. Where a part is used up, so is the whole:
/// no call goes without both.
fn anthropic_tokens(whole: Option<Allowance>, parts: [Option<Allowance>; 2]) -> Option<Allowance> {
    let [Some(input), Some(output)] = parts else { return whole.or(parts[0]).or(parts[1]) };
    let sum = |one: Option<u64>, other: Option<u64>| Some(one?.saturating_add(other?));
    let sum = Allowance {
        limit: sum(input.limit, output.limit),
        remaining: sum(input.remaining, output.remaining),
        reset_ms: input.reset_ms.max(output.reset_ms),
    };
    let used_up = [input, output].into_iter().filter(|part| part.remaining == Some(0));
    let whole = whole.unwrap_or(sum);
    match used_up.map(|part| part.reset_ms).max() {
        Some(reset_ms) => Some(Allowance { remaining: Some(0), reset_ms, ..whole }),
        None => Some(whole),
    }
}

/// OpenRouter limits its free models by the minute and by the day, with the same headers. The limit of a day is none
/// of a minute.
fn per_minute(found: Option<Allowance>) -> Option<Allowance> {
    let found = found?;
    let is_of_a_minute = found.reset_ms.is_some_and(|reset_ms| reset_ms <= MINUTE_MS);
    Some(Allowance { limit: found.limit.filter(|_| is_of_a_minute), ..found })
}

/// Milliseconds or seconds of the epoch, or seconds from now on.
fn plain_reset(text: &str, now_ms: Option<u64>) -> Option<u64> {
    match text.parse::<u64>() {
        Ok(epoch_ms @ EPOCH_MS_MIN..) => Some(epoch_ms.saturating_sub(now_ms?)),
        Ok(epoch @ EPOCH_SECONDS_MIN..) => Some((epoch * 1000).saturating_sub(now_ms?)),
        _ => http::duration(text),
    }
}

fn named(what: &str, found: Option<Allowance>) -> impl Iterator<Item = Extra> {
    let Allowance { limit, remaining, reset_ms } = found.unwrap_or_default();
    let parts = [("limit", limit), ("remaining", remaining), ("reset-ms", reset_ms)];
    parts.map(|(part, value)| Some((format!("rate-{what}-{part}"), value?.to_string()))).into_iter().flatten()
}

/// A moment such as `2026-01-01T00:00:00Z`, `2026-01-01T01:00:00.5+01:00`, in milliseconds of the epoch, rounded up to a
/// second: coming back early is what was asked not to happen.
fn rfc_3339_ms(text: &str) -> Option<u64> {
    let (date, time) = text.split_once(['T', 't', ' '])?;
    let [year, month, day] = numbers(date, '-')?;
    let zone_at = time.find(['Z', 'z', '+', '-'])?;
    let (clock, zone) = time.split_at(zone_at);
    let (clock, fraction) = clock.split_once('.').unwrap_or((clock, ""));
    let [hour, minute, second] = numbers(clock, ':')?;
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) || hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let begun = i64::from(fraction.contains(|digit: char| ('1'..='9').contains(&digit)));
    let seconds = days(year, month, day) * 86_400 + hour * 3600 + minute * 60 + second + begun - offset(zone)?;
    u64::try_from(seconds).ok()?.checked_mul(1000)
}

/// Seconds that a zone is ahead.
fn offset(zone: &str) -> Option<i64> {
    let sign = match zone.as_bytes() {
        b"Z" | b"z" => return Some(0),
        [b'+', ..] => 1,
        _ => -1,
    };
    let (hours, minutes) = zone[1..].split_once(':')?;
    Some(sign * (number(hours)? * 3600 + number(minutes)? * 60))
}

fn numbers(text: &str, between: char) -> Option<[i64; 3]> {
    let mut parts = text.split(between).map(number);
    let found = [parts.next()??, parts.next()??, parts.next()??];
    parts.next().is_none().then_some(found)
}

fn number(text: &str) -> Option<i64> {
    let is_plain = (1..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
    is_plain.then(|| text.parse().ok()).flatten()
}

/// Days from the first of the epoch, by the calendar whose year begins in March: leap days come last, so that a month's
/// beginning is a formula.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + day_of_year - 719_468
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::response;

    const DATE: (&str, &str) = ("date", "Thu, 01 Jan 2026 00:00:00 GMT");

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: &[(&str, &str)]) {
        let found = extras(&response(200, headers, ""));
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{headers:?}");
    }

    #[test]
    fn openais_headers_are_read() {
        check(
            &[
                ("x-ratelimit-limit-requests", "500"),
                ("x-ratelimit-remaining-requests", "499"),
                ("x-ratelimit-reset-requests", "120ms"),
                ("x-ratelimit-limit-tokens", "200000"),
                ("x-ratelimit-remaining-tokens", "0"),
                ("x-ratelimit-reset-tokens", "6m0.5s"),
            ],
            &[
                ("rate-requests-limit", "500"),
                ("rate-requests-remaining", "499"),
                ("rate-requests-reset-ms", "120"),
                ("rate-tokens-limit", "200000"),
                ("rate-tokens-remaining", "0"),
                ("rate-tokens-reset-ms", "360500"),
            ],
        );
    }

    #[test]
    fn anthropics_headers_are_read() {
        let requests = [
            ("anthropic-ratelimit-requests-limit", "50"),
            ("anthropic-ratelimit-requests-remaining", "49"),
            ("anthropic-ratelimit-requests-reset", "2026-01-01T00:00:02Z"),
        ];
        let found = [("rate-requests-limit", "50"), ("rate-requests-remaining", "49")];
        check(&[&requests[..], &[DATE]].concat(), &[&found[..], &[("rate-requests-reset-ms", "2000")]].concat());
        check(&requests, &found);
    }

    #[test]
    fn tokens_are_those_of_prompt_and_answer_and_gone_where_either_is() {
        let whole = [("anthropic-ratelimit-tokens-limit", "90000"), ("anthropic-ratelimit-tokens-remaining", "88000")];
        let input = [
            ("anthropic-ratelimit-input-tokens-limit", "80000"),
            ("anthropic-ratelimit-input-tokens-remaining", "79000"),
            ("anthropic-ratelimit-input-tokens-reset", "2026-01-01T00:00:01Z"),
        ];
        let output = |remaining| {
            [
                ("anthropic-ratelimit-output-tokens-limit", "10000"),
                ("anthropic-ratelimit-output-tokens-remaining", remaining),
                ("anthropic-ratelimit-output-tokens-reset", "2026-01-01T00:00:30Z"),
                DATE,
            ]
        };
        let found = |remaining, reset: Option<&'static str>| {
            let told = [("rate-tokens-limit", "90000"), ("rate-tokens-remaining", remaining)];
            told.into_iter().chain(reset.map(|reset| ("rate-tokens-reset-ms", reset))).collect::<Vec<_>>()
        };
        check(&[&whole[..], &input, &output("9000")].concat(), &found("88000", None));
        check(&[&whole[..], &input, &output("0")].concat(), &found("0", Some("30000")));
        check(&[&input[..], &output("9000")].concat(), &found("88000", Some("30000")));
        check(&[&input[..], &output("0")].concat(), &found("0", Some("30000")));
        check(&whole, &found("88000", None));
    }

    #[test]
    fn openrouters_headers_are_read() {
        let headers =
            |reset| [("x-ratelimit-limit", "20"), ("x-ratelimit-remaining", "0"), ("x-ratelimit-reset", reset), DATE];
        let gone = ("rate-requests-remaining", "0");
        for reset in ["1767225630000", "1767225630", "30"] {
            check(&headers(reset), &[("rate-requests-limit", "20"), gone, ("rate-requests-reset-ms", "30000")]);
        }
        // The day's allowance.
        check(&headers("1767268800000"), &[gone, ("rate-requests-reset-ms", "43200000")]);
    }

    #[test]
    fn what_makes_no_sense_is_left_out() {
        check(&[], &[]);
        check(&[("x-ratelimit-limit-requests", "many"), ("x-ratelimit-reset-requests", "soon")], &[]);
        check(&[("x-ratelimit-remaining-tokens", "-7"), ("x-ratelimit-limit-tokens", "1e9")], &[]);
        for reset in
            ["", "T", "2026-13-01T00:00:00Z", "2026-01-01T00:00:00", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+1"]
        {
            check(&[("anthropic-ratelimit-requests-reset", reset), DATE], &[]);
        }
    }

    #[test]
    fn moments_are_counted_by_the_calendar() {
        for (text, seconds) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2000-02-29T12:00:00Z", 951_825_600),
            ("2024-12-31T23:59:59Z", 1_735_689_599),
            ("2026-01-01T01:30:00+01:30", 1_767_225_600),
            ("2025-12-31t19:00:00.000-05:00", 1_767_225_600),
            ("2026-01-01 00:00:00.25z", 1_767_225_601),
        ] {
            assert_eq!(rfc_3339_ms(text), Some(seconds * 1000), "{text}");
        }
    }

    #[test]
    fn answers_and_faults_carry_them() {
        let limited = response(429, &[("x-ratelimit-remaining-requests", "0")], "");
        let extra = ("rate-requests-remaining".to_owned(), "0".to_owned());
        let fault = told(&limited, Err(crate::error::fault(&limited))).expect_err("it is a fault");
        assert_eq!(fault.extras, std::slice::from_ref(&extra));
        let Err(twice) = told(&limited, Err(fault)) else { panic!("it is a fault") };
        assert_eq!(twice.extras.len(), 1);
        let Ok(Step::Done(answer)) = told(&limited, Ok(Step::Done(crate::Answer::default()))) else {
            panic!("it is an answer")
        };
        assert_eq!(answer.extras, [extra]);
    }
}
