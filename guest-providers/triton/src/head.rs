//! What a task's jobs need to know besides the body of their requests: the head of the brief.

use crate::layout::Layout;
use crate::options::{Enforcement, Options, Route};
use crate::template::Template;
use judge_provider::serde_json::{Value, json};
use judge_provider::{Fault, Job, Settings, brief, fault};
use std::fmt::Write as _;

/// The setting that bounds an answer.
const LIMIT: &str = "max_output_tokens";

/// Read from a job's brief.
pub(crate) struct Head {
    /// Where requests go.
    pub(crate) path: String,
    pub(crate) route: Route,
    pub(crate) guided: Enforcement,
    pub(crate) template: Template,
    /// The prompt up to the user message, the same for all jobs of the task.
    pub(crate) start: String,
    /// The output that holds the answer.
    pub(crate) answer: String,
    /// The most output tokens that were asked for; none where the model could not be told.
    pub(crate) limit: Option<u64>,
    /// Settings that do not reach the model.
    pub(crate) left_out: Vec<String>,
    pub(crate) repair: bool,
}

impl Head {
    pub(crate) fn of(settings: &Settings, layout: &Layout, options: &Options, start: String, limit: u32) -> Self {
        let method = match layout.route {
            Route::Infer => "infer",
            Route::Generate => "generate",
        };
        let left_out = left_out(layout, settings);
        let is_told = !left_out.contains(&LIMIT);
        Head {
            path: format!("{}/{method}", model_path(&settings.model, options)),
            route: layout.route,
            guided: layout.guided,
            template: options.template,
            start,
            answer: layout.answer.name.clone(),
            limit: is_told.then_some(limit.into()),
            left_out: left_out.into_iter().map(str::to_owned).collect(),
            repair: options.repair,
        }
    }

    pub(crate) fn written(&self) -> Value {
        json!({
            "path": self.path,
            "generate": self.route == Route::Generate,
            "guided": self.guided.name(),
            "template": self.template.name(),
            "start": self.start,
            "answer": self.answer,
            "limit": self.limit,
            "left_out": self.left_out,
            "repair": self.repair,
        })
    }

    /// # Errors
    /// Where the job's brief is not one of ours.
    pub(crate) fn read(job: &Job) -> Result<Self, Fault> {
        let head = brief::head(job)?;
        let text = |name: &str| head[name].as_str().map(str::to_owned);
        let read = || {
            Some(Head {
                path: text("path")?,
                route: if head["generate"] == true { Route::Generate } else { Route::Infer },
                guided: Enforcement::named(head["guided"].as_str()?)?,
                template: Template::named(head["template"].as_str()?)?,
                start: text("start")?,
                answer: text("answer")?,
                limit: head["limit"].as_u64(),
                left_out: head["left_out"].as_array()?.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
                repair: head["repair"] == true,
            })
        };
        read().ok_or_else(|| fault::other("the job's brief was not made by this provider"))
    }
}

/// The settings that the model has no tensor for; over `/generate` they go as parameters. Limit and temperature have a
/// value in every request, also where the operator gave none.
fn left_out(layout: &Layout, settings: &Settings) -> Vec<&'static str> {
    if layout.route == Route::Generate {
        return Vec::new();
    }
    let sent = [
        (LIMIT, layout.limit, true),
        ("temperature", layout.temperature, true),
        ("seed", layout.seed, settings.seed.is_some()),
    ];
    sent.iter().filter(|(_, tensor, is_due)| tensor.is_none() && *is_due).map(|(name, ..)| *name).collect()
}

/// The model's place on the server. Triton takes the path as it stands and decodes nothing in it (seen with 2.51), so
/// only what cannot stand in a path is encoded.
pub(crate) fn model_path(model: &str, options: &Options) -> String {
    let mut path = String::from("/v2/models/");
    for byte in model.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@".contains(&byte) {
            path.push(char::from(byte));
        } else {
            let _ = write!(path, "%{byte:02X}");
        }
    }
    if let Some(version) = &options.version {
        path.push_str("/versions/");
        path.push_str(version);
    }
    path
}
