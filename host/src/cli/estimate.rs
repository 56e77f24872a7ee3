//! What a whole input will probably take, by the requests of some of its records. Nothing is sent.

use super::advice;
use judge_host::Judge;
use judge_host::control::rate::TokenEstimate;
use judge_host::job::source::{Read, Source};
use judge_host::model::{Fault, HttpRequest, Prices, Record, Settings, Step};
use judge_host::registry::{Registry, SeenIds};
use judge_host::report::count;

/// Requests that are all built; of those after them ever fewer.
const BUILT_ALL: u64 = 100;
/// After those, one in so many of the requests before it: 120 further ones for ten million records.
const BUILT_ONE_IN: u64 = 10;

/// An input, and what of it is to be judged.
pub(super) struct Input {
    pub(super) source: Source,
    pub(super) is_stdin: bool,
    pub(super) batch_id: String,
    pub(super) limit: Option<u64>,
    pub(super) rejudge: bool,
}

/// What was seen of an input.
#[derive(Debug, Default)]
pub(super) struct Estimate {
    /// Records to judge.
    records: u64,
    /// Those that have their verdict.
    already_done: u64,
    /// Rows that are no records.
    unreadable: u64,
    /// Bytes of the texts and fields of all records to judge.
    record_bytes: u64,
    /// What goes into one request each: a record, or several.
    units: u64,
    /// Those whose first step was looked at.
    looked_at: u64,
    /// Those that send a request.
    built: u64,
    /// Bytes of their requests beside their records' own.
    frame_bytes: u64,
    /// The next whose first step is looked at.
    next: u64,
}

impl Estimate {
    /// Reads an input to its end; `first` is given the first step that there is.
    pub(super) async fn of(
        input: Input,
        judge: &Judge,
        known: Option<&Registry>,
        mut first: impl FnMut(&Step) -> anyhow::Result<()>,
    ) -> anyhow::Result<Estimate> {
        let Input { mut source, batch_id, limit, rejudge, .. } = input;
        let most = judge.policy().records_per_request;
        let mut seen = advice::of(SeenIds::open())?;
        let (mut estimate, mut unit) = (Estimate::default(), Vec::new());
        while limit.is_none_or(|limit| estimate.records + estimate.unreadable < limit) {
            let record = match advice::of(source.next_row())? {
                None => break,
                Some(Read::Record { record, .. }) => record,
                Some(Read::Unreadable { .. }) => {
                    estimate.unreadable += 1;
                    continue;
                }
            };
            if !advice::of(seen.first(&record.request_id))? {
                continue;
            }
            if !rejudge
                && let Some(known) = known
                && advice::of(known.judged(&batch_id, &record.request_id))?
            {
                estimate.already_done += 1;
                continue;
            }
            estimate.records += 1;
            // One that names its candidates goes alone, as it does in a run.
            let is_alone = record.candidates.is_some();
            if is_alone {
                estimate.close(&mut unit, judge, &mut first).await?;
            }
            unit.push(record);
            if is_alone || unit.len() >= most {
                estimate.close(&mut unit, judge, &mut first).await?;
            }
        }
        estimate.close(&mut unit, judge, &mut first).await?;
        Ok(estimate)
    }

    /// Takes in what goes into one request, if anything does.
    async fn close(
        &mut self,
        unit: &mut Vec<Record>,
        judge: &Judge,
        first: &mut impl FnMut(&Step) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        if unit.is_empty() {
            return Ok(());
        }
        let (index, bytes) = (self.units, unit.iter().map(Record::bytes).sum());
        let records = std::mem::take(unit);
        self.units += 1;
        self.record_bytes += bytes;
        if index != self.next {
            return Ok(());
        }
        self.next += 1 + index.saturating_sub(BUILT_ALL) / BUILT_ONE_IN;
        match judge.first_step(records).await {
            Ok(step) => {
                if self.looked_at == 0 {
                    first(&step)?;
                }
                self.take_in(&step, bytes);
            }
            Err(fault) if self.looked_at == 0 => return Err(unprepared(fault).into()),
            // It fails in the run, too, and costs nothing there.
            Err(_) => self.looked_at += 1,
        }
        Ok(())
    }

    fn take_in(&mut self, step: &Step, record_bytes: u64) {
        self.looked_at += 1;
        if let Step::Send(outgoing) = step {
            self.built += 1;
            self.frame_bytes += request_bytes(&outgoing.request).saturating_sub(record_bytes);
        }
    }

    /// Whether there is a record to judge.
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    /// Records that an earlier run has judged.
    pub(super) fn already_done(&self) -> u64 {
        self.already_done
    }

    /// Whether any record looked at sends a request.
    pub(super) fn sends(&self) -> bool {
        self.built > 0
    }

    /// For people, in one sentence a line.
    pub(super) fn told(&self, settings: &Settings, prices: Option<&Prices>) -> Vec<String> {
        let requests = scaled(self.units, self.built, self.looked_at);
        let bytes = scaled(self.record_bytes, self.built, self.looked_at).saturating_add(scaled(
            requests,
            self.frame_bytes,
            self.built,
        ));
        let tokens = TokenEstimate::default();
        let input = tokens.tokens(usize::try_from(bytes).unwrap_or(usize::MAX), Some(0));
        // A bound is on an answer, and what is usual on a verdict.
        let answers = match settings.max_output_tokens {
            Some(_) => requests,
            None => scaled(self.records, self.built, self.looked_at),
        };
        let output = tokens.tokens(0, settings.max_output_tokens).saturating_mul(answers);
        let most = if settings.max_output_tokens.is_some() { "at most" } else { "about" };
        let mut lines = vec![format!(
            "an estimate from {} of the requests, give or take a third: {} records, {} requests, about {} input tokens, {most} {} output tokens",
            count(self.built),
            count(self.records),
            count(requests),
            count(input),
            count(output)
        )];
        lines.push(match prices {
            Some(prices) => {
                format!("the cost by the prices given, as rough an estimate: about {}", prices.of_tokens(input, output))
            }
            None => format!("the cost is not known: judge.toml has no [prices.\"{}\"]", settings.model),
        });
        if self.already_done > 0 {
            lines.push(format!("judged already, and not in the estimate: {}", count(self.already_done)));
        }
        if self.unreadable > 0 {
            lines.push(format!("rows that are no records, and cost nothing: {}", count(self.unreadable)));
        }
        lines
    }
}

/// A part of a whole, as large as `part` is of `of`.
fn scaled(whole: u64, part: u64, of: u64) -> u64 {
    let scaled = u128::from(whole) * u128::from(part) / u128::from(of.max(1));
    u64::try_from(scaled).unwrap_or(u64::MAX)
}

fn request_bytes(request: &HttpRequest) -> u64 {
    request.body.as_ref().map_or(0, |body| body.as_bytes().len()) as u64
}

/// A hint of the provider's own says more.
fn unprepared(fault: Fault) -> Fault {
    let hint =
        "a dry run asks no server; if the provider needs what it learns there before a run, it can show no request";
    if fault.hint.is_none() { fault.hint(hint) } else { fault }
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge_host::model::MicroUsd;

    #[test]
    fn what_is_built_stands_for_all() {
        let estimate = Estimate {
            records: 1_000_000,
            record_bytes: 100_000_000,
            units: 1_000_000,
            looked_at: 200,
            built: 100,
            frame_bytes: 1_000_000,
            already_done: 7,
            unreadable: 2,
            next: 0,
        };
        let settings = Settings { model: "m".into(), max_output_tokens: Some(100), ..Settings::default() };
        let prices = Prices { input: MicroUsd(1_000_000), cached_input: MicroUsd(0), output: MicroUsd(2_000_000) };
        let lines = estimate.told(&settings, Some(&prices));
        // Half of the records are sent: 500,000 requests of 10,000 bytes and their text.
        let expected = "an estimate from 100 of the requests, give or take a third: 1,000,000 records, 500,000 requests, \
                        about 1,666,500,000 input tokens, at most 50,000,000 output tokens";
        assert_eq!(lines[0], expected);
        assert_eq!(lines[1], "the cost by the prices given, as rough an estimate: about $1766.50");
        assert_eq!(
            lines[2..],
            [
                "judged already, and not in the estimate: 7".to_owned(),
                "rows that are no records, and cost nothing: 2".to_owned()
            ]
        );
        let unknown = estimate.told(&Settings { max_output_tokens: None, ..settings }, None);
        assert!(unknown[0].ends_with("about 100,000,000 output tokens"), "{unknown:?}");
        assert_eq!(unknown[1], "the cost is not known: judge.toml has no [prices.\"m\"]");
    }
}
