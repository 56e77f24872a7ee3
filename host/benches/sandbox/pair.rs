//! One record's two calls, `build-request` and `parse-response`, through the host's own sandbox with all its limits, and
//! natively: the same provider, compiled into this program.
//!
//! Both sides begin with the job and the response, and end with the request and the verdict. Each call of a provider
//! takes a job of its own: natively a clone, with all its texts; in the sandbox a copy into the guest's memory, with an
//! instance and a store made for it and gone afterwards.

use super::numbers::{median, time};
use super::table::Figures;
use anyhow::{Result, anyhow, ensure};
use judge_host::model::{
    self, Body, Cluster, FaultKind, HttpResponse, Instructions, Job, Record, Settings, Step, Task,
};
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
const PAIRS: u32 = 400;
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
    let (job, native) = (runtime.block_on(job(provider.as_ref()))?, native_job());
    let (mut ratios, mut sandboxed, mut alone) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        (0..PAIRS).for_each(|_| native_pair(&native));
        let native = begun.elapsed() / PAIRS;
        let begun = Instant::now();
        runtime.block_on(async {
            for _ in 0..PAIRS {
                pair(provider.as_ref(), &job).await?;
            }
            anyhow::Ok(())
        })?;
        let guest = begun.elapsed() / PAIRS;
        ratios.push(guest.as_secs_f64() / native.as_secs_f64());
        sandboxed.push(guest);
        alone.push(native);
    }
    ratios.sort_unstable_by(f64::total_cmp);
    let (ratio, prompt) = (ratios[ROUNDS / 2], job.brief.as_bytes().len());
    figures.push(format!("build + parse, prompt of {prompt} bytes, native"), time(median(alone)));
    figures.push("the same in the sandbox, all limits on, an instance a call", time(median(sandboxed)));
    figures.push_bound(
        "how much slower that is",
        format!("{ratio:.2}x ({:.2} to {:.2})", ratios[1], ratios[ROUNDS - 2]),
        format!("at most {RATIO_MAX}x"),
        ratio <= RATIO_MAX,
    );
    Ok(())
}

/// Both calls; each has an instance of its own.
async fn pair(provider: &dyn Provider, job: &Job) -> Result<()> {
    let failed = |fault: model::Fault| anyhow!("{}", fault.message);
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

async fn job(provider: &dyn Provider) -> Result<Job> {
    let candidates = (0..CANDIDATES).map(|number| {
        let (cluster_id, name) = (format!("cluster_{number}"), format!("Cluster {number}"));
        Arc::new(Cluster { cluster_id, name, sample_requests: vec![SAMPLE.to_owned()], ..Cluster::default() })
    });
    let task = Task {
        candidates: candidates.collect(),
        instructions: Arc::new(Instructions::default()),
        allow_new_cluster: true,
        records_max: 1,
        settings: Arc::new(Settings { model: "gpt-4o-mini".to_owned(), ..Settings::default() }),
        profile: Arc::from([]),
    };
    let brief = provider.brief(&task).await.map_err(|fault| anyhow!("{}: {}", FaultKind::Malformed, fault.message))?;
    let bytes = brief.as_bytes().len();
    ensure!(PROMPT_BYTES.contains(&bytes), "a prompt of 4 KB was meant: {bytes}");
    let records = vec![Arc::new(Record::new("r1", TEXT))];
    Ok(Job { records, task: Arc::new(task), brief: Arc::new(brief) })
}

/// The same job in the provider's own types.
fn native_job() -> guest::Job {
    use guest::Provider as _;
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
    let task = guest::Task {
        candidates: candidates.collect(),
        instructions: guest::Instructions { text: String::new(), rationale_language: None },
        allow_new_cluster: true,
        records_max: 1,
        settings,
        profile: Vec::new(),
        extras: Vec::new(),
    };
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
