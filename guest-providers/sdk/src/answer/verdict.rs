//! One verdict: every field checked, and the fields against each other.

use crate::{Confidence, Decision, Fault, Job, Proposal, Verdict, error, fault};
use serde_json::Value;

/// Characters of the model's own words in a message.
const WORD_CHARS_MAX: usize = 64;

/// The verdict on a record in a JSON object of the form that [`crate::schema`] asks for.
pub(super) fn read(job: &Job, record_id: &str, verdict: &Value) -> Result<Verdict, Fault> {
    let Some(decision) = string(verdict, "decision")? else {
        return Err(missing("decision"));
    };
    let cluster_id = string(verdict, "cluster_id")?.filter(|id| !id.trim().is_empty());
    let proposal = proposal(verdict)?;
    let decision = match (fold(decision).as_str(), cluster_id, proposal) {
        ("assign", Some(id), None) => Decision::Assign(candidate(job, id)?),
        ("assign", None, None) => return Err(missing("cluster_id")),
        ("new_cluster", None, Some(_)) if !job.allow_new_cluster => {
            return Err(fault::malformed("new-cluster-not-allowed", "the answer proposes a cluster where none may be"));
        }
        ("new_cluster", None, Some(proposal)) => Decision::NewCluster(proposal),
        ("new_cluster", None, None) => return Err(missing("new_cluster")),
        ("skip", None, None) => Decision::Skip,
        ("assign" | "new_cluster" | "skip", _, _) => {
            let message = "the answer's decision contradicts its `cluster_id` or `new_cluster`";
            return Err(fault::malformed("contradiction", message));
        }
        _ => return Err(unknown("unknown-decision", "decision", decision)),
    };
    let rationale = string(verdict, "rationale")?.unwrap_or_default().trim().to_owned();
    Ok(Verdict { record_id: record_id.to_owned(), decision, confidence: confidence(verdict)?, rationale })
}

/// The candidate of this id. Models vary letter case and put blanks around, so a single candidate that differs in
/// nothing else is the one.
fn candidate(job: &Job, id: &str) -> Result<String, Fault> {
    for exact in [id, id.trim()] {
        if job.candidate_ids.iter().any(|known| known == exact) {
            return Ok(exact.to_owned());
        }
    }
    let folded = id.trim().to_lowercase();
    let mut alike = job.candidate_ids.iter().filter(|known| known.trim().to_lowercase() == folded);
    match (alike.next(), alike.next()) {
        (Some(only), None) => Ok(only.clone()),
        _ => Err(unknown("unknown-cluster", "cluster_id", id)),
    }
}

/// Absent means unsure; a word that is none of the three is a slip.
fn confidence(verdict: &Value) -> Result<Confidence, Fault> {
    let Some(word) = string(verdict, "confidence")? else {
        return Ok(Confidence::Low);
    };
    match fold(word).as_str() {
        "low" => Ok(Confidence::Low),
        "medium" => Ok(Confidence::Medium),
        "high" => Ok(Confidence::High),
        _ => Err(unknown("unknown-confidence", "confidence", word)),
    }
}

/// The proposed cluster; one without a word in it is none.
fn proposal(verdict: &Value) -> Result<Option<Proposal>, Fault> {
    let proposal = match &verdict["new_cluster"] {
        Value::Null => return Ok(None),
        proposal @ Value::Object(_) => proposal,
        _ => return Err(wrong_type("new_cluster")),
    };
    let field = |name| Ok::<_, Fault>(string(proposal, name)?.unwrap_or_default().trim().to_owned());
    let proposal = Proposal { name: field("name")?, summary: field("summary")?, criteria: field("criteria")? };
    if !proposal.name.is_empty() {
        return Ok(Some(proposal));
    }
    if proposal.summary.is_empty() && proposal.criteria.is_empty() {
        Ok(None)
    } else {
        Err(missing("new_cluster.name"))
    }
}

pub(super) fn string<'a>(object: &'a Value, name: &str) -> Result<Option<&'a str>, Fault> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text)),
        Some(_) => Err(wrong_type(name)),
    }
}

fn fold(word: &str) -> String {
    word.trim().to_lowercase().replace(['-', ' '], "_")
}

pub(super) fn missing(name: &str) -> Fault {
    fault::malformed("missing-field", format!("the answer lacks `{name}`"))
}

fn wrong_type(name: &str) -> Fault {
    fault::malformed("wrong-type", format!("the answer's `{name}` has the wrong type"))
}

fn unknown(code: &str, name: &str, word: &str) -> Fault {
    let word: String = word.chars().take(WORD_CHARS_MAX).collect();
    fault::malformed(code, format!("the answer's `{name}` is none of those allowed: {}", error::safe(&word)))
}
