//! The two ways of speaking: what each puts around an answer, an error and a list of models. Wire facts are those
//! of Ollama 0.33 and of OpenAI's chat completions as of 2026.

mod ollama;
mod openai;

use serde_json::Value;

/// How a request was addressed, and so how it is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// `/api/…`.
    Ollama,
    /// `/v1/…`.
    OpenAi,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    /// An answer of the model.
    Chat,
    /// All models.
    Models,
    /// One model, named in the path.
    Model(&'a str),
    /// One model, named in the body.
    Show,
    /// The server's version.
    Version,
    /// Whether anybody is there.
    Alive,
}

/// Why the model stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Finish {
    /// It had said all.
    Stop,
    /// The token limit was reached.
    Length,
    /// It declined; the content is its words.
    Refusal,
}

/// What goes into the body of an answer.
pub(crate) struct Reply<'a> {
    pub(crate) model: &'a str,
    pub(crate) content: &'a str,
    pub(crate) finish: Finish,
    pub(crate) input_tokens: usize,
    pub(crate) cached_input_tokens: usize,
}

impl Reply<'_> {
    fn output_tokens(&self) -> usize {
        tokens(self.content)
    }
}

/// About as many as a tokenizer would make of an English text.
pub(crate) fn tokens(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// Which dialect a path belongs to, and what it asks for; none where the server has nothing there.
pub(crate) fn route<'a>(method: &str, path: &'a str) -> Option<(Dialect, Route<'a>)> {
    let found = match (method, path) {
        ("POST", "/api/chat") => (Dialect::Ollama, Route::Chat),
        ("GET", "/api/tags") => (Dialect::Ollama, Route::Models),
        ("POST", "/api/show") => (Dialect::Ollama, Route::Show),
        ("GET", "/api/version") => (Dialect::Ollama, Route::Version),
        ("GET" | "HEAD", "/") => (Dialect::Ollama, Route::Alive),
        ("POST", "/v1/chat/completions") => (Dialect::OpenAi, Route::Chat),
        ("GET", "/v1/models") => (Dialect::OpenAi, Route::Models),
        ("GET", path) => (Dialect::OpenAi, Route::Model(path.strip_prefix("/v1/models/")?)),
        _ => return None,
    };
    Some(found)
}

impl Dialect {
    /// Whether a call of the model only loads it, and asks for no answer.
    pub(crate) fn is_warm_up(self, body: &[u8]) -> bool {
        self == Dialect::Ollama && ollama::is_warm_up(body)
    }

    /// What it says when a model was loaded.
    pub(crate) fn warmed(self) -> Value {
        match self {
            Dialect::Ollama => ollama::warmed(),
            Dialect::OpenAi => openai::error(400, "no messages"),
        }
    }

    /// The body of an answer.
    pub(crate) fn reply(self, reply: &Reply<'_>) -> Value {
        match self {
            Dialect::Ollama => ollama::reply(reply),
            Dialect::OpenAi => openai::reply(reply),
        }
    }

    /// The body of an error that goes with this status.
    pub(crate) fn error(self, status: u16, message: &str) -> Value {
        match self {
            Dialect::Ollama => ollama::error(message),
            Dialect::OpenAi => openai::error(status, message),
        }
    }

    /// What it says of a model that it does not have.
    pub(crate) fn unknown_model(self, model: &str) -> Value {
        match self {
            Dialect::Ollama => ollama::error(&format!("model '{model}' not found")),
            Dialect::OpenAi => openai::error(404, &format!("The model `{model}` does not exist")),
        }
    }

    /// All models.
    pub(crate) fn models(self, models: &[String]) -> Value {
        match self {
            Dialect::Ollama => ollama::models(models),
            Dialect::OpenAi => openai::models(models),
        }
    }

    /// One model.
    pub(crate) fn model(self, model: &str) -> Value {
        match self {
            Dialect::Ollama => ollama::show(model),
            Dialect::OpenAi => openai::model(model),
        }
    }

    /// Whether the two names mean one model.
    pub(crate) fn is_same_model(self, one: &str, other: &str) -> bool {
        match self {
            Dialect::Ollama => ollama::untagged(one) == ollama::untagged(other),
            Dialect::OpenAi => one == other,
        }
    }
}
