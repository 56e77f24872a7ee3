//! The dialogue as one text. Triton hands the prompt to the model as it is, so the marks of a model's chat template are
//! ours to set. The mark for the beginning of the text is left out: the backends' tokenizers add it themselves.

/// What comes before, between and after the messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Template {
    /// System message, blank line, user message, and a word that asks for the answer: understood by every model, and
    /// right for one whose backend applies its template itself.
    Plain,
    /// `<|im_start|>` and `<|im_end|>`: Qwen and many others.
    ChatMl,
    /// The headers of Llama 3 and later.
    Llama3,
}

impl Template {
    pub(crate) fn named(name: &str) -> Option<Self> {
        [Template::Plain, Template::ChatMl, Template::Llama3].into_iter().find(|template| template.name() == name)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Template::Plain => "plain",
            Template::ChatMl => "chatml",
            Template::Llama3 => "llama3",
        }
    }

    /// The prompt up to the user message.
    pub(crate) fn start(self, system: &str) -> String {
        let system = without_marks(system);
        match self {
            Template::Plain => format!("{system}\n"),
            Template::ChatMl => format!("<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n"),
            Template::Llama3 => format!(
                "<|start_header_id|>system<|end_header_id|>\n\n{system}<|eot_id|>\
                 <|start_header_id|>user<|end_header_id|>\n\n"
            ),
        }
    }

    /// The user message, and what makes the model answer it.
    pub(crate) fn user(self, user: &str) -> String {
        let user = without_marks(user);
        match self {
            Template::Plain => format!("{user}\nAnswer:\n"),
            Template::ChatMl => format!("{user}<|im_end|>\n<|im_start|>assistant\n"),
            Template::Llama3 => format!("{user}<|eot_id|><|start_header_id|>assistant<|end_header_id|>\n\n"),
        }
    }

    /// What follows when the model's answer is not accepted: its words, and the next user message.
    pub(crate) fn again(self, said: &str, complaint: &str) -> String {
        let said = without_marks(said.trim());
        let next = self.user(complaint);
        match self {
            Template::Plain => format!("{said}\n\n{next}"),
            Template::ChatMl => format!("{said}<|im_end|>\n<|im_start|>user\n{next}"),
            Template::Llama3 => format!("{said}<|eot_id|><|start_header_id|>user<|end_header_id|>\n\n{next}"),
        }
    }
}

/// Texts of others must not hold what a tokenizer reads as the end of a message and the start of another.
fn without_marks(text: &str) -> String {
    text.replace("<|", "< |")
}
