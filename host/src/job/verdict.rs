//! The host's own check of a guest's answer. A provider is believed in nothing that the host can see for itself.

use crate::model::{Answer, Choice, Decision, Fault, FaultKind, Job, Judged, Proposal, Verdict};

/// The longest rationale, in bytes: a few paragraphs. Longer ones come from a model that lost its way.
const RATIONALE_BYTES_MAX: usize = 16 * 1024;
/// The longest name of a proposed cluster, in bytes.
const NAME_BYTES_MAX: usize = 512;
/// The longest summary or criteria of a proposed cluster, in bytes.
const SUMMARY_BYTES_MAX: usize = 8 * 1024;

/// Takes the one verdict on the job's one record out of the answer.
///
/// # Errors
/// `malformed` where the verdict is missing, doubled, on another record, for a cluster that was not offered, a
/// new cluster where none is allowed, or out of bounds.
pub(super) fn check(job: &Job, answer: &Answer) -> Result<Judged, Fault> {
    let record = job.records.first().expect("a job holds at least one record");
    let [verdict] = answer.verdicts.as_slice() else {
        return Err(malformed("verdict-count", format!("{} verdicts for one record", answer.verdicts.len())));
    };
    if verdict.record_id != record.request_id {
        return Err(malformed("wrong-record", "the verdict is on a record that was not asked about"));
    }
    believed(job, verdict)
}

/// Takes the verdict on each of the job's records out of the answer, in their order; none where it is missing, doubled or
/// not to be believed. What is on other records is passed over.
///
/// # Errors
/// `malformed`, where there is not one verdict to be believed: what is wrong with the first.
pub(super) fn check_each(job: &Job, answer: &Answer) -> Result<Vec<Option<Judged>>, Fault> {
    let mut first_fault = None;
    let mut each = Vec::with_capacity(job.records.len());
    for record in &job.records {
        let mut own = answer.verdicts.iter().filter(|verdict| verdict.record_id == record.request_id);
        let checked = match (own.next(), own.next()) {
            (Some(verdict), None) => believed(job, verdict),
            (None, _) => Err(malformed("verdict-count", "no verdict on one of several records")),
            (Some(_), Some(_)) => Err(malformed("verdict-count", "two verdicts on one of several records")),
        };
        match checked {
            Ok(judged) => each.push(Some(judged)),
            Err(fault) => {
                first_fault.get_or_insert(fault);
                each.push(None);
            }
        }
    }
    match first_fault {
        Some(fault) if each.iter().all(Option::is_none) => Err(fault),
        _ => Ok(each),
    }
}

/// The verdict, if all in it is as it may be.
fn believed(job: &Job, verdict: &Verdict) -> Result<Judged, Fault> {
    if verdict.rationale.len() > RATIONALE_BYTES_MAX {
        return Err(malformed("too-long", format!("the rationale is over {RATIONALE_BYTES_MAX} bytes")));
    }
    let (decision, cluster_id, proposal) = match &verdict.choice {
        Choice::Assign(id) if job.task.candidate_ids().any(|candidate| candidate == id) => {
            (Decision::Assign, Some(id.clone()), None)
        }
        Choice::Assign(_) => {
            return Err(malformed("unknown-cluster", "assigned to a cluster that was not offered"));
        }
        Choice::NewCluster(_) if !job.task.allow_new_cluster => {
            return Err(malformed("new-cluster", "proposed a new cluster where none is allowed"));
        }
        Choice::NewCluster(proposal) => (Decision::NewCluster, None, Some(checked(proposal)?)),
        Choice::Skip => (Decision::Skip, None, None),
    };
    let Verdict { confidence, rationale, .. } = verdict.clone();
    Ok(Judged { decision, cluster_id, confidence, rationale, proposal })
}

fn checked(proposal: &Proposal) -> Result<Proposal, Fault> {
    if proposal.name.trim().is_empty() {
        return Err(malformed("no-name", "proposed a new cluster without a name"));
    }
    let long = proposal.name.len() > NAME_BYTES_MAX
        || proposal.summary.len() > SUMMARY_BYTES_MAX
        || proposal.criteria.len() > SUMMARY_BYTES_MAX;
    if long {
        return Err(malformed("too-long", "proposed a new cluster with a text over its bound"));
    }
    Ok(proposal.clone())
}

fn malformed(code: &str, message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Malformed, message).code(code)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, Cluster, Confidence, Record, Task};
    use std::sync::Arc;

    fn job(allow_new_cluster: bool) -> Job {
        let cluster = Cluster { cluster_id: "refund".into(), ..Cluster::default() };
        let task = Task {
            candidates: Arc::from([Arc::new(cluster)]),
            instructions: Arc::default(),
            allow_new_cluster,
            records_max: 1,
            settings: Arc::default(),
            profile: Arc::default(),
        };
        let records = vec![Arc::new(Record::new("r1", "where is my money"))];
        Job { records, task: Arc::new(task), brief: Arc::new(Body::Text(String::new())) }
    }

    fn verdict(record_id: &str, choice: Choice) -> Verdict {
        Verdict { record_id: record_id.into(), choice, confidence: Confidence::High, rationale: "because".into() }
    }

    fn new_cluster(name: &str) -> Choice {
        Choice::NewCluster(Proposal { name: name.into(), summary: String::new(), criteria: String::new() })
    }

    #[test]
    fn believes_only_what_was_asked_and_offered() {
        let assign = |id: &str| Choice::Assign(id.into());
        let cases: Vec<(&str, Vec<Verdict>, bool, Option<&str>)> = vec![
            ("an offered cluster", vec![verdict("r1", assign("refund"))], true, None),
            ("a skip", vec![verdict("r1", Choice::Skip)], false, None),
            ("an allowed new cluster", vec![verdict("r1", new_cluster("Fees"))], true, None),
            ("a new cluster that is not allowed", vec![verdict("r1", new_cluster("Fees"))], false, Some("new-cluster")),
            ("a nameless new cluster", vec![verdict("r1", new_cluster("  "))], true, Some("no-name")),
            ("an endless name", vec![verdict("r1", new_cluster(&"x".repeat(513)))], true, Some("too-long")),
            ("a cluster never offered", vec![verdict("r1", assign("fees"))], true, Some("unknown-cluster")),
            ("another record", vec![verdict("r2", Choice::Skip)], true, Some("wrong-record")),
            ("no verdict", vec![], true, Some("verdict-count")),
            ("two verdicts", vec![verdict("r1", Choice::Skip); 2], true, Some("verdict-count")),
        ];
        for (name, verdicts, allow_new_cluster, code) in cases {
            let checked = check(&job(allow_new_cluster), &Answer { verdicts, ..Answer::default() });
            let found = checked.err().map(|fault| (fault.kind, fault.code.expect("a finer word")));
            assert_eq!(found, code.map(|code| (FaultKind::Malformed, code.to_owned())), "{name}");
        }
    }

    /// Which of three records have a verdict, or the code of the fault that none has.
    type Expected = Result<[bool; 3], &'static str>;

    #[test]
    fn of_several_records_each_has_the_one_verdict_on_it_that_can_be_believed() {
        let several = Job {
            records: ["r1", "r2", "r3"].map(|id| Arc::new(Record::new(id, "where is my money"))).into(),
            ..job(false)
        };
        let (refund, fees) = (Choice::Assign("refund".into()), Choice::Assign("fees".into()));
        let cases: Vec<(&str, Vec<Verdict>, Expected)> = vec![
            ("in any order", ["r3", "r1", "r2"].map(|id| verdict(id, refund.clone())).into(), Ok([true; 3])),
            ("one is missing", ["r3", "r1"].map(|id| verdict(id, refund.clone())).into(), Ok([true, false, true])),
            (
                "one is doubled, one was not asked",
                ["r1", "r2", "r9", "r2"].map(|id| verdict(id, Choice::Skip)).into(),
                Ok([true, false, false]),
            ),
            (
                "one is for a cluster never offered",
                vec![verdict("r1", fees.clone()), verdict("r2", Choice::Skip)],
                Ok([false, true, false]),
            ),
            ("not one can be believed", vec![verdict("r1", fees)], Err("unknown-cluster")),
            ("none", vec![], Err("verdict-count")),
        ];
        for (name, verdicts, expected) in cases {
            let checked = check_each(&several, &Answer { verdicts, ..Answer::default() });
            let found = checked.map(|each| each.iter().map(Option::is_some).collect::<Vec<_>>());
            let found = found.map_err(|fault| (fault.kind, fault.code.expect("a finer word")));
            let expected = expected.map(Vec::from).map_err(|code| (FaultKind::Malformed, code.to_owned()));
            assert_eq!(found, expected, "{name}");
        }
    }
}
