//! A component that spins in all of its calls, and another whose records are judged beside it.

use super::{Guest, LENIENT, policy, records};
use crate::support::guests;
use futures_util::StreamExt;
use judge_host::judge::Policy;
use judge_host::sandbox::{CPU_MAX, Limits};
use std::time::Duration;

/// Records of the other component, enough for a 99th percentile.
const RECORDS: usize = 200;

/// The latency that 99 of 100 records do not exceed.
async fn p99(guest: &Guest) -> Duration {
    let judge = guest.judge_by(&guest.other, Vec::new(), policy());
    let outcomes = judge.judge_slice(records(RECORDS), Some(8)).await.unwrap();
    assert!(outcomes.iter().all(|outcome| outcome.result.is_ok()), "{outcomes:#?}");
    let mut latencies: Vec<_> = outcomes.iter().map(|outcome| outcome.latency).collect();
    latencies.sort_unstable();
    latencies[RECORDS * 99 / 100 - 1]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::print_stderr, reason = "the figure is worth seeing, with `--nocapture`")]
async fn a_guest_that_spins_with_64_in_flight_delays_others_by_less_than_twice_its_deadline() {
    let guest = Guest::of(&guests().join("guest_misbehaving.wasm"), Limits::default()).await;
    let alone = p99(&guest).await;
    let extra = vec![("phase".to_owned(), "build".to_owned()), ("verb".to_owned(), "spin".to_owned())];
    let spinning = guest.judge_by(&guest.provider, extra, Policy { quarantine: LENIENT, ..policy() });
    let mut spins = spinning.judge_stream(futures_util::stream::iter(records(100_000)), Some(64));
    // After the first has ended, all turns are taken.
    assert!(spins.next().await.unwrap().unwrap().result.is_err());
    let spin = tokio::spawn(async move { spins.map(drop).count().await });
    let beside = p99(&guest).await;
    assert!(!spin.is_finished(), "it still spins");
    spin.abort();
    eprintln!("p99 of {RECORDS} records: {alone:?} alone, {beside:?} beside 64 that spin");
    assert!(beside < alone + 2 * CPU_MAX, "{alone:?} alone, {beside:?} beside 64 that spin");
}
