//! The `lexical` provider: judges by the words that a record shares with the names, summaries, criteria and samples
//! of its candidates. It sends no request, so it runs without a server, costs nothing and gives the same verdict every
//! time: a baseline to compare models with, and a first sorting where there are samples.
//!
//! It never proposes a cluster: words can tell where a text belongs, not what a new group should be called.

#![forbid(unsafe_code)]

mod brief;
mod judge;

#[cfg(test)]
mod samples;

pub use brief::Brief;
pub use judge::{Best, THRESHOLD_DEFAULT, best, confidence, judge};

use judge_provider::{
    Answer, Body, Descriptor, Fault, HttpResponse, Job, Preparation, Previous, Provider, SettingSpec, Settings, Step,
    Task, fault,
};

/// The provider, as the component exports it.
pub struct Lexical;

judge_provider::export!(Lexical);

impl Provider for Lexical {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "judges by shared words inside the sandbox, without a server; never proposes new clusters".into(),
            settings: vec![
                SettingSpec::new(
                    "threshold",
                    "score below which a record is skipped, from 0 (nothing in common) to 1 (everything)",
                )
                .default_value(&THRESHOLD_DEFAULT.to_string()),
            ],
            ..Descriptor::new("lexical", env!("CARGO_PKG_VERSION"))
        }
    }

    fn prepare(settings: Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        threshold(&settings)?;
        Ok(Preparation::Ready(Vec::new()))
    }

    fn brief(task: Task) -> Result<Body, Fault> {
        Ok(Body::Binary(Brief::write(&task.candidates, threshold(&task.settings)?)))
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        let Body::Binary(bytes) = &job.brief else { return Err(brief::foreign()) };
        let brief = Brief::read(bytes, &job.candidate_ids)?;
        let verdicts = job.records.iter().map(|record| judge(record, &brief)).collect::<Result<_, _>>()?;
        Ok(Step::Done(Answer { verdicts, ..Answer::default() }))
    }

    fn parse_response(_: Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
        Err(fault::other("a response to no request"))
    }
}

/// The operator's threshold, or the default.
fn threshold(settings: &Settings) -> Result<f32, Fault> {
    let given = settings.parse::<f32>("threshold")?.unwrap_or(THRESHOLD_DEFAULT);
    if (0.0..=1.0).contains(&given) {
        Ok(given)
    } else {
        Err(Fault::bad_setting("threshold", settings.get("threshold").unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use judge_provider::{Decision, FaultKind, Instructions, Record};

    fn settings(threshold: &str) -> Settings {
        let extra = vec![("threshold".to_owned(), threshold.to_owned())];
        Settings { model: String::new(), temperature: None, max_output_tokens: None, seed: None, extra }
    }

    fn job(texts: &[&str], settings: Settings) -> Job {
        let record =
            |(id, text): (usize, &&str)| Record { id: id.to_string(), text: (*text).to_owned(), context: vec![] };
        let task = Task {
            candidates: vec![samples::cluster("pin", "Change PIN", &["how do I change my pin?"])],
            instructions: Instructions { text: String::new(), rationale_language: None },
            allow_new_cluster: true,
            records_max: 1,
            settings,
            profile: Vec::new(),
            extras: Vec::new(),
        };
        let brief = Lexical::brief(task.clone()).expect("it has one");
        task.job(brief, texts.iter().enumerate().map(record).collect())
    }

    #[test]
    fn every_record_gets_its_verdict_at_once() {
        let step = Lexical::build_request(job(&["I forgot my pin", "weather"], settings("0.01"))).expect("it judges");
        let Step::Done(answer) = step else { panic!("it sends a request") };
        let decided: Vec<_> =
            answer.verdicts.into_iter().map(|verdict| (verdict.record_id, verdict.decision)).collect();
        assert_eq!(decided, [("0".into(), Decision::Assign("pin".into())), ("1".into(), Decision::Skip)]);
    }

    #[test]
    fn a_brief_of_another_provider_is_a_fault() {
        let job = job(&["I forgot my pin"], settings("0.01"));
        for brief in [Body::Text("{}".into()), Body::Binary(vec![0xff; 40]), Body::Binary(Vec::new())] {
            let refused = Lexical::build_request(Job { brief, ..job.clone() }).expect_err("it is no brief");
            assert_eq!(refused.kind, FaultKind::Other);
        }
    }

    #[test]
    fn a_threshold_that_cannot_be_is_refused_before_the_run() {
        for bad in ["1.5", "-0.1", "NaN", "high", ""] {
            let refused = Lexical::prepare(settings(bad), None).expect_err(bad);
            assert_eq!(refused.kind, FaultKind::InvalidRequest, "{bad}");
            assert!(refused.hint.is_some());
        }
        for good in ["0", "1", "0.25"] {
            assert_eq!(Lexical::prepare(settings(good), None), Ok(Preparation::Ready(Vec::new())), "{good}");
        }
    }

    #[test]
    fn the_listing_shows_the_default_that_is_used() {
        let descriptor = Lexical::describe();
        assert_eq!(descriptor.settings[0].default_value, Some(THRESHOLD_DEFAULT.to_string()));
        assert_eq!((descriptor.auth, descriptor.default_endpoint, descriptor.default_model), (None, None, None));
    }
}
