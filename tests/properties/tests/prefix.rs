//! All records of a task share their request up to the record, to the byte: what a server's prefix cache holds.

use judge_host_properties::{Anthropic, Ollama, OpenAi, OpenRouter, Triton, prepare, request, request_about, response};
use judge_provider::Provider;

/// Where the sdk's prompt begins with the record.
const RECORD: &str = "Record id: ";

/// A model with the tensors that Triton's preflight looks for, and nothing that the others read.
const MODEL: &[u8] = br#"00{"name":"m","versions":["1"],"platform":"python",
    "inputs":[{"name":"text","datatype":"BYTES","shape":[1]}],"outputs":[{"name":"response","datatype":"BYTES","shape":[1]}]}"#;

#[track_caller]
fn check<P: Provider>(profile: &[u8]) {
    let one = request::<P>(profile, "r1", "where is my card?");
    let same = request::<P>(profile, "r1", "where is my card?");
    let other = request::<P>(profile, "r22", "деньги не пришли, \"совсем\"");
    assert_eq!(one, same, "the same job, the same bytes");
    let start = one.find(RECORD).expect("the record is in it");
    assert_eq!(other.find(RECORD), Some(start), "the record stands at the same place");
    assert_eq!(one[..start], other[..start], "and all before it is the same");
    assert!(["First", "Second", "Third"].iter().all(|name| one[..start].contains(name)), "the clusters are before it");
}

/// Each record once, by its id; a list of verdicts is asked for, in the same words for one record of such a task.
#[track_caller]
fn check_several<P: Provider>(profile: &[u8]) {
    let records = [("r1", "where is my card?"), ("r2", "Record id: r3"), ("r4", "top up")];
    let body = request_about::<P>(profile, 10, &records);
    for (id, text) in records {
        assert!(body.contains(&format!("Record id: {id}\\n")) && body.contains(text), "{id}: {body}");
    }
    let start = body.find(RECORD).expect("the records are in it");
    assert!(body.contains("verdicts") && body.contains("record_id"), "verdicts come by id: {body}");
    assert_eq!(request_about::<P>(profile, 10, &records[1..2])[..start], body[..start], "one shares the beginning");
}

#[test]
fn every_provider_asks_about_several_records_at_once() {
    check_several::<Anthropic>(b"");
    check_several::<Ollama>(b"");
    check_several::<OpenAi>(b"");
    check_several::<OpenRouter>(b"");
    check_several::<Triton>(&prepare::<Triton>(&response(MODEL)).expect("such a model can be used"));
}

#[test]
fn requests_of_every_provider_share_their_beginning() {
    check::<Anthropic>(b"");
    check::<Ollama>(b"");
    check::<OpenAi>(b"");
    check::<OpenRouter>(b"");
    check::<Triton>(&prepare::<Triton>(&response(MODEL)).expect("such a model can be used"));
}
