use crate::dialect::Dialect;
use crate::{Answered, Asked, Script};
use serde::Deserialize;
use serde_json::{Value, json};
use std::borrow::Cow;
use std::sync::Arc;

/// What stands before the id in the sdk's user message.
const RECORD_LINE: &str = "Record id: ";

/// The body of a call, as far as either dialect matters here.
#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow, default)]
    model: Cow<'a, str>,
    #[serde(borrow)]
    messages: Vec<Message<'a>>,
    #[serde(default)]
    format: Value,
    #[serde(default)]
    response_format: Value,
    stream: Option<bool>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    role: Cow<'a, str>,
    #[serde(borrow)]
    content: Cow<'a, str>,
}

/// One call, understood.
pub(crate) struct Question {
    pub(crate) model: String,
    pub(crate) system: Arc<str>,
    pub(crate) user: String,
    candidate_ids: Arc<[String]>,
    /// Whether a list of verdicts is asked for rather than one.
    several: bool,
}

impl Question {
    /// # Errors
    /// What a server would say of a body that it cannot use.
    pub(crate) fn read(dialect: Dialect, body: &[u8]) -> Result<Question, String> {
        let body: Body = serde_json::from_slice(body).map_err(|error| error.to_string())?;
        // Ollama streams unless told not to.
        if body.stream.unwrap_or(dialect == Dialect::Ollama) {
            return Err("this server does not stream: send `stream: false`".to_owned());
        }
        let last = |roles: &[&str]| {
            let message = body.messages.iter().rfind(|message| roles.contains(&message.role.as_ref()));
            message.map_or("", |message| message.content.as_ref())
        };
        let schema = match dialect {
            Dialect::Ollama => &body.format,
            Dialect::OpenAi => &body.response_format["json_schema"]["schema"],
        };
        let verdicts = &schema["properties"]["verdicts"]["items"];
        let verdict = if verdicts.is_object() { verdicts } else { schema };
        Ok(Question {
            candidate_ids: ids(&verdict["properties"]["cluster_id"]),
            several: verdicts.is_object(),
            system: last(&["system", "developer"]).into(),
            user: last(&["user"]).to_owned(),
            model: body.model.into_owned(),
        })
    }

    /// The ids of the records asked about, in order.
    pub(crate) fn record_ids(&self) -> impl Iterator<Item = &str> {
        self.user.lines().filter_map(|line| line.strip_prefix(RECORD_LINE)).map(str::trim_end)
    }

    /// What the model says, in the form that the schema asks for.
    pub(crate) fn answer(&self, script: &Script, call_index: u64) -> String {
        if !self.several {
            let asked = self.asked(self.record_ids().next(), &self.user, call_index);
            return match (script.judge)(&asked) {
                Answered::Words(words) => words,
                answered => answered.verdict().map(|verdict| verdict.to_string()).unwrap_or_default(),
            };
        }
        let mut verdicts = Vec::new();
        for part in parts(&self.user) {
            let asked = self.asked(part.lines().next().map(str::trim_end), part, call_index);
            match (script.judge)(&asked) {
                Answered::Words(words) => return words,
                answered => verdicts.extend(answered.verdict().map(|verdict| with_id(&asked, verdict))),
            }
        }
        json!({ "verdicts": verdicts }).to_string()
    }

    fn asked(&self, record_id: Option<&str>, user: &str, call_index: u64) -> Asked {
        Asked {
            record_id: record_id.map(str::to_owned),
            user: user.to_owned(),
            system: Arc::clone(&self.system),
            candidate_ids: Arc::clone(&self.candidate_ids),
            call_index,
        }
    }
}

/// The ids of the schema's enum, which stands alone or beside null in `anyOf`.
fn ids(cluster_id: &Value) -> Arc<[String]> {
    let beside_null = cluster_id["anyOf"].as_array().into_iter().flatten();
    let lists = std::iter::once(cluster_id).chain(beside_null).filter_map(|schema| schema["enum"].as_array());
    lists.flatten().filter_map(|id| id.as_str().map(str::to_owned)).collect()
}

/// The records of a message, each from its id on.
fn parts(user: &str) -> impl Iterator<Item = &str> {
    let starts = user.match_indices(RECORD_LINE).map(|(at, _)| at);
    let starts: Vec<usize> = starts.filter(|at| *at == 0 || user.as_bytes()[at - 1] == b'\n').collect();
    let ends = starts.iter().skip(1).copied().chain([user.len()]).collect::<Vec<_>>();
    starts.into_iter().zip(ends).map(|(start, end)| &user[start + RECORD_LINE.len()..end])
}

fn with_id(asked: &Asked, verdict: Value) -> Value {
    let mut whole = json!({ "record_id": asked.record_id });
    if let (Some(fields), Value::Object(rest)) = (whole.as_object_mut(), verdict) {
        fields.extend(rest);
    }
    whole
}
