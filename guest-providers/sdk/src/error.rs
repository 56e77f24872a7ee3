//! What a server says when it does not answer: its error body in any of the usual shapes, the kind of fault that a
//! status stands for, and the server's words made short enough to show. Where they repeat the prompt, the host leaves them out.

use crate::{Fault, FaultKind, HttpResponse, http};
use serde_json::Value;

/// Characters of the server's words that a message may hold.
const MESSAGE_CHARS_MAX: usize = 300;
/// Bytes of the server's words that are looked at: what they say, they say early, and some repeat a whole prompt after it.
const WORDS_BYTES_MAX: usize = 16 << 10;
/// Characters of a code.
const CODE_CHARS_MAX: usize = 80;
/// The code of a fault by which the host knows that memory ran out.
pub const OUT_OF_MEMORY_CODE: &str = "out-of-memory";
/// How it is said: "CUDA out of memory", "CUDA error: out of memory", "cudaMalloc failed: out of memory" (llama.cpp,
/// Ollama), "torch.OutOfMemoryError" (vLLM, Triton's Python backend), "model requires more system memory" (Ollama).
const OUT_OF_MEMORY: [&str; 3] = ["out of memory", "outofmemoryerror", "requires more system memory"];

/// An error as the server words it, whatever the shape of its body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerError {
    /// The sentence.
    pub message: Option<String>,
    /// Its type, such as `invalid_request_error`.
    pub kind: Option<String>,
    /// Its code, such as `model_not_found`; a number is given as text.
    pub code: Option<String>,
    /// The parameter at fault.
    pub param: Option<String>,
}

impl ServerError {
    /// Reads `{"error": "text"}`, `{"error": {"message", "type", "param", "code"}}`, the flat
    /// `{"object": "error", "message", ...}` and `{"detail": ...}`. None where the body has none of them: also to be
    /// tried on a body of status 200, where some servers put what failed while the model ran.
    pub fn read(body: &Value) -> Option<Self> {
        match &body["error"] {
            Value::String(text) => return Some(ServerError { message: Some(beginning(text)), ..Default::default() }),
            error @ Value::Object(_) => return Some(Self::from_object(error)),
            _ => {}
        }
        if body["object"] == "error" || body["type"] == "error" {
            return Some(Self::from_object(body));
        }
        match &body["detail"] {
            Value::Null => None,
            Value::String(text) => Some(ServerError { message: Some(beginning(text)), ..Default::default() }),
            list @ Value::Array(_) => Some(ServerError { message: first_complaint(list), ..Default::default() }),
            detail => Some(Self::from_object(detail)),
        }
    }

    fn from_object(error: &Value) -> Self {
        let text = |name: &str| match &error[name] {
            Value::String(text) if !text.is_empty() => Some(beginning(text)),
            Value::Number(number) => Some(number.to_string()),
            _ => None,
        };
        // Mistral's API puts FastAPI's list into the message.
        let message = text("message").or_else(|| first_complaint(&error["message"]["detail"]));
        ServerError { message, kind: text("type"), code: text("code"), param: text("param") }
    }

    /// Whether code or type is this word.
    pub fn is(&self, word: &str) -> bool {
        self.code.as_deref() == Some(word) || self.kind.as_deref() == Some(word)
    }

    /// Whether the sentence says that the memory of a card, or of the machine, did not hold what was asked for.
    pub fn is_out_of_memory(&self) -> bool {
        OUT_OF_MEMORY.iter().any(|words| self.says(words))
    }

    /// Whether the sentence contains these words, in any case.
    pub fn says(&self, words: &str) -> bool {
        self.message.as_deref().is_some_and(|message| message.to_lowercase().contains(&words.to_lowercase()))
    }
}

/// Of FastAPI's list of what does not validate the first; each names its place and may repeat the input.
fn first_complaint(list: &Value) -> Option<String> {
    list[0]["msg"].as_str().map(beginning)
}

/// What of a text is looked at.
fn beginning(text: &str) -> String {
    text[..text.floor_char_boundary(WORDS_BYTES_MAX)].to_owned()
}

/// What a status stands for where the body says nothing finer.
pub fn kind_of_status(status: u16) -> FaultKind {
    match status {
        401 | 403 => FaultKind::Credentials,
        402 => FaultKind::Quota,
        408 | 504 | 524 => FaultKind::TimedOut,
        413 => FaultKind::TooLong,
        429 => FaultKind::RateLimited,
        501 => FaultKind::Unsupported,
        503 | 529 => FaultKind::Overloaded,
        // A conflict and a request that came too early pass by themselves.
        409 | 425 | 500..=599 => FaultKind::Unavailable,
        // Redirects too: the host does not follow them, so the endpoint is not the right one.
        300..=499 => FaultKind::InvalidRequest,
        _ => FaultKind::Other,
    }
}

/// The fault that a response of an error status stands for: kind by status, the server's code, words and wait. The
/// caller refines the kind where its API says more, with [`ServerError::read`].
pub fn fault(response: &HttpResponse) -> Fault {
    let error = serde_json::from_str(http::text(response).trim()).ok().and_then(|body| ServerError::read(&body));
    let error = error.unwrap_or_default();
    let mut fault = named(kind_of_status(response.status), response.status, &error);
    fault.retry_after_ms = http::retry_after(response);
    match response.status {
        300..=399 => fault.hint("the endpoint redirects elsewhere: give its final address by `--endpoint`"),
        401 | 403 => fault.hint("check the key, and that `--api-key-env` names the environment variable that holds it"),
        404 if error.is("model_not_found") || error.says("model") => Fault { kind: FaultKind::ModelNotFound, ..fault },
        404 | 405 => fault.hint("this path is unknown to the server: check `--endpoint`"),
        _ => fault,
    }
}

/// A fault of a kind in the server's own words, for what came with this status. Where they say that memory ran out, the
/// code says so too, as the host then asks for less at once. Not where the request is at fault: such words may repeat it.
pub fn named(kind: FaultKind, status: u16, error: &ServerError) -> Fault {
    let by_trouble =
        matches!(kind, FaultKind::Overloaded | FaultKind::Unavailable | FaultKind::TimedOut | FaultKind::Other);
    if by_trouble && error.is_out_of_memory() {
        // Memory is free again when others have their answers.
        let kind = if kind == FaultKind::Other { FaultKind::Overloaded } else { kind };
        let plain = ServerError { code: Some(OUT_OF_MEMORY_CODE.to_owned()), ..error.clone() };
        return worded(kind, status, &plain);
    }
    worded(kind, status, error)
}

fn worded(kind: FaultKind, status: u16, error: &ServerError) -> Fault {
    let code = error.code.as_ref().or(error.kind.as_ref());
    let code = code.map_or_else(|| status.to_string(), |code| cut(code, CODE_CHARS_MAX));
    let message = match &error.message {
        Some(words) => format!("the server answered status {status}: {}", safe(words)),
        None => format!("the server answered status {status}"),
    };
    Fault::new(kind, message).code(code)
}

/// How a body begins inside a message. Servers that dislike a request like to repeat it.
const BODY_STARTS: &str = "{\"";

/// The server's or model's words, fit to be shown: on one line, at most 300 characters, and without what looks like a
/// piece of a JSON body.
pub fn safe(words: &str) -> String {
    let words = one_line(words);
    let words = match words.find(BODY_STARTS) {
        Some(start) => format!("{}…", words[..start].trim_end()),
        None => words,
    };
    cut(&words, MESSAGE_CHARS_MAX)
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(text: &str, chars_max: usize) -> String {
    match text.char_indices().nth(chars_max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::response;
    use serde_json::json;

    #[test]
    fn bodies_of_every_shape_are_read() {
        let full = ServerError {
            message: Some("m".to_owned()),
            kind: Some("t".to_owned()),
            code: Some("7".to_owned()),
            param: None,
        };
        let sentence = ServerError { message: Some("m".to_owned()), ..Default::default() };
        for (body, expected) in [
            (json!({ "error": "m" }), Some(sentence.clone())),
            (json!({ "error": { "message": "m", "type": "t", "param": null, "code": 7 } }), Some(full.clone())),
            (json!({ "object": "error", "message": "m", "type": "t", "code": "7" }), Some(full)),
            (json!({ "detail": "m" }), Some(sentence.clone())),
            (json!({ "detail": [{ "loc": ["body"], "msg": "m", "input": "secret" }] }), Some(sentence.clone())),
            (
                json!({ "object": "error", "message": { "detail": [{ "msg": "m", "input": "secret" }] } }),
                Some(sentence),
            ),
            (json!({ "choices": [], "error": null }), None),
            (json!(["m"]), None),
        ] {
            assert_eq!(ServerError::read(&body), expected, "{body}");
        }
    }

    #[test]
    fn statuses_stand_for_kinds() {
        let cases = [
            (302, "", FaultKind::InvalidRequest),
            (400, "{\"error\":\"bad\"}", FaultKind::InvalidRequest),
            (401, "", FaultKind::Credentials),
            (402, "", FaultKind::Quota),
            (403, "<html>", FaultKind::Credentials),
            (404, "{\"error\":\"model 'x' not found\"}", FaultKind::ModelNotFound),
            (404, "404 page not found", FaultKind::InvalidRequest),
            (405, "", FaultKind::InvalidRequest),
            (408, "", FaultKind::TimedOut),
            (409, "", FaultKind::Unavailable),
            (413, "", FaultKind::TooLong),
            (422, "", FaultKind::InvalidRequest),
            (429, "", FaultKind::RateLimited),
            (500, "", FaultKind::Unavailable),
            (501, "", FaultKind::Unsupported),
            (502, "", FaultKind::Unavailable),
            (503, "", FaultKind::Overloaded),
            (504, "", FaultKind::TimedOut),
            (529, "", FaultKind::Overloaded),
        ];
        for (status, body, kind) in cases {
            assert_eq!(fault(&response(status, &[], body)).kind, kind, "{status} {body}");
        }
    }

    #[test]
    fn waits_and_codes_come_along() {
        let body = "{\"error\":{\"message\":\"slow down\",\"type\":\"requests\",\"code\":null}}";
        let fault = fault(&response(429, &[("retry-after", "3")], body));
        assert_eq!(fault.retry_after_ms, Some(3_000));
        assert_eq!(fault.code.as_deref(), Some("requests"));
        assert_eq!(fault.message, "the server answered status 429: slow down");
    }

    #[test]
    fn memory_that_ran_out_has_its_own_code() {
        for words in [
            "CUDA out of memory. Tried to allocate 2.00 GiB",
            "llama runner process has terminated: cudaMalloc failed: out of memory",
            "CUDA error: out of memory",
            "torch.OutOfMemoryError: x",
            "model requires more system memory (9.5 GiB) than is available (4.0 GiB)",
        ] {
            let error = ServerError { message: Some(words.to_owned()), code: Some("500".into()), ..Default::default() };
            for (kind, named_kind) in [
                (FaultKind::Unavailable, FaultKind::Unavailable),
                (FaultKind::Overloaded, FaultKind::Overloaded),
                (FaultKind::Other, FaultKind::Overloaded),
            ] {
                let fault = named(kind, 500, &error);
                assert_eq!((fault.kind, fault.code.as_deref()), (named_kind, Some(OUT_OF_MEMORY_CODE)), "{words}");
            }
            let repeated = named(FaultKind::InvalidRequest, 400, &error);
            assert_eq!((repeated.kind, repeated.code.as_deref()), (FaultKind::InvalidRequest, Some("500")), "{words}");
        }
    }

    #[test]
    fn of_long_words_only_the_beginning_is_looked_at() {
        let words = "ж".repeat(WORDS_BYTES_MAX);
        for body in [
            json!({ "error": words }),
            json!({ "error": { "message": words } }),
            json!({ "detail": words }),
            json!({ "detail": [{ "msg": words }] }),
            json!({ "object": "error", "message": { "detail": [{ "msg": words }] } }),
        ] {
            let message = ServerError::read(&body).expect("it is an error").message.expect("it has words");
            assert_eq!(message.len(), WORDS_BYTES_MAX, "{}", &body.to_string()[..40]);
        }
    }

    #[test]
    fn messages_are_bounded() {
        assert_eq!(safe(&"ж".repeat(5_000)).chars().count(), MESSAGE_CHARS_MAX + 1);
    }
}
