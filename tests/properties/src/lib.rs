//! What must hold for every provider, whatever a server sends: it neither panics nor loops, and a verdict is one on a
//! record that was asked, for a cluster that was offered. Natively, where a fuzzer gets the most tries for its time.

use judge_provider::{
    Answer, Body, Cluster, Decision, Fault, HttpResponse, Instructions, Job, Outgoing, Preparation, Previous, Provider,
    Record, Settings, Step, Task, Verdict, answer,
};

pub use provider_anthropic::Anthropic;
pub use provider_lexical::Lexical;
pub use provider_ollama::Ollama;
pub use provider_openai::OpenAi;
pub use provider_openrouter::OpenRouter;
pub use provider_triton::Triton;

/// The most requests of a preparation and of a job, as the contract has them.
const SENDS_MAX: usize = 8;
/// Records in a job: a provider speaks otherwise of one than of several.
const RECORDS_MAX: [u32; 2] = [1, 3];

/// What the parse of one response tries: a status, headers and a body, taken from any bytes.
///
/// The first byte chooses the status, the second how many lines of headers follow; the rest is the body.
pub fn response(data: &[u8]) -> HttpResponse {
    const STATUSES: [u16; 16] = [200, 200, 200, 200, 201, 302, 400, 401, 402, 403, 404, 413, 429, 500, 503, 529];
    const HEADERS: [&str; 5] =
        ["retry-after", "retry-after-ms", "x-ratelimit-reset-requests", "x-ratelimit-reset", "date"];
    let (status, data) = data.split_first().map_or((0, data), |(first, rest)| (*first, rest));
    let (lines, mut rest) = data.split_first().map_or((0, data), |(first, rest)| (*first % 4, rest));
    let mut headers = Vec::new();
    for line in 0..lines {
        let end = rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
        let name = HEADERS[usize::from(line) % HEADERS.len()];
        headers.push((name.to_owned(), rest[..end].to_vec()));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    let body = match String::from_utf8(rest.to_vec()) {
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    };
    HttpResponse { status: STATUSES[usize::from(status) % STATUSES.len()], headers, body }
}

/// Reads a model's text as a verdict.
pub fn read_answer(text: &str) {
    for records_max in RECORDS_MAX {
        let job = task(settings(""), records_max).job(Body::Text(String::new()), records(records_max));
        if let Ok(verdicts) = answer::read(&job, text) {
            check_verdicts(&job, &verdicts);
        }
    }
}

/// The body of the first request for this record.
///
/// # Panics
/// Where the provider sends no text.
pub fn request<P: Provider>(profile: &[u8], id: &str, text: &str) -> String {
    request_about::<P>(profile, 1, &[(id, text)])
}

/// The body of the first request for these records, of a task of so many at most.
///
/// # Panics
/// Where the provider sends no text.
pub fn request_about<P: Provider>(profile: &[u8], records_max: u32, records: &[(&str, &str)]) -> String {
    let task = Task { profile: profile.to_vec(), ..task(settings(""), records_max) };
    let brief = P::brief(task.clone()).expect("a brief");
    let record = |(id, text): &(&str, &str)| Record { context: Vec::new(), id: (*id).into(), text: (*text).into() };
    let records = records.iter().map(record).collect();
    let Ok(Step::Send(outgoing)) = P::build_request(task.job(brief, records)) else { panic!("a request is built") };
    let Some(Body::Text(body)) = outgoing.request.body else { panic!("its body is text") };
    body
}

/// Gives a provider this response to a job, to each of its further requests too.
pub fn parse<P: Provider>(profile: &[u8], response: &HttpResponse) {
    for (extra, records_max) in RECORDS_MAX.iter().flat_map(|max| [("", *max), ("repair", *max)]) {
        let task = Task { profile: profile.to_vec(), ..task(settings(extra), records_max) };
        let Ok(brief) = P::brief(task.clone()) else { continue };
        let job = task.job(brief, records(records_max));
        let Ok(Step::Send(Outgoing { mut state, .. })) = P::build_request(job.clone()) else { continue };
        for _ in 0..SENDS_MAX {
            state = match P::parse_response(job.clone(), state, response.clone()) {
                Ok(Step::Send(outgoing)) => outgoing.state,
                Ok(Step::Done(answer)) => {
                    check_answer(&job, &answer);
                    break;
                }
                Err(fault) => {
                    check_fault(&fault);
                    break;
                }
            };
        }
    }
}

/// Gives a provider this response to every request of its preparation; the profile where that ends well.
pub fn prepare<P: Provider>(response: &HttpResponse) -> Option<Vec<u8>> {
    let mut previous = None;
    for _ in 0..SENDS_MAX {
        match P::prepare(settings(""), previous) {
            Ok(Preparation::Send(outgoing)) => {
                previous = Some(Previous { state: outgoing.state, response: response.clone() });
            }
            Ok(Preparation::Ready(profile)) => return Some(profile),
            Err(fault) => {
                check_fault(&fault);
                return None;
            }
        }
    }
    None
}

fn settings(extra: &str) -> Settings {
    let extra = if extra.is_empty() { Vec::new() } else { vec![(extra.to_owned(), "true".to_owned())] };
    Settings { model: "m".to_owned(), temperature: None, max_output_tokens: None, seed: None, extra }
}

fn task(settings: Settings, records_max: u32) -> Task {
    let cluster = |id: &str, name: &str| Cluster {
        id: id.to_owned(),
        name: name.to_owned(),
        summary: String::new(),
        criteria: String::new(),
        samples: Vec::new(),
    };
    Task {
        candidates: vec![cluster("a", "First"), cluster("b b", "Second"), cluster("ж", "Third")],
        instructions: Instructions { text: String::new(), rationale_language: None },
        allow_new_cluster: false,
        records_max,
        settings,
        profile: Vec::new(),
        extras: Vec::new(),
    }
}

fn records(count: u32) -> Vec<Record> {
    let record = |n| Record { id: format!("r{n}"), text: "some text".to_owned(), context: Vec::new() };
    (1..=count).map(record).collect()
}

fn check_answer(job: &Job, answer: &Answer) {
    assert!(!answer.verdicts.is_empty(), "an answer without a verdict is a fault");
    check_verdicts(job, &answer.verdicts);
}

fn check_verdicts(job: &Job, verdicts: &[Verdict]) {
    for (index, verdict) in verdicts.iter().enumerate() {
        assert!(job.records.iter().any(|record| record.id == verdict.record_id), "a record that was asked");
        let before = &verdicts[..index];
        assert!(before.iter().all(|other| other.record_id != verdict.record_id), "one verdict a record");
        match &verdict.decision {
            Decision::Assign(id) => assert!(job.candidate_ids.contains(id), "a cluster that was offered: {id}"),
            Decision::NewCluster(_) => panic!("a new cluster where none is allowed"),
            Decision::Skip => {}
        }
    }
}

fn check_fault(fault: &Fault) {
    assert!(!fault.message.is_empty(), "a fault says what is wrong");
    assert!(fault.message.chars().count() < 1500, "in a sentence: {}", fault.message.len());
    assert!(fault.code.as_ref().is_none_or(|code| code.chars().count() < 200), "and its code is a word");
}
