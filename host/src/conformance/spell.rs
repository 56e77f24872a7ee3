//! The contract's values as vectors spell them. Absent is what is none; a body that is JSON in its shortest form stands as
//! JSON, any other text as a string, bytes in base64 under another name. So equal spellings are equal bytes.

use crate::model::{
    Answer, Body, Choice, Confidence, Fault, HttpRequest, HttpResponse, Outgoing, Proposal, Usage, Verdict,
};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use serde_json::{Map, Value, json};

/// A request, and the state beside it.
pub(super) fn outgoing(outgoing: &Outgoing) -> Value {
    let HttpRequest { method, path_and_query, headers, body: sent } = &outgoing.request;
    let mut spelled = Map::new();
    spelled.insert("method".into(), method.as_str().into());
    spelled.insert("path".into(), path_and_query.as_str().into());
    if !headers.is_empty() {
        let pair = |(name, value): &(String, Vec<u8>)| (name.clone(), String::from_utf8_lossy(value).into());
        spelled.insert("headers".into(), Value::Object(headers.iter().map(pair).collect()));
    }
    if let Some(sent) = sent {
        put_body(&mut spelled, "body", sent);
    }
    if !outgoing.state.is_empty() {
        put_body(&mut spelled, "state", &Body::from(outgoing.state.clone()));
    }
    Value::Object(spelled)
}

/// The profile of a preparation.
pub(super) fn profile(profile: &[u8]) -> Value {
    let mut spelled = Map::new();
    put_body(&mut spelled, "profile", &Body::from(profile.to_vec()));
    Value::Object(spelled)
}

/// The end of a job.
pub(super) fn answer(answer: &Answer) -> Value {
    let mut spelled = Map::new();
    spelled.insert("verdicts".into(), answer.verdicts.iter().map(verdict).collect());
    put(&mut spelled, "model", answer.model.as_deref());
    put(&mut spelled, "finish_reason", answer.finish_reason.as_deref());
    put_usage(&mut spelled, &answer.usage);
    if !answer.extras.is_empty() {
        let pair = |(name, value): &(String, String)| (name.clone(), value.as_str().into());
        spelled.insert("extras".into(), Value::Object(answer.extras.iter().map(pair).collect()));
    }
    Value::Object(spelled)
}

/// No verdict, and why.
pub(super) fn fault(fault: &Fault) -> Value {
    let mut spelled = Map::new();
    spelled.insert("kind".into(), fault.kind.to_string().into());
    put(&mut spelled, "code", fault.code.as_deref());
    spelled.insert("message".into(), fault.message.as_str().into());
    put(&mut spelled, "hint", fault.hint.as_deref());
    put(&mut spelled, "retry_after_ms", fault.retry_after.and_then(|wait| u64::try_from(wait.as_millis()).ok()));
    put_usage(&mut spelled, &fault.usage);
    Value::Object(spelled)
}

/// A response from its spelling.
///
/// # Errors
/// What is wrong with it.
pub(super) fn response(spelled: &Value) -> Result<HttpResponse, String> {
    let status = spelled["status"].as_u64().and_then(|status| u16::try_from(status).ok());
    let status = status.ok_or("a response needs a `status`")?;
    let header = |(name, value): (&String, &Value)| {
        let value = value.as_str().ok_or_else(|| format!("the header `{name}` is no text"))?;
        Ok::<_, String>((name.to_lowercase(), value.as_bytes().to_vec()))
    };
    let headers = spelled["headers"].as_object().into_iter().flatten().map(header).collect::<Result<_, _>>()?;
    Ok(HttpResponse { status, headers, body: Body::from(bytes(spelled, "body")?) })
}

/// The bytes that stand under a name, or under it and `_base64`; none where neither is there.
///
/// # Errors
/// Where the base64 is none.
pub(super) fn bytes(spelled: &Value, name: &str) -> Result<Vec<u8>, String> {
    if let Some(encoded) = spelled[format!("{name}_base64")].as_str() {
        return BASE64.decode(encoded).map_err(|error| format!("`{name}_base64` is none: {error}"));
    }
    Ok(match &spelled[name] {
        Value::Null => Vec::new(),
        Value::String(text) => text.clone().into_bytes(),
        json => json.to_string().into_bytes(),
    })
}

fn put_body(spelled: &mut Map<String, Value>, name: &str, body: &Body) {
    let text = match body {
        Body::Text(text) => text,
        Body::Binary(bytes) => {
            spelled.insert(format!("{name}_base64"), BASE64.encode(bytes).into());
            return;
        }
    };
    let json = serde_json::from_str::<Value>(text).ok().filter(|json| json.is_object() || json.is_array());
    let shortest = json.filter(|json| {
        let spelled = json.to_string();
        spelled == *text
    });
    spelled.insert(name.to_owned(), shortest.unwrap_or_else(|| text.as_str().into()));
}

fn put<T: Into<Value>>(spelled: &mut Map<String, Value>, name: &str, value: Option<T>) {
    if let Some(value) = value {
        spelled.insert(name.to_owned(), value.into());
    }
}

fn put_usage(spelled: &mut Map<String, Value>, usage: &Usage) {
    let mut counts = Map::new();
    put(&mut counts, "input_tokens", usage.input_tokens);
    put(&mut counts, "cached_input_tokens", usage.cached_input_tokens);
    put(&mut counts, "output_tokens", usage.output_tokens);
    put(&mut counts, "cost_micro_usd", usage.cost_micro_usd);
    if !counts.is_empty() {
        spelled.insert("usage".into(), Value::Object(counts));
    }
}

fn verdict(verdict: &Verdict) -> Value {
    let mut spelled = Map::new();
    spelled.insert("record_id".into(), verdict.record_id.as_str().into());
    let (decision, named) = match &verdict.choice {
        Choice::Assign(id) => ("assign", Some(("cluster_id", Value::from(id.as_str())))),
        Choice::NewCluster(Proposal { name, summary, criteria }) => {
            let proposal = json!({ "name": name, "summary": summary, "criteria": criteria });
            ("new_cluster", Some(("new_cluster", proposal)))
        }
        Choice::Skip => ("skip", None),
    };
    spelled.insert("decision".into(), decision.into());
    if let Some((name, value)) = named {
        spelled.insert(name.into(), value);
    }
    let confidence = match verdict.confidence {
        Confidence::Low => "low",
        Confidence::Medium => "medium",
        Confidence::High => "high",
    };
    spelled.insert("confidence".into(), confidence.into());
    spelled.insert("rationale".into(), verdict.rationale.as_str().into());
    Value::Object(spelled)
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn bodies_of_every_kind_come_back_as_they_were() {
        for body in ["{\"b\":1,\"a\":0.0}", "{ \"a\": 1}", "7", "", "\"x\"", "text", "[1,2]", "[1,2]\n"] {
            let mut spelled = Map::new();
            put_body(&mut spelled, "body", &Body::Text(body.to_owned()));
            assert_eq!(bytes(&Value::Object(spelled), "body").unwrap(), body.as_bytes(), "{body}");
        }
        let mut spelled = Map::new();
        put_body(&mut spelled, "body", &Body::Binary(vec![0xff, 0]));
        assert_eq!(bytes(&Value::Object(spelled), "body").unwrap(), [0xff, 0]);
    }
}
