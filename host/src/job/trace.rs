use super::{Link, Plan, echo};
use crate::model::{Fault, FaultKind, Job, Step, Usage};
use serde::Serialize;
use std::io::{self, BufWriter, Write};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::mpsc;

/// Lines that may wait to be written; beyond that calls that have ended are held back, so that none is lost.
const LINES_AHEAD: usize = 1024;

/// Where a run's calls are told of, one JSON line each. Clones tell the same place.
#[derive(Clone, Debug)]
pub struct Trace {
    lines: mpsc::Sender<TracedCall>,
}

/// The thread that writes a trace.
#[derive(Debug)]
pub struct TraceWriter {
    writing: JoinHandle<io::Result<()>>,
}

/// One call to a server: no prompt, no body, no key. Others read these names.
#[derive(Clone, Debug, Serialize)]
pub struct TracedCall {
    /// When it was sent, in milliseconds since the run began.
    pub t_ms: u64,
    /// The batch.
    pub batch_id: String,
    /// The record's id; the first one's where there are several.
    pub request_id: String,
    /// Records that were asked about.
    pub records: usize,
    /// Provider id.
    pub provider: String,
    /// Model as it was asked for.
    pub model: String,
    /// Scheme, host and port; empty where there is none to tell.
    pub server: String,
    /// Which attempt at the judgement it belongs to, from 1.
    pub attempt: u32,
    /// Which call of the attempt, from 1.
    pub call: usize,
    /// How long it waited for its place and for its turn at the server's rate, in milliseconds.
    pub waited_ms: f64,
    /// From its sending to its response, in milliseconds.
    pub latency_ms: f64,
    /// `done`, `send` where the provider wants another call, or the fault's kind.
    pub result: TracedResult,
    /// The fault's code.
    pub code: Option<String>,
    /// HTTP status; null where no response came.
    pub status: Option<u16>,
    /// What the server asked to wait for, in milliseconds.
    pub retry_after_ms: Option<u64>,
    /// Prompt tokens; null where unknown.
    pub input_tokens: Option<u64>,
    /// Those from the server's cache; null where unknown.
    pub cached_input_tokens: Option<u64>,
    /// Generated tokens; null where unknown.
    pub output_tokens: Option<u64>,
    /// Cost in US dollars; null where unknown.
    pub cost_usd: Option<f64>,
    /// Records in flight when it ended, this one with them.
    pub in_flight: usize,
    /// How many might have been.
    pub limit: usize,
    /// Whether a second was sent beside it, or it is that second: the one that was given up has no line.
    pub hedge: bool,
}

/// What a call came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum TracedResult {
    /// The provider made something of the response.
    Step(TracedStep),
    /// There is no verdict.
    Fault(FaultKind),
}

/// What a provider made of a response.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum TracedStep {
    /// An answer.
    Done,
    /// Another call.
    Send,
}

impl Trace {
    /// A trace that a thread of its own writes, and the thread. Lines reach the operating system as soon as none waits.
    pub fn to(output: impl Write + Send + 'static) -> (Trace, TraceWriter) {
        let (lines, told) = mpsc::channel(LINES_AHEAD);
        (Trace { lines }, TraceWriter { writing: std::thread::spawn(move || write(told, output)) })
    }

    /// Tells of a call that has ended; waits where many are still to be written. Dropping the future loses its line.
    pub(super) async fn tell(&self, call: TracedCall) {
        // A writer that failed says so at the end; the calls go on.
        let _ = self.lines.send(call).await;
    }
}

impl TraceWriter {
    /// Waits until all is written. Ends only after the run and all clones of its trace are gone.
    ///
    /// # Errors
    /// The first that writing came to; nothing was written after it.
    pub fn finish(self) -> io::Result<()> {
        self.writing.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

/// A call that has ended, as whoever made it knows it.
pub(super) struct Ended<'a> {
    pub(super) link: &'a Link,
    pub(super) job: &'a Job,
    pub(super) server: &'a str,
    pub(super) attempt: u32,
    pub(super) call: usize,
    /// Since the run began.
    pub(super) sent_at: Duration,
    pub(super) waited: Duration,
    pub(super) latency: Duration,
    pub(super) status: Option<u16>,
    pub(super) result: &'a Result<Step, Fault>,
    pub(super) usage: &'a Usage,
    /// Whether another was sent beside it, of which one was given up.
    pub(super) hedged: bool,
}

impl Plan {
    /// The line of a call that has ended just now; none where nothing is traced.
    pub(super) fn traced(&self, ended: &Ended<'_>) -> Option<(&Trace, TracedCall)> {
        let trace = self.trace.as_ref()?;
        let Ended { link, job, usage, .. } = ended;
        // Servers repeat prompts even in their codes.
        let fault = ended.result.as_ref().err().map(|fault| echo::left_out(fault.clone(), job));
        let call = TracedCall {
            t_ms: u64::try_from(ended.sent_at.as_millis()).unwrap_or(u64::MAX),
            batch_id: self.batch_id.clone(),
            request_id: job.records.first().map(|record| record.request_id.clone()).unwrap_or_default(),
            records: job.records.len(),
            provider: link.prepared.provider.identity().descriptor.id.clone(),
            model: link.route.settings.model.clone(),
            server: ended.server.to_owned(),
            attempt: ended.attempt,
            call: ended.call,
            waited_ms: milliseconds(ended.waited),
            latency_ms: milliseconds(ended.latency),
            result: match ended.result {
                Ok(Step::Done(_)) => TracedResult::Step(TracedStep::Done),
                Ok(Step::Send(_)) => TracedResult::Step(TracedStep::Send),
                Err(fault) => TracedResult::Fault(fault.kind),
            },
            status: ended.status,
            retry_after_ms: fault
                .as_ref()
                .and_then(|fault| fault.retry_after)
                .map(|wait| u64::try_from(wait.as_millis()).unwrap_or(u64::MAX)),
            code: fault.and_then(|fault| fault.code),
            input_tokens: usage.input_tokens,
            cached_input_tokens: usage.cached_input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: usage.cost_micro_usd.map(|micro| micro as f64 / 1e6),
            in_flight: self.permits.in_flight(),
            limit: self.permits.limit(),
            hedge: ended.hedged,
        };
        Some((trace, call))
    }
}

/// To a thousandth: a trace is read by people, too.
fn milliseconds(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}

fn write(mut told: mpsc::Receiver<TracedCall>, output: impl Write) -> io::Result<()> {
    let mut output = BufWriter::new(output);
    while let Some(call) = told.blocking_recv() {
        serde_json::to_writer(&mut output, &call)?;
        output.write_all(b"\n")?;
        if told.is_empty() {
            output.flush()?;
        }
    }
    output.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::{Arc, Mutex};

    /// A writer that can be looked at, and that fails where it has no room.
    #[derive(Clone)]
    struct Shared(Arc<Mutex<Vec<u8>>>, usize);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let mut held = self.0.lock().expect("nobody panics");
            if held.len() + bytes.len() > self.1 {
                return Err(io::Error::other("no room"));
            }
            held.extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn call(t_ms: u64) -> TracedCall {
        TracedCall {
            t_ms,
            batch_id: "b".into(),
            request_id: "r".into(),
            records: 1,
            provider: "p".into(),
            model: "m".into(),
            server: "http://gpu:1".into(),
            attempt: 1,
            call: 1,
            waited_ms: 0.0,
            latency_ms: milliseconds(Duration::from_nanos(1_234_567)),
            result: TracedResult::Fault(FaultKind::RateLimited),
            code: Some("429".into()),
            status: Some(429),
            retry_after_ms: Some(1_000),
            input_tokens: None,
            cached_input_tokens: None,
            output_tokens: None,
            cost_usd: None,
            in_flight: 1,
            limit: 5,
            hedge: false,
        }
    }

    #[tokio::test]
    async fn more_lines_than_may_wait_are_all_written() {
        let shared = Shared(Arc::default(), usize::MAX);
        let (trace, writer) = Trace::to(shared.clone());
        let lines = 3 * LINES_AHEAD as u64;
        for t_ms in 0..lines {
            trace.tell(call(t_ms)).await;
        }
        drop(trace);
        writer.finish().expect("written");
        let text = String::from_utf8(shared.0.lock().expect("nobody panics").clone()).expect("text");
        let told: Vec<serde_json::Value> = text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
        assert!(told.iter().map(|line| line["t_ms"].as_u64()).eq((0..lines).map(Some)));
        assert_eq!((&told[0]["result"], &told[0]["latency_ms"]), (&"rate-limited".into(), &1.235.into()));
        let step = serde_json::to_value(TracedResult::Step(TracedStep::Send)).expect("a word");
        assert_eq!(step, "send");
    }

    #[tokio::test]
    async fn a_trace_that_cannot_be_written_holds_no_call_back() {
        let (trace, writer) = Trace::to(Shared(Arc::default(), 100));
        for t_ms in 0..2 * LINES_AHEAD as u64 {
            trace.tell(call(t_ms)).await;
        }
        drop(trace);
        assert_eq!(writer.finish().expect_err("no room").to_string(), "no room");
    }
}
