//! Never more in flight than the limit, retries included; and a server that asks for a wait gets it.

use crate::support::{CLUSTERS, Case, column, judging, records};
use judge_host_kit::{FakeLlm, FaultRule, Script, Stats, Then, When};
use std::time::Duration;

/// A run over so many records with a limit, beside a server that behaves so. Held answers go once the server has seen as much as `until` says.
async fn run(count: usize, limit: usize, faults: Vec<FaultRule>, until: impl Fn(&Stats) -> bool) -> Stats {
    let server = FakeLlm::start(Script { faults, keep_bodies: true, ..Script::default() }).await;
    let case = Case::new();
    case.file("records.jsonl", records(count));
    case.file("clusters.jsonl", CLUSTERS);
    let limit = limit.to_string();
    let args = judging(
        "ollama",
        "records.jsonl",
        &server,
        &["--clusters", "clusters.jsonl", "--parallel", &limit, "--retry-budget", "100"],
    );
    let releasing = async {
        server.until(until).await;
        server.release();
    };
    let (ran, ()) = tokio::join!(case.run_beside(&args), releasing);
    let rows = ran.code(0).rows();
    assert_eq!(rows.len(), count);
    if limit == "1" {
        let expected: Vec<String> = (0..count).map(|n| format!("r{n}")).collect();
        assert_eq!(column(&rows, "request_id"), expected, "rows come in the order of the input");
    }
    server.stats()
}

fn first_of_each(then: Then) -> FaultRule {
    FaultRule { when: When::FirstOfEachRecord(1), then }
}

#[tokio::test]
async fn in_flight_reaches_the_limit_and_never_exceeds_it_retries_included() {
    // Every record is refused once. Further answers are held back until so many wait for them that the limit is
    // reached by retries alone; a retry that did not hold its record's permit would let others in beside it.
    // A server that turns 20 away in a row is left alone, so the refusals of 64 are such that say that it is well.
    for (limit, count, then) in [
        (1, 6, Then::status(503)),
        (5, 30, Then::status(503)),
        (5, 30, Then::Garbage("hm".into())),
        (64, 160, Then::status(429)),
    ] {
        let faults = vec![first_of_each(then.clone()), FaultRule { when: When::Always, then: Then::Hold }];
        let stats = run(count, limit, faults, |stats| stats.calls >= 2 * limit as u64).await;
        assert_eq!(stats.in_flight_peak, limit, "{then:?}");
        assert_eq!(stats.calls, 2 * count as u64, "one retry each");
    }
}

#[tokio::test]
async fn connections_that_are_closed_are_tried_again_within_the_limit() {
    // Every third record's first: a server that closes half of them is left alone.
    let closed = |n: usize| FaultRule { when: When::FirstOf { record: format!("r{n}"), calls: 1 }, then: Then::Close };
    let faults = (0..30).step_by(3).map(closed).chain([FaultRule { when: When::Always, then: Then::Hold }]);
    // Of the first five two are closed, and their retries make the five whole again.
    let stats = run(30, 5, faults.collect(), |stats| stats.calls >= 5 + 2).await;
    assert_eq!((stats.in_flight_peak, stats.calls), (5, 30 + 10), "one retry each of ten");
}

#[tokio::test]
async fn a_limit_of_one_asks_one_record_after_the_other_in_input_order() {
    let stats = run(6, 1, vec![first_of_each(Then::Garbage("hm".into()))], |_| true).await;
    let order: Vec<&str> = stats.arrivals.iter().map(|(id, _)| id.as_str()).collect();
    let expected: Vec<String> = (0..6).flat_map(|n| [format!("r{n}"), format!("r{n}")]).collect();
    assert_eq!(order, expected, "a record and its retries before the next");
    assert_eq!(stats.in_flight_peak, 1);
}

#[tokio::test]
async fn a_wait_that_the_server_asks_for_is_a_floor() {
    for (header, value, floor) in
        [("retry-after", "1", Duration::from_secs(1)), ("retry-after-ms", "700", Duration::from_millis(700))]
    {
        for code in [429, 503] {
            let headers = vec![(header.to_owned(), value.to_owned())];
            let then = Then::Status { code, body: None, headers };
            let stats = run(8, 8, vec![first_of_each(then)], |_| true).await;
            for n in 0..8 {
                let id = format!("r{n}");
                let times: Vec<_> =
                    stats.arrivals.iter().filter(|(known, _)| *known == id).map(|(_, at)| *at).collect();
                let [first, second] = times[..] else { panic!("two calls on {id}, not {}", times.len()) };
                assert!(second - first >= floor, "{:?} after a status {code} with {header}", second - first);
            }
        }
    }
}
