//! What a response of `/api/chat` means.

use crate::{failure, request};
use judge_provider::serde_json::{self, Value};
use judge_provider::{
    Answer, Fault, FaultKind, HttpResponse, Job, Outgoing, Step, Usage, Verdict, answer, brief, fault, http, prompt,
    repair,
};

/// The answer in a response, a second question about it, or why there is neither.
pub(crate) fn step(job: &Job, state: &[u8], response: &HttpResponse) -> Result<Step, Fault> {
    let head = brief::head(job)?;
    let model = head["model"].as_str().unwrap_or_default();
    if let Some(fault) = failure::in_response(model, response) {
        // The round before was paid all the same.
        return Err(fault.usage(repair::spent(state, Usage::default())));
    }
    let body = http::json(response)?;
    let reply = Reply::new(job, state, &head, &body);
    let usage = repair::spent(state, reply.usage);
    reply.check_whole().map_err(|fault| fault.usage(usage))?;
    let fault = match reply.verdicts(job) {
        Ok(verdicts) => return Ok(Step::Done(reply.answer(verdicts, usage))),
        Err(fault) => fault.usage(usage),
    };
    let words = reply.content();
    // Where the model said nothing there is nothing to complain about.
    let repair = repair::of(head["repair"] == true && !words.trim().is_empty(), state, &fault);
    let Some(repair) = repair else {
        return Err(fault);
    };
    let body = request::again(job, words, &repair.complaint)?;
    let state = with_context(&repair.state, &body["options"]["num_ctx"]);
    Ok(Step::Send(Outgoing { request: http::post_json(request::PATH, &body), state }))
}

/// A response of status 200, and what it is to be measured by.
struct Reply<'a> {
    body: &'a Value,
    usage: Usage,
    /// The context that the model had, in tokens; none where that is the cloud's affair.
    context: Option<u64>,
    num_predict: Option<u64>,
}

impl<'a> Reply<'a> {
    fn new(job: &Job, state: &[u8], head: &Value, body: &'a Value) -> Self {
        let second: Value = serde_json::from_slice(state).unwrap_or_default();
        let asked = second["num_ctx"].as_u64();
        let asked = asked.unwrap_or_else(|| request::num_ctx(head, prompt::user(&job.records).len()));
        let usage = Usage {
            input_tokens: body["prompt_eval_count"].as_u64(),
            output_tokens: body["eval_count"].as_u64(),
            ..Usage::default()
        };
        let context = asked.min(head["context_max"].as_u64().unwrap_or(u64::MAX));
        Reply {
            body,
            usage,
            context: (head["is_cloud"] != true).then_some(context),
            num_predict: head["num_predict"].as_u64(),
        }
    }

    fn content(&self) -> &'a str {
        self.body["message"]["content"].as_str().unwrap_or_default()
    }

    fn finish_reason(&self) -> Option<&'a str> {
        self.body["done_reason"].as_str()
    }

    /// Whether the model saw all of the prompt, and said all that it had to say.
    fn check_whole(&self) -> Result<(), Fault> {
        let input = self.usage.input_tokens;
        if self.context.is_some_and(|context| input.is_some_and(|input| input >= context)) {
            return Err(self.lost("the prompt"));
        }
        if self.body["done"] == false {
            // Ollama breaks off when a token repeats some thirty times, and says so by this alone.
            let message = "the server broke the answer off (`done` is false): the model repeated itself";
            return Err(fault::truncated(message, self.usage)
                .code("not-done")
                .hint("try another `--seed N` with a higher `--temperature T`, or another model by `--model NAME`"));
        }
        match self.finish_reason() {
            Some("length") => Err(self.length()),
            // What answers a request without messages: the model never saw these (`server/routes.go`, ChatHandler).
            Some(reason @ ("load" | "unload")) => {
                let message = format!("the server did not answer (`done_reason` is `{reason}`)");
                Err(Fault::new(FaultKind::Unavailable, message).code(reason))
            }
            _ if self.is_overfull() => Err(self.lost("the prompt together with its answer")),
            _ => Ok(()),
        }
    }

    /// Whether prompt and answer together are more than the context holds. Releases before 0.12.6 know neither
    /// `truncate` nor `shift`, and answer from what is left. Counts that are missing say nothing: older releases leave
    /// out the prompt's where all of it was cached.
    fn is_overfull(&self) -> bool {
        match (self.context, self.usage.input_tokens, self.usage.output_tokens) {
            (Some(context), Some(input), Some(output)) => input.saturating_add(output) > context,
            _ => false,
        }
    }

    fn lost(&self, what: &str) -> Fault {
        let context = self.context.unwrap_or_default();
        let message = format!("the server cut {what} to the context of {context} tokens");
        Fault::new(FaultKind::TooLong, message).code("prompt-cut").hint(failure::TOO_LONG_HINT)
    }

    fn length(&self) -> Fault {
        let used_up = self.usage.output_tokens.zip(self.num_predict).map(|(output, most)| output >= most);
        let (message, hint) = match used_up {
            Some(true) => {
                ("the answer reached the limit of output tokens", "raise it by `--max-output-tokens N`".to_owned())
            }
            Some(false) => ("the answer reached the context's end", failure::TOO_LONG_HINT.to_owned()),
            None => (
                "the answer reached the limit of output tokens or the context's end",
                "raise them by `--max-output-tokens N` and `--setting num_ctx=TOKENS`".to_owned(),
            ),
        };
        fault::truncated(message, self.usage).code("length").hint(hint)
    }

    fn verdicts(&self, job: &Job) -> Result<Vec<Verdict>, Fault> {
        if !self.content().trim().is_empty() {
            return answer::read(job, self.content());
        }
        let thoughts = self.body["message"]["thinking"].as_str().unwrap_or_default().trim();
        if thoughts.is_empty() {
            return answer::read(job, "");
        }
        // Some families put the whole answer there (issues 14645, 15260). An object amid thoughts is none.
        let is_answer = thoughts.starts_with(['{', '`']) && thoughts.ends_with(['}', '`']);
        let verdicts = is_answer.then(|| answer::read(job, thoughts).ok()).flatten();
        verdicts.ok_or_else(|| {
            fault::malformed("empty", "the model only thought, and its answer is empty")
                .hint("try `--setting think=false`, or allow more output by `--max-output-tokens N`")
        })
    }

    fn answer(&self, verdicts: Vec<Verdict>, usage: Usage) -> Answer {
        Answer {
            verdicts,
            model: self.body["model"].as_str().map(str::to_owned),
            finish_reason: self.finish_reason().map(str::to_owned),
            usage,
            ..Answer::default()
        }
    }
}

/// The state of a second round, with the context that it asks for.
fn with_context(state: &[u8], num_ctx: &Value) -> Vec<u8> {
    let mut state: Value = serde_json::from_slice(state).unwrap_or_default();
    state["num_ctx"] = num_ctx.clone();
    state.to_string().into_bytes()
}
