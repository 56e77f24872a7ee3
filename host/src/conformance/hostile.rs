use super::vector::Vector;
use super::{Case, VectorFile, corpus, spell, told};
use crate::model::{Fault, FaultKind, HttpResponse, Job, Preparation, Previous, Settings, Step};
use crate::provider::Provider;
use serde_json::Value;
use std::sync::Arc;

/// What the cases of the corpus go under.
const GROUP: &str = "hostile corpus";
/// The same where the provider took no job that they could answer: half of the corpus must not look like the whole.
const GROUP_OF_HALF: &str = "hostile corpus, in the preparation alone (without a vector it takes no job)";
/// Further requests that a hostile response may cause in one job; the contract says so.
const SENDS_MAX: usize = 3;

/// Gives the provider responses that no honest server sends, in the preparation and in a job. It passes where it ends
/// each in a fault of its own or sends again, within its limits; in a job a verdict fails, since none was given. Good
/// responses of the vectors come cut off, too.
///
/// A provider that takes no job, as it needs what only a vector knows, gets the responses in the preparation alone; the
/// group of the cases says so.
pub async fn hostile(provider: &dyn Provider, vectors: &[VectorFile]) -> Vec<Case> {
    let descriptor = &provider.identity().descriptor;
    let settings =
        Settings { model: descriptor.default_model.clone().unwrap_or_else(|| "m".into()), ..Settings::default() };
    let sample = sample(provider, vectors).await;
    let group = if sample.is_some() { GROUP } else { GROUP_OF_HALF };
    let case = |about, failure| Case { group: group.to_owned(), about, failure };
    let mut cases = Vec::new();
    for (about, response) in corpus::responses() {
        let failure = prepared(provider, &settings, &response).await;
        cases.push(case(format!("preparation: {about}"), failure));
    }
    if let Some((job, state)) = sample {
        for (about, response) in corpus::responses() {
            cases.push(case(format!("answer: {about}"), answered(provider, &job, &state, &response).await));
        }
    }
    for file in vectors {
        cases.extend(cut_off(provider, file).await);
    }
    cases
}

/// A job that the provider takes, and the state of its first request: the first such of the vectors, as a provider may
/// need the profile of a preparation; else one that says nothing of itself.
async fn sample(provider: &dyn Provider, vectors: &[VectorFile]) -> Option<(Job, Vec<u8>)> {
    for file in vectors {
        if let Some(taken) = taken(provider, &file.vector).await {
            return Some(taken);
        }
    }
    let vector: Vector = serde_json::from_str("{\"about\":\"nothing\"}").ok()?;
    taken(provider, &vector).await
}

async fn taken(provider: &dyn Provider, vector: &Vector) -> Option<(Job, Vec<u8>)> {
    let task = vector.task(provider.identity().descriptor.default_model.as_deref()).ok()?;
    let brief = provider.brief(&task).await.ok()?;
    let job = Job { records: vector.records(), task: Arc::new(task), brief: Arc::new(brief) };
    match provider.build_request(&job).await.ok()? {
        Step::Send(outgoing) => Some((job, outgoing.state)),
        // A judge that sends nothing has no state; what comes back to it anyway must not harm it.
        Step::Done(_) => Some((job, Vec::new())),
    }
}

/// Why a preparation with this response fails the case.
async fn prepared(provider: &dyn Provider, settings: &Settings, response: &HttpResponse) -> Option<String> {
    let mut previous = None;
    // The first call asks; every later one gets the same response.
    for _ in 0..=SENDS_MAX {
        match provider.prepare(settings, previous.take()).await {
            Ok(Preparation::Ready(_)) => return None,
            Ok(Preparation::Send(outgoing)) => {
                previous = Some(Previous { state: outgoing.state, response: response.clone() });
            }
            Err(fault) => return broke(&fault),
        }
    }
    None
}

/// Why a job with this response fails the case.
async fn answered(provider: &dyn Provider, job: &Job, state: &[u8], response: &HttpResponse) -> Option<String> {
    let mut state = state.to_vec();
    for _ in 0..SENDS_MAX {
        match provider.parse_response(job, state, response.clone()).await {
            Ok(Step::Send(outgoing)) => state = outgoing.state,
            Ok(Step::Done(answer)) => {
                return Some(format!(
                    "it takes this for an answer: {}",
                    super::difference::short(&spell::answer(&answer))
                ));
            }
            Err(fault) => return broke(&fault),
        }
    }
    None
}

/// A fault that the host made: the component trapped, or went over a limit.
fn broke(fault: &Fault) -> Option<String> {
    let own = !matches!(
        fault.kind,
        FaultKind::Trap | FaultKind::Deadline | FaultKind::Memory | FaultKind::TooLarge | FaultKind::Blocked
    );
    (!own).then(|| format!("it ends in {}", told(fault)))
}

/// The good responses of a vector, cut off.
async fn cut_off(provider: &dyn Provider, file: &VectorFile) -> Vec<Case> {
    let Some((job, state)) = taken(provider, &file.vector).await else { return Vec::new() };
    let mut cases = Vec::new();
    let good = file.vector.cases.iter().filter(|case| case.answer.is_some());
    let first = good.filter_map(|case| case.exchange.first().filter(|item| item["method"] == Value::Null));
    for response in first.filter_map(|spelled| spell::response(spelled).ok()) {
        for (about, cut) in corpus::cut(&response) {
            let failure = answered(provider, &job, &state, &cut).await;
            cases.push(Case { group: file.name(), about, failure });
        }
    }
    cases
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Answer, Body, Choice, Confidence, HttpRequest, Outgoing, Task, Verdict};
    use crate::provider::Identity;
    use async_trait::async_trait;

    /// Ends every response alike.
    struct Always {
        identity: Identity,
        end: Result<Step, Fault>,
        takes_jobs: bool,
    }

    fn always(end: Result<Step, Fault>) -> Always {
        let identity = Identity { path: "always.wasm".into(), ..Identity::default() };
        Always { identity, end, takes_jobs: true }
    }

    fn outgoing() -> Outgoing {
        let request = HttpRequest { method: "GET".into(), path_and_query: "/".into(), headers: Vec::new(), body: None };
        Outgoing { request, state: Vec::new() }
    }

    #[async_trait]
    impl Provider for Always {
        fn identity(&self) -> &Identity {
            &self.identity
        }

        async fn prepare(&self, _: &Settings, previous: Option<Previous>) -> Result<Preparation, Fault> {
            match (previous, &self.end) {
                (None, _) => Ok(Preparation::Send(outgoing())),
                (Some(_), Err(fault)) => Err(fault.clone()),
                (Some(_), Ok(_)) => Ok(Preparation::Ready(Vec::new())),
            }
        }

        async fn brief(&self, _: &Task) -> Result<Body, Fault> {
            let refused = || Fault::new(FaultKind::Unsupported, "nothing is known of the server");
            self.takes_jobs.then(|| Body::Text(String::new())).ok_or_else(refused)
        }

        async fn build_request(&self, _: &Job) -> Result<Step, Fault> {
            Ok(Step::Send(outgoing()))
        }

        async fn parse_response(&self, _: &Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
            self.end.clone()
        }
    }

    async fn failed(end: Result<Step, Fault>) -> (usize, usize) {
        let cases = hostile(&always(end), &[]).await;
        (cases.iter().filter(|case| !case.passed()).count(), cases.len())
    }

    #[tokio::test]
    async fn a_verdict_that_nobody_gave_and_a_broken_limit_fail_and_faults_and_sends_pass() {
        let verdict = Verdict {
            record_id: "r1".into(),
            choice: Choice::Skip,
            confidence: Confidence::Low,
            rationale: String::new(),
        };
        let answer = Answer { verdicts: vec![verdict], ..Answer::default() };
        assert_eq!(failed(Err(Fault::new(FaultKind::Malformed, "no"))).await, (0, 784));
        assert_eq!(failed(Ok(Step::Send(outgoing()))).await, (0, 784));
        assert_eq!(failed(Ok(Step::Done(answer))).await, (392, 784), "in every job");
        for kind in [FaultKind::Trap, FaultKind::Deadline, FaultKind::Memory, FaultKind::TooLarge] {
            assert_eq!(failed(Err(Fault::new(kind, "no"))).await, (784, 784), "{kind}");
        }
    }

    #[tokio::test]
    async fn what_was_not_tried_is_no_case_and_the_others_say_so() {
        let provider = Always { takes_jobs: false, ..always(Err(Fault::new(FaultKind::Malformed, "no"))) };
        let cases = hostile(&provider, &[]).await;
        assert_eq!(cases.len(), 392);
        assert!(cases.iter().all(|case| case.passed() && case.group == GROUP_OF_HALF), "{:?}", cases[0]);
        let cases = hostile(&always(Err(Fault::new(FaultKind::Malformed, "no"))), &[]).await;
        assert!(cases.iter().all(|case| case.group == GROUP));
    }
}
