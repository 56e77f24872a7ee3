//! What the preparation of a run found out about server and model, on its way through the profile to the briefs.

use super::Form;
use crate::{Fault, fault, http};
use serde_json::{Value, json};

/// What differs from what every chat completion could take. The default knows of nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Learned {
    /// The field that bounds the generated tokens, where it is not the one that the provider would use.
    pub token_field: Option<String>,
    /// Parameters that are refused, by their names in the body.
    pub left_out: Vec<String>,
    /// The strictest form that is taken.
    pub form: Form,
    /// Whether the model reasons before it answers.
    pub reasons: bool,
}

impl Learned {
    /// The profile for the tasks of the run; empty where there is nothing to tell.
    pub fn profile(&self) -> Vec<u8> {
        if *self == Learned::default() { Vec::new() } else { http::written(&self.written()).into_bytes() }
    }

    /// What a profile says.
    ///
    /// # Errors
    /// `other`, where it is none of these.
    pub fn of_profile(profile: &[u8]) -> Result<Self, Fault> {
        if profile.is_empty() {
            return Ok(Learned::default());
        }
        serde_json::from_slice(profile)
            .ok()
            .and_then(|written| Learned::read(&written))
            .ok_or_else(|| fault::other("the run's profile was not made for this provider"))
    }

    /// As JSON, for the state of a request.
    pub fn written(&self) -> Value {
        let form = match self.form {
            Form::Schema => "schema",
            Form::Object => "object",
            Form::Free => "free",
        };
        json!({
            "token_field": self.token_field,
            "left_out": self.left_out,
            "form": form,
            "reasons": self.reasons,
        })
    }

    /// From JSON; none where it is something else.
    pub fn read(written: &Value) -> Option<Self> {
        let form = match written["form"].as_str()? {
            "schema" => Form::Schema,
            "object" => Form::Object,
            "free" => Form::Free,
            _ => return None,
        };
        let left_out = written["left_out"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned);
        Some(Learned {
            token_field: written["token_field"].as_str().map(str::to_owned),
            left_out: left_out.collect(),
            form,
            reasons: written["reasons"].as_bool()?,
        })
    }

    /// All that a request goes without, for people.
    pub fn all_left_out(&self) -> Vec<String> {
        let schema = (self.form != Form::Schema).then(|| "json_schema".to_owned());
        self.left_out.iter().cloned().chain(schema).collect()
    }
}
