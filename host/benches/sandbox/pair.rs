//! One record's calls through the host's own sandbox with all its limits, and natively: the same provider, compiled into
//! this program. A prompt is put together by `brief`, made ready for the record by `build-request`, and its answer read by
//! `parse-response`. Where candidates are chosen for each record, each record takes all that; where records share a prompt, it
//! is put together once, and a record takes the last two. The bound is on either.
//!
//! Both sides begin with the job and the response, and end with the request and the verdict. Each call of a provider
//! takes a job of its own: natively a clone, with all its texts; in the sandbox a copy into the guest's memory, with an
//! instance and a store made for it and gone afterwards.

use super::numbers::{median, time};
use super::table::Figures;
use anyhow::{Result, anyhow, ensure};
use judge_host::model::{self, Body, Cluster, HttpResponse, Instructions, Job, Record, Settings, Step, Task};
use judge_host::provider::Provider;
use judge_host::sandbox::{Sandbox, SandboxOptions};
use judge_provider as guest;
use provider_openai::OpenAi;
use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::runtime::Builder;

const ROUNDS: usize = 15;
/// How often the calls are made in a round.
const TIMES: u32 = 400;
/// How much slower a pair may be than natively.
const RATIO_MAX: f64 = 4.0;
/// What the prompt holds besides the form of the answer: candidates with as many samples as make 4 KB.
const CANDIDATES: usize = 20;
const SAMPLE: &str = "where is my new card?";
const TEXT: &str = "where is my card? It was sent two weeks ago and the app says nothing";
const PROMPT_BYTES: std::ops::Range<usize> = 3_500..4_700;

/// What the server answers.
pub(crate) const RESPONSE: &str = r#"{"id":"chatcmpl-1","object":"chat.completion","created":1760000000,"model":"gpt-4o-mini",
"choices":[{"index":0,"finish_reason":"stop","message":{"role":"assistant","content":
"{\"rationale\":\"asks when a card comes\",\"decision\":\"assign\",\"cluster_id\":\"cluster_7\",\"confidence\":\"high\"}"}}],
"usage":{"prompt_tokens":1100,"completion_tokens":32,"total_tokens":1132}}"#;

pub(crate) fn measure(component: &Path, figures: &mut Figures) -> Result<()> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let sandbox = Sandbox::new(SandboxOptions::default())?;
    let provider = runtime.block_on(sandbox.load(component)).map_err(|refusal| anyhow!("{refusal}"))?;
    let provider = provider.as_ref();
    let (job, native) = (runtime.block_on(job(provider, &task()))?, native_job(&native_task()));
    let prompt = job.brief.as_bytes().len();
    ensure!(PROMPT_BYTES.contains(&prompt), "a prompt of 4 KB was meant: {prompt}");

    let (task, own) = (task(), native_task());
    let in_sandbox = || runtime.block_on(async { pair(provider, &self::job(provider, &task).await?).await });
    let beside = Beside::measured(|| native_pair(&native_job(&own)), in_sandbox)?;
    beside.tell(&format!("a prompt of {prompt} bytes built, its answer read"), figures);

    let in_sandbox = || runtime.block_on(pair(provider, &job));
    let beside = Beside::measured(|| native_pair(&native), in_sandbox)?;
    beside.tell("the same with a prompt that records share", figures);
    Ok(())
}

/// The same calls natively and in the sandbox.
struct Beside {
    native: Duration,
    sandboxed: Duration,
    /// How much slower, round by round; the least first.
    ratios: Vec<f64>,
}

impl Beside {
    fn measured(mut native: impl FnMut(), mut sandboxed: impl FnMut() -> Result<()>) -> Result<Beside> {
        let mut rounds = Vec::new();
        for _ in 0..ROUNDS {
            let native = each(TIMES, || {
                native();
                Ok(())
            })?;
            rounds.push((native, each(TIMES, &mut sandboxed)?));
        }
        let mut ratios: Vec<f64> =
            rounds.iter().map(|(native, sandboxed)| sandboxed.as_secs_f64() / native.as_secs_f64()).collect();
        ratios.sort_unstable_by(f64::total_cmp);
        let (native, sandboxed) = rounds.into_iter().unzip();
        Ok(Beside { native: median(native), sandboxed: median(sandboxed), ratios })
    }

    fn tell(&self, calls: &str, figures: &mut Figures) {
        figures.push(format!("{calls}, native"), time(self.native));
        figures.push("in the sandbox, all limits on, an instance a call", time(self.sandboxed));
        let (ratio, least, most) = (self.ratios[ROUNDS / 2], self.ratios[1], self.ratios[ROUNDS - 2]);
        let said = format!("{ratio:.2}x ({least:.2} to {most:.2})");
        figures.push_bound("how much slower that is", said, format!("at most {RATIO_MAX}x"), ratio <= RATIO_MAX);
    }
}

/// Both calls; each has an instance of its own.
async fn pair(provider: &dyn Provider, job: &Job) -> Result<()> {
    let Step::Send(outgoing) = provider.build_request(job).await.map_err(failed)? else {
        unreachable!("it has a server")
    };
    let response = HttpResponse { status: 200, headers: Vec::new(), body: Body::Text(RESPONSE.to_owned()) };
    let step = provider.parse_response(job, outgoing.state, response).await.map_err(failed)?;
    ensure!(matches!(step, Step::Done(_)), "the answer was read");
    Ok(())
}

fn native_pair(job: &guest::Job) {
    use guest::Provider as _;
    let Ok(guest::Step::Send(outgoing)) = OpenAi::build_request(job.clone()) else { unreachable!("it has a server") };
    let body = guest::Body::Text(RESPONSE.to_owned());
    let response = guest::HttpResponse { status: 200, headers: Vec::new(), body };
    let step = OpenAi::parse_response(job.clone(), outgoing.state, response);
    assert!(matches!(black_box(step), Ok(guest::Step::Done(_))), "the answer was read");
}

fn task() -> Arc<Task> {
    let candidates = (0..CANDIDATES).map(|number| {
        let (cluster_id, name) = (format!("cluster_{number}"), format!("Cluster {number}"));
        Arc::new(Cluster { cluster_id, name, sample_requests: vec![SAMPLE.to_owned()], ..Cluster::default() })
    });
    Arc::new(Task {
        candidates: candidates.collect(),
        instructions: Arc::new(Instructions::default()),
        allow_new_cluster: true,
        records_max: 1,
        settings: Arc::new(Settings { model: "gpt-4o-mini".to_owned(), ..Settings::default() }),
        profile: Arc::from([]),
    })
}

async fn job(provider: &dyn Provider, task: &Arc<Task>) -> Result<Job> {
    let brief = Arc::new(provider.brief(task).await.map_err(failed)?);
    Ok(Job { records: vec![Arc::new(Record::new("r1", TEXT))], task: Arc::clone(task), brief })
}

fn failed(fault: model::Fault) -> anyhow::Error {
    anyhow::Error::msg(fault.message)
}

/// The same task in the provider's own types.
fn native_task() -> guest::Task {
    let candidates = (0..CANDIDATES).map(|number| guest::Cluster {
        id: format!("cluster_{number}"),
        name: format!("Cluster {number}"),
        summary: String::new(),
        criteria: String::new(),
        samples: vec![SAMPLE.to_owned()],
    });
    let settings = guest::Settings {
        model: "gpt-4o-mini".to_owned(),
        temperature: None,
        max_output_tokens: None,
        seed: None,
        extra: Vec::new(),
    };
    guest::Task {
        candidates: candidates.collect(),
        instructions: guest::Instructions { text: String::new(), rationale_language: None },
        allow_new_cluster: true,
        records_max: 1,
        settings,
        profile: Vec::new(),
        extras: Vec::new(),
    }
}

fn native_job(task: &guest::Task) -> guest::Job {
    use guest::Provider as _;
    let brief = OpenAi::brief(task.clone()).expect("the task is sound");
    task.job(brief, vec![guest::Record { id: "r1".to_owned(), text: TEXT.to_owned(), context: Vec::new() }])
}

/// How long a closure takes a time, on average.
pub(crate) fn each(times: u32, mut run: impl FnMut() -> Result<()>) -> Result<Duration> {
    let begun = Instant::now();
    for _ in 0..times {
        run()?;
    }
    Ok(begun.elapsed() / times)
}
