#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use super::*;
use crate::control::limit::Limit;
use crate::judge::{Judge, Policy};
use crate::model::{
    Answer, AuthSlot, Body, Choice, Confidence, Fault, FaultKind, HttpResponse, Job, Preparation, Previous, Record,
    SettingSpec, Settings, Step, Task, Verdict,
};
use crate::provider::Identity;
use crate::registry::Registry;
use async_trait::async_trait;
use futures_util::{StreamExt, stream};

/// Says its name in profile, brief and rationale, and is content with no other name in what it is handed.
struct Named(Identity);

impl Named {
    fn of(name: &str) -> Arc<dyn Provider> {
        Arc::new(Named(Identity { digest: name.to_owned(), ..Identity::default() }))
    }

    fn prepared(name: &str) -> Prepared {
        Prepared::new(Named::of(name), name.as_bytes().to_vec())
    }

    fn expect(&self, what: &str, found: &[u8]) -> Result<(), Fault> {
        let of_another = || Fault::new(FaultKind::Other, format!("a {what} of {}", String::from_utf8_lossy(found)));
        if found == self.0.digest.as_bytes() { Ok(()) } else { Err(of_another()) }
    }
}

#[async_trait]
impl Provider for Named {
    fn identity(&self) -> &Identity {
        &self.0
    }

    async fn prepare(&self, _: &Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        Ok(Preparation::Ready(self.0.digest.as_bytes().to_vec()))
    }

    async fn brief(&self, task: &Task) -> Result<Body, Fault> {
        tokio::task::yield_now().await;
        self.expect("profile", &task.profile)?;
        Ok(Body::Text(self.0.digest.clone()))
    }

    async fn build_request(&self, job: &Job) -> Result<Step, Fault> {
        tokio::task::yield_now().await;
        self.expect("profile", &job.task.profile)?;
        self.expect("brief", job.brief.as_bytes())?;
        let verdict = Verdict {
            record_id: job.records[0].request_id.clone(),
            choice: Choice::Skip,
            confidence: Confidence::Low,
            rationale: self.0.digest.clone(),
        };
        Ok(Step::Done(Answer { verdicts: vec![verdict], ..Answer::default() }))
    }

    async fn parse_response(&self, _: &Job, _: Vec<u8>, _: HttpResponse) -> Result<Step, Fault> {
        unreachable!("nothing is sent")
    }
}

fn judge(name: &str) -> Judge {
    let policy = Policy { total_timeout: Duration::from_mins(1), limit: Limit::fixed(8), ..Policy::default() };
    let seat = Seat::new(Named::of(name), Settings::default(), None);
    Judge::new([seat], Arc::new(Registry::temporary().unwrap()), policy, "b".to_owned())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_record_has_provider_profile_and_brief_of_one_component_however_often_it_changes() {
    let mut judge = judge("first");
    judge.prepare().await.unwrap();
    let seats = Arc::clone(&judge.seats);
    let mut swaps = 0;
    // Before every record that is taken another comes into service, while those before it are judged.
    let records = stream::iter(0..500).map(move |n| {
        swaps += 1;
        seats[0].seat(Named::prepared(&format!("component-{swaps}")));
        Record::new(format!("r{n}"), "text")
    });
    let outcomes: Vec<_> = judge.judge_stream(records, Some(16)).collect().await;
    assert_eq!(outcomes.len(), 500);
    for outcome in outcomes.into_iter().map(Result::unwrap) {
        let judged = outcome.result.unwrap();
        assert_eq!(judged.rationale, outcome.component_digest, "{}", outcome.request_id);
        let n: usize = outcome.request_id[1..].parse().unwrap();
        let by: usize = outcome.component_digest["component-".len()..].parse().unwrap();
        assert!(by > n, "record {n} began after component {} came, and was judged by {by}", n + 1);
    }
}

#[tokio::test]
async fn a_preparation_puts_its_profile_into_service() {
    let mut judge = judge("only");
    let fault = judge.first_step(vec![Record::new("r", "text")]).await.unwrap_err();
    assert_eq!(fault.message, "a profile of ", "an unprepared judge has none");
    judge.prepare().await.unwrap();
    assert!(judge.first_step(vec![Record::new("r", "text")]).await.is_ok(), "and no brief of before is kept");
}

#[test]
fn a_component_fits_a_run_where_key_server_and_settings_stay() {
    let slot = |header: &str| Some(AuthSlot { header: header.to_owned(), prefix: "Bearer ".to_owned() });
    let setting = |name: &str| SettingSpec { name: name.to_owned(), summary: String::new(), default_value: None };
    let old = Descriptor {
        default_endpoint: Some("https://a.example".to_owned()),
        auth: slot("authorization"),
        settings: vec![setting("probe")],
        ..Descriptor::default()
    };
    let given = [("probe".to_owned(), "never".to_owned())];
    let newer = Descriptor { version: "2".to_owned(), default_model: Some("m".to_owned()), ..old.clone() };
    assert_eq!(fits(&newer, &old, &given), Ok(()));
    let without = Descriptor { settings: Vec::new(), ..old.clone() };
    assert_eq!(fits(&without, &old, &[]), Ok(()), "a setting that nobody gives may go");
    for (new, reason) in [
        (Descriptor { auth: slot("x-key"), ..old.clone() }, "its key in another header"),
        (Descriptor { auth: None, ..old.clone() }, "its key in another header"),
        (Descriptor { default_endpoint: Some("https://b.example".to_owned()), ..old.clone() }, "its default endpoint"),
        (without, "it has no setting `probe`"),
    ] {
        let refused = fits(&new, &old, &given).unwrap_err();
        assert!(refused.reason.contains(reason), "{}", refused.reason);
        assert!(refused.hint.unwrap().contains("next run"), "{reason}");
    }
}
