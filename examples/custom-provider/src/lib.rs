//! Judges with a classifier: `POST /classify {"text", "labels"}` answers `{"label", "score"}`.

use judge_provider::serde_json::json;
use judge_provider::{Answer, Body, Confidence, Decision, Descriptor, Task, Verdict, error, fault, http};
use judge_provider::{Fault, HttpResponse, Job, Preparation, Previous, Provider, Settings, Step};

pub struct Classifier;

impl Provider for Classifier {
    fn describe() -> Descriptor {
        Descriptor {
            summary: "asks a text classifier".into(),
            default_endpoint: Some("http://localhost:8080".into()),
            ..Descriptor::new("classifier", "0.1.0")
        }
    }

    fn prepare(_: Settings, _: Option<Previous>) -> Result<Preparation, Fault> {
        Ok(Preparation::Ready(Vec::new()))
    }

    fn brief(_: Task) -> Result<Body, Fault> {
        // A classifier knows its labels by their ids, which are in every job.
        Ok(Body::Text(String::new()))
    }

    fn build_request(job: Job) -> Result<Step, Fault> {
        let record = job.single().ok_or_else(|| fault::invalid_request("one record a request, please"))?;
        let body = json!({ "text": record.text, "labels": job.candidate_ids });
        Ok(Step::Send(http::send(http::post_json("/classify", &body))))
    }

    fn parse_response(job: Job, _: Vec<u8>, response: HttpResponse) -> Result<Step, Fault> {
        if !http::is_success(&response) {
            return Err(error::fault(&response));
        }
        let body = http::json(&response)?;
        let (Some(label), Some(score)) = (body["label"].as_str(), body["score"].as_f64()) else {
            return Err(fault::malformed("missing-field", "the classifier gave no label or no score"));
        };
        let (decision, confidence) = match score {
            0.8.. => (Decision::Assign(label.into()), Confidence::High),
            0.5.. => (Decision::Assign(label.into()), Confidence::Medium),
            _ => (Decision::Skip, Confidence::Low),
        };
        let verdict = |record_id| Verdict {
            record_id,
            decision: decision.clone(),
            confidence,
            rationale: format!("score {score:.2}"),
        };
        let verdicts = job.records.into_iter().map(|record| verdict(record.id)).collect();
        Ok(Step::Done(Answer { verdicts, ..Answer::default() }))
    }
}

judge_provider::export!(Classifier);
