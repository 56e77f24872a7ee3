//! The library: the same judge without the binary.

use crate::support::{cache, plugins};
use futures_util::{StreamExt, stream};
use judge_host::control::limit::Limit;
use judge_host::model::{Decision, Dedup, FaultKind, MicroUsd, Outcome, Prices, Record};
use judge_host::registry::ClusterDraft;
use judge_host::transport::Secret;
use judge_host::{Judge, JudgeOptions};
use judge_host_kit::{FakeLlm, FaultRule, Script, Then, When};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// What a case has different.
type Change<'a> = Box<dyn FnOnce(&mut JudgeOptions) + 'a>;

fn options(endpoint: &str) -> JudgeOptions {
    JudgeOptions {
        providers: plugins(),
        provider: "openai".to_owned(),
        endpoints: vec![endpoint.to_owned()],
        model: Some("fake".to_owned()),
        settings: vec![("probe".to_owned(), "never".to_owned())],
        attempts: 1,
        cache_dir: Some(cache()),
        ..JudgeOptions::default()
    }
}

/// A judge of this server, with two clusters to choose from.
async fn open(server: &FakeLlm, changed: impl FnOnce(&mut JudgeOptions)) -> Judge {
    let mut options = options(&server.url());
    changed(&mut options);
    let judge = Judge::open(options).await.unwrap();
    let draft = |id: &str| ClusterDraft { cluster_id: id.to_owned(), ..ClusterDraft::default() };
    judge.registry().upsert(vec![draft("a"), draft("b")]).await.unwrap();
    judge
}

fn records(count: usize) -> Vec<Record> {
    (0..count).map(|n| Record::new(format!("r{n}"), format!("text {n}"))).collect()
}

fn ids(outcomes: &[Outcome]) -> Vec<&str> {
    outcomes.iter().map(|outcome| outcome.request_id.as_str()).collect()
}

fn failing(when: When, then: Then) -> Script {
    Script { faults: vec![FaultRule { when, then }], ..Script::default() }
}

#[tokio::test]
async fn outcomes_come_in_the_order_of_the_records() {
    // The first is the last to be answered.
    let script = failing(When::Call(1), Then::Stall(Duration::from_millis(500)));
    let server = FakeLlm::start(script).await;
    let judge = open(&server, |_| {}).await;
    let outcomes = judge.judge_slice(records(20), Some(5)).await.unwrap();
    let expected: Vec<_> = (0..20).map(|n| format!("r{n}")).collect();
    assert_eq!(ids(&outcomes), expected);
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()));
    assert!(outcomes[0].latency > outcomes[1].latency, "the first was stalled: {:?}", outcomes[0].latency);
    assert_eq!(judge.judge_slice(Vec::new(), None).await.unwrap(), [], "none are none");
}

#[tokio::test]
async fn a_record_that_fails_is_an_outcome_among_the_others() {
    let server = FakeLlm::start(failing(When::Record("r2".to_owned()), Then::status(402))).await;
    let judge = open(&server, |_| {}).await;
    let mut asked = records(5);
    asked[4].candidates = Some(vec!["no-such".to_owned()]);
    let outcomes = judge.judge_slice(asked, None).await.unwrap();
    let kinds: Vec<_> = outcomes.iter().map(|outcome| outcome.result.as_ref().err().map(|fault| fault.kind)).collect();
    assert_eq!(kinds, [None, None, Some(FaultKind::Quota), None, Some(FaultKind::BadInput)]);
    assert_eq!(judge.registry().snapshot().iter().map(|cluster| cluster.count).sum::<u64>(), 3, "three are counted");
}

#[tokio::test]
async fn parallel_is_that_of_the_call_or_else_of_the_judge() {
    for (of_the_call, of_the_judge, peak) in [(None, 3, 3), (Some(6), 3, 6), (Some(1), 3, 1), (Some(0), 3, 1)] {
        let server = FakeLlm::start(Script { delay: Duration::from_millis(50), ..Script::default() }).await;
        let judge = open(&server, |options| options.parallel = Limit::fixed(of_the_judge)).await;
        judge.judge_slice(records(12), of_the_call).await.unwrap();
        assert_eq!(server.stats().in_flight_peak, peak, "{of_the_call:?}");
    }
}

#[tokio::test]
async fn servers_share_the_records_and_records_of_one_text_a_call() {
    let (server, other) = (FakeLlm::start(Script::default()).await, FakeLlm::start(Script::default()).await);
    let price = MicroUsd(1_000_000);
    let judge = open(&server, |options| {
        options.endpoints.push(other.url());
        options.dedup = Dedup::On;
        options.prices = Some(Prices { input: price, cached_input: price, output: price });
    })
    .await;
    let same = (0..5).map(|n| Record::new(format!("same{n}"), "one text"));
    let outcomes = judge.judge_slice(records(20).into_iter().chain(same).collect(), Some(4)).await.unwrap();
    let calls = [server.stats().calls, other.stats().calls];
    assert_eq!((outcomes.len(), calls.iter().sum::<u64>()), (25, 21), "{calls:?}");
    assert!(calls.iter().all(|calls| *calls >= 5), "{calls:?}");
    let free = outcomes.iter().filter(|outcome| outcome.usage.cost_micro_usd == Some(0)).count();
    let paid = outcomes.iter().filter(|outcome| outcome.usage.cost_micro_usd > Some(0)).count();
    assert_eq!((free, paid), (4, 21));
}

#[tokio::test]
async fn what_is_committed_is_recalled_without_a_call() {
    let folder = tempfile::tempdir().unwrap();
    let registry = folder.path().join("judge.db");
    let server = FakeLlm::start(failing(When::Record("r1".to_owned()), Then::status(402))).await;
    let kept = |options: &mut JudgeOptions| options.registry = Some(registry.clone());
    let first = {
        let judge = open(&server, kept).await;
        judge.judge_slice(records(4), None).await.unwrap()
    };
    assert_eq!(server.stats().calls, 4);
    let judge = open(&server, kept).await;
    let again = judge.judge_slice(records(6), None).await.unwrap();
    assert_eq!(server.stats().calls, 7, "the failed one and the two new ones");
    for n in [0, 2, 3] {
        // The store counts in microseconds.
        let latency = again[n].latency;
        assert_eq!(latency.as_micros(), first[n].latency.as_micros());
        assert_eq!(again[n], Outcome { latency, ..first[n].clone() });
    }
    assert!(again[1].result.is_err() && again[5].result.is_ok());
    // Another batch is another run.
    let other = {
        drop(judge);
        open(&server, |options| (options.registry, options.batch_id) = (Some(registry.clone()), "other".to_owned()))
            .await
    };
    other.judge_slice(records(1), None).await.unwrap();
    assert_eq!(server.stats().calls, 8);
}

#[tokio::test]
async fn of_two_records_with_one_id_the_first_is_judged_and_both_get_its_outcome() {
    let server = FakeLlm::start(Script { keep_bodies: true, ..Script::default() }).await;
    let judge = open(&server, |_| {}).await;
    let twice = vec![Record::new("r1", "first"), Record::new("r2", "other"), Record::new("r1", "second")];
    let outcomes = judge.judge_slice(twice, Some(1)).await.unwrap();
    assert_eq!(ids(&outcomes), ["r1", "r2", "r1"]);
    assert_eq!(outcomes[0], outcomes[2]);
    let stats = server.stats();
    assert_eq!(stats.calls, 2);
    assert!(stats.bodies.join("").contains("first") && !stats.bodies.join("").contains("second"));
}

#[tokio::test]
async fn a_provider_that_needs_no_server_is_opened_without_one() {
    let judge = Judge::open(JudgeOptions {
        provider: "lexical".to_owned(),
        endpoints: Vec::new(),
        model: None,
        ..options("http://127.0.0.1:9")
    })
    .await
    .unwrap();
    let draft = |id: &str, name: &str| ClusterDraft {
        cluster_id: id.to_owned(),
        name: Some(name.to_owned()),
        ..ClusterDraft::default()
    };
    judge.registry().upsert(vec![draft("a", "card arrival"), draft("b", "exchange rate")]).await.unwrap();
    let outcomes = judge.judge_slice(vec![Record::new("r1", "exchange rate")], None).await.unwrap();
    let judged = outcomes[0].result.as_ref().unwrap();
    assert_eq!((judged.decision, judged.cluster_id.as_deref()), (Decision::Assign, Some("b")));
    assert_eq!(judge.registry().get_cluster("b").unwrap().count, 1);
}

#[tokio::test]
async fn a_stream_gives_every_outcome_as_it_comes() {
    let script = failing(When::Call(1), Then::Stall(Duration::from_secs(1)));
    let server = FakeLlm::start(script).await;
    let judge = open(&server, |_| {}).await;
    let outcomes: Vec<_> = judge.judge_stream(stream::iter(records(30)), Some(4)).collect().await;
    let outcomes: Vec<_> = outcomes.into_iter().map(Result::unwrap).collect();
    let mut found = ids(&outcomes);
    assert_ne!(found[0], "r0", "the stalled one holds nobody back");
    found.sort_unstable();
    found.dedup();
    assert_eq!((found.len(), server.stats().calls), (30, 30));
}

#[tokio::test]
async fn a_stream_that_is_dropped_stops_and_takes_no_more_records_than_it_can_judge() {
    let server = FakeLlm::start(Script { delay: Duration::from_millis(10), ..Script::default() }).await;
    let judge = open(&server, |_| {}).await;
    let taken = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&taken);
    // Without an end: whoever collects it never comes back.
    let endless = stream::iter(0..).map(move |n: usize| {
        count.fetch_add(1, Ordering::SeqCst);
        Record::new(format!("s{n}"), "text")
    });
    let mut outcomes = judge.judge_stream(endless, Some(4));
    for _ in 0..3 {
        outcomes.next().await.unwrap().unwrap();
    }
    drop(outcomes);
    // As long as forty calls take at one time, which would be a hundred and sixty at four.
    judge.judge_slice(records(40), Some(1)).await.unwrap();
    let stopped = taken.load(Ordering::SeqCst);
    assert!((3..=40).contains(&stopped), "{stopped} records were taken");
    assert!(server.stats().calls <= 40 + stopped as u64);
    judge.judge_slice(records(45), Some(1)).await.unwrap();
    assert_eq!(taken.load(Ordering::SeqCst), stopped, "nothing goes on behind the caller's back");
}

#[tokio::test]
async fn a_judge_that_cannot_be_opened_says_what_to_do() {
    let nobody = FakeLlm::start(Script::default()).await;
    let unreachable = nobody.url();
    nobody.stop().await;
    let server = FakeLlm::start(Script { key: Some("right".to_owned()), ..Script::default() }).await;
    let url = server.url();
    let cases: Vec<(Change<'_>, &str, String)> = vec![
        (
            Box::new(|options| options.provider = "opnai".to_owned()),
            "no such provider: `opnai`",
            "loaded are: anthropic, lexical, ollama, openai, openrouter, triton".to_owned(),
        ),
        (
            Box::new(|options| options.providers = Path::new("/no/such/folder").to_owned()),
            "no such folder of providers: `/no/such/folder`",
            "`cargo xtask plugins` builds the bundled providers".to_owned(),
        ),
        (
            Box::new(|options| options.endpoints = vec![unreachable.clone()]),
            "the provider cannot start: openai",
            format!("is the server running at {unreachable}?"),
        ),
        (
            Box::new(|options| options.endpoints = vec!["localhost:11434".to_owned()]),
            "endpoint has no scheme",
            "write `http://localhost:11434`".to_owned(),
        ),
        (
            Box::new(|options| options.api_key = Some(Secret::new("sk-other"))),
            "the provider cannot start: openai",
            "check the key, and that `--api-key-env` names the environment variable that holds it".to_owned(),
        ),
        (
            Box::new(|options| {
                options.model = Some("large".to_owned());
                options.api_key = Some(Secret::new("right"));
            }),
            "the provider cannot start: openai",
            "name one of them by `--model NAME`".to_owned(),
        ),
        (
            Box::new(|options| {
                options.provider = "lexical".to_owned();
                options.endpoints.clear();
                options.api_key = Some(Secret::new("right"));
            }),
            "the provider takes no key: lexical",
            "leave the key out".to_owned(),
        ),
        (
            Box::new(|options| options.registry = Some("/no/such/folder/judge.db".into())),
            "/no/such/folder",
            String::new(),
        ),
    ];
    for (change, message, hint) in cases {
        let mut options = options(&url);
        change(&mut options);
        let error = Judge::open(options).await.err().unwrap_or_else(|| panic!("opened: {message}"));
        assert!(error.to_string().contains(message), "{error}");
        let told = error.hint().unwrap_or_else(|| panic!("no hint: {error}"));
        assert!(told.contains(&hint), "{error}: {told}");
        assert!(!format!("{error:?} {told}").contains("sk-other"), "no key in an error: {error:?}");
    }
    assert_eq!(server.stats().calls, 0);
}
