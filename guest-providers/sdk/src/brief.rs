//! The request without its records: written once for a task, and filled in for each of its jobs. What all jobs share is
//! then the same to the byte, and costs a job no more than a copy.
//!
//! ```
//! use judge_provider::{brief, serde_json::json};
//! # let cluster = |id: &str| judge_provider::Cluster { id: id.into(), name: String::new(), summary: String::new(),
//! #     criteria: String::new(), samples: vec![] };
//! # let settings = judge_provider::Settings { model: String::new(), temperature: None, max_output_tokens: None,
//! #     seed: None, extra: vec![] };
//! # let instructions = judge_provider::Instructions { text: String::new(), rationale_language: None };
//! # let task = judge_provider::Task { candidates: vec![cluster("a")], instructions, allow_new_cluster: true,
//! #     records_max: 1, settings, profile: vec![], extras: vec![] };
//! # let records = vec![];
//! let made = brief::of(&json!({ "prompt": "Sort the text.", "text": brief::HOLE, "ctx": brief::HOLE }));
//! let job = task.job(made, records);
//! let body = brief::fill(&job, &["say \"hello\"".into(), 8192.into()])?;
//! assert_eq!(body, r#"{"prompt":"Sort the text.","text":"say \"hello\"","ctx":8192}"#);
//! # Ok::<(), judge_provider::Fault>(())
//! ```

use crate::http::written;
use crate::{Body, Fault, Job, fault};
use serde_json::Value;

/// Stands in a JSON value where a job's own value will be, as the whole of a string.
pub const HOLE: &str = "\0hole\0";

/// A hole as JSON spells it.
const SPELLED: &str = "\"\\u0000hole\\u0000\"";
/// A hole in a brief. JSON text escapes this character, so it stands nowhere else.
const CUT: char = '\0';

/// The brief of a JSON body with [`HOLE`]s in it.
pub fn of(body: &Value) -> Body {
    with_head(&Value::Null, body)
}

/// The same, with what else of the task its jobs need to know.
pub fn with_head(head: &Value, body: &Value) -> Body {
    let (head, body) = (written(head), written(body));
    Body::Text(format!("{head}\n{}", body.replace(SPELLED, &CUT.to_string())))
}

/// What the job's brief says besides the body; null where it was made without a head.
///
/// # Errors
/// `other`, where the brief is none of these: another provider or version made it then.
pub fn head(job: &Job) -> Result<Value, Fault> {
    let (head, _) = parts(job)?;
    serde_json::from_str(head).map_err(|_| foreign())
}

/// The job's body: the brief with its holes filled in with these values, in the order of the text.
///
/// # Errors
/// `other`, where the brief is none of these, or has not as many holes.
pub fn fill(job: &Job, values: &[Value]) -> Result<String, Fault> {
    let (_, template) = parts(job)?;
    let values: Vec<String> = values.iter().map(written).collect();
    let mut body = String::with_capacity(template.len() + values.iter().map(String::len).sum::<usize>());
    let mut values = values.iter();
    for (place, piece) in template.split(CUT).enumerate() {
        if place > 0 {
            body.push_str(values.next().ok_or_else(foreign)?);
        }
        body.push_str(piece);
    }
    match values.next() {
        None => Ok(body),
        Some(_) => Err(foreign()),
    }
}

fn parts(job: &Job) -> Result<(&str, &str), Fault> {
    match &job.brief {
        Body::Text(text) => text.split_once('\n').ok_or_else(foreign),
        Body::Binary(_) => Err(foreign()),
    }
}

fn foreign() -> Fault {
    fault::other("the job's brief was not made for it")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::task;
    use serde_json::json;

    fn filled(brief: Body, values: &[Value]) -> Result<String, Fault> {
        fill(&task().job(brief, Vec::new()), values)
    }

    #[test]
    fn texts_that_look_like_holes_are_none() {
        let odd = format!("a \0 and {SPELLED} and {HOLE}.\n");
        let body = filled(of(&json!({ "shared": odd, "own": HOLE })), &[odd.clone().into()]).expect("one hole");
        assert_eq!(serde_json::from_str::<Value>(&body).expect("JSON"), json!({ "shared": odd, "own": odd }));
    }

    #[test]
    fn holes_and_values_must_be_as_many() {
        let brief = of(&json!([HOLE, HOLE]));
        for count in [0, 1, 3] {
            assert!(filled(brief.clone(), &vec![json!(1); count]).is_err(), "{count}");
        }
        assert_eq!(filled(brief, &[json!(1), json!("x")]), Ok("[1,\"x\"]".to_owned()));
    }

    #[test]
    fn a_head_comes_back_and_is_not_in_the_body() {
        let said = json!({ "model": "a\nb", "hole": HOLE });
        let brief = with_head(&said, &json!({ "own": HOLE }));
        assert_eq!(head(&task().job(brief.clone(), Vec::new())), Ok(said));
        assert_eq!(filled(brief, &[7.into()]), Ok("{\"own\":7}".to_owned()));
        assert_eq!(head(&task().job(of(&json!([])), Vec::new())), Ok(Value::Null));
    }

    #[test]
    fn another_providers_brief_is_a_fault() {
        for brief in [Body::Binary(vec![1]), Body::Text(String::new()), Body::Text("one line".to_owned())] {
            let job = task().job(brief, Vec::new());
            assert!(head(&job).is_err() && fill(&job, &[]).is_err());
        }
    }
}
