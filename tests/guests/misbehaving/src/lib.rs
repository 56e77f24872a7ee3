//! A provider that misbehaves on command, for the tests of the sandbox, the egress rules and the checks of answers.
//! Setting `verb` says how, setting `phase` says where: `build` (default), `parse`, `brief` or `prepare`. In all other
//! phases, and without a verb, it behaves: it sends `POST /judge` and reads `ok` as a skip.

mod attack;
mod forgery;
mod prying;

use judge_provider::{
    Answer, Body, Confidence, Decision, Descriptor, Fault, HttpRequest, HttpResponse, Job, Outgoing, Preparation,
    Previous, Provider, SettingSpec, Settings, Step, Task, Verdict, error, fault, http,
};

/// The provider `misbehaving`.
pub struct Misbehaving;

/// More than a brief may hold, in bytes, and less than a call may hand over.
const HUGE_BRIEF_BYTES: usize = 5 << 20;

/// Where a provider is when it is called.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Prepare,
    Brief,
    Build,
    Parse,
}

impl Provider for Misbehaving {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "misbehaves on command, for tests".to_owned(),
            default_endpoint: Some("http://localhost:1".to_owned()),
            settings: vec![
                SettingSpec::new("verb", "how to misbehave").default_value("none"),
                SettingSpec::new("phase", "where: build, parse, brief or prepare").default_value("build"),
            ],
            ..Descriptor::new("misbehaving", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, _previous: Option<Previous>) -> Result<Preparation, Fault> {
        match misbehave(&Command::of(&settings)?, Phase::Prepare, "", &[])? {
            Some(Step::Send(outgoing)) => Ok(Preparation::Send(outgoing)),
            Some(Step::Done(_)) | None => Ok(Preparation::Ready(Vec::new())),
        }
    }

    /// The command, so that the phases of a job know it.
    fn brief(task: Task) -> Result<Body, Fault> {
        let command = Command::of(&task.settings)?;
        misbehave(&command, Phase::Brief, "", &[])?;
        let bytes = if command.verb == "huge-brief" { HUGE_BRIEF_BYTES } else { 0 };
        Ok(Body::Text(format!("{}\n{}\n{}", command.verb, command.phase, "x".repeat(bytes))))
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        let step = misbehave(&Command::in_brief(&job)?, Phase::Build, record_id(&job), &[])?;
        Ok(step.unwrap_or_else(|| Step::Send(judge_request())))
    }

    fn parse_response(job: Job, state: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        if let Some(step) = misbehave(&Command::in_brief(&job)?, Phase::Parse, record_id(&job), &state)? {
            return Ok(step);
        }
        if !http::is_success(&response) {
            return Err(error::fault(&response));
        }
        match http::text(&response).trim() {
            "ok" => Ok(done(record_id(&job), Decision::Skip, "")),
            _ => Err(fault::malformed("not-ok", "the answer is not `ok`")),
        }
    }
}

judge_provider::export!(Misbehaving);

/// How to misbehave, and where.
struct Command<'a> {
    verb: &'a str,
    phase: &'a str,
}

impl<'a> Command<'a> {
    fn of(settings: &'a Settings) -> Result<Self, Fault> {
        let phase = settings.get("phase").unwrap_or("build");
        if !["prepare", "brief", "build", "parse"].contains(&phase) {
            return Err(Fault::bad_setting("phase", phase));
        }
        Ok(Command { verb: settings.get("verb").unwrap_or("none"), phase })
    }

    fn in_brief(job: &'a Job) -> Result<Self, Fault> {
        let Body::Text(text) = &job.brief else { return Err(fault::other("the brief is no text")) };
        let mut lines = text.lines();
        let mut next = || lines.next().ok_or_else(|| fault::other("the brief is not one of ours"));
        Ok(Command { verb: next()?, phase: next()? })
    }
}

/// Does what the command asks for in this phase. None where that is to behave.
fn misbehave(command: &Command<'_>, phase: Phase, record_id: &str, state: &[u8]) -> Result<Option<Step>, Fault> {
    let verb = command.verb;
    let asked = match (verb, command.phase) {
        ("wrong-on-parse", _) | (_, "parse") => Phase::Parse,
        ("huge-brief", _) | (_, "brief") => Phase::Brief,
        (_, "prepare") => Phase::Prepare,
        _ => Phase::Build,
    };
    // Endless sending needs every phase from the asked one on.
    let due = asked == phase || (matches!(verb, "many-sends" | "growing-state") && phase == Phase::Parse);
    if verb == "none" || !due {
        return Ok(None);
    }
    let step = match verb {
        "spin" => attack::spin(),
        "bomb" => attack::bomb(),
        "bomb-at-once" => attack::bomb_at_once(),
        "panic" | "wrong-on-parse" => attack::panic(),
        "panic-with-a-key" => attack::panic_with_a_key(),
        "panic-now-and-then" => {
            attack::panic_now_and_then(record_id);
            return Ok(None);
        }
        "recurse" => attack::recurse(record_id),
        "exit" => attack::exit(),
        "flood-stderr" => {
            attack::flood_stderr();
            return Ok(None);
        }
        "flood-output" => attack::flood_output(record_id),
        "leak-state" => attack::leak_state(record_id),
        "huge-brief" => return Ok(None),
        _ => forgery::step(verb, record_id, state)
            .or_else(|| prying::step(verb, record_id))
            .ok_or_else(|| Fault::bad_setting("verb", verb))?,
    };
    Ok(Some(step))
}

fn record_id(job: &Job) -> &str {
    job.records.first().map_or("", |record| record.id.as_str())
}

fn judge_request() -> Outgoing {
    let body = Some(Body::Text("judge".to_owned()));
    http::send(HttpRequest { method: "POST".to_owned(), body, ..http::get("/judge") })
}

fn done(record_id: &str, decision: Decision, rationale: &str) -> Step {
    let verdict = Verdict {
        record_id: record_id.to_owned(),
        decision,
        confidence: Confidence::Low,
        rationale: rationale.to_owned(),
    };
    Step::Done(Answer { verdicts: vec![verdict], ..Answer::default() })
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

    use super::*;

    fn misbehave_with(verb: &str, phase: &str, now: Phase) -> Result<Option<Step>, Fault> {
        let extra = vec![("phase".to_owned(), phase.to_owned()), ("verb".to_owned(), verb.to_owned())];
        let settings = Settings { model: String::new(), temperature: None, max_output_tokens: None, seed: None, extra };
        misbehave(&Command::of(&settings)?, now, "r1", &[])
    }

    #[test]
    fn it_misbehaves_only_where_it_is_told_to() {
        for (verb, phase, now, misbehaves) in [
            ("none", "build", Phase::Build, false),
            ("no-verdict", "build", Phase::Build, true),
            ("no-verdict", "build", Phase::Parse, false),
            ("no-verdict", "parse", Phase::Parse, true),
            ("no-verdict", "parse", Phase::Prepare, false),
            ("absolute-url", "prepare", Phase::Prepare, true),
            ("many-sends", "build", Phase::Parse, true),
            ("no-verdict", "brief", Phase::Brief, true),
            ("no-verdict", "brief", Phase::Build, false),
            ("wrong-on-parse", "build", Phase::Build, false),
        ] {
            assert_eq!(misbehave_with(verb, phase, now).unwrap().is_some(), misbehaves, "{verb} in {phase}");
        }
    }

    #[test]
    fn a_verb_that_it_does_not_know_is_a_fault() {
        assert_eq!(misbehave_with("dance", "build", Phase::Build).unwrap_err().code.as_deref(), Some("bad-setting"));
    }
}
