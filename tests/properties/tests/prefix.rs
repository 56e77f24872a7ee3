//! All records of a task share their request up to the record, to the byte: what a server's prefix cache holds.

use judge_host_properties::{Anthropic, Ollama, OpenAi, OpenRouter, Triton, prepare, request, response};
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

#[test]
fn requests_of_every_provider_share_their_beginning() {
    check::<Anthropic>(b"");
    check::<Ollama>(b"");
    check::<OpenAi>(b"");
    check::<OpenRouter>(b"");
    check::<Triton>(&prepare::<Triton>(&response(MODEL)).expect("such a model can be used"));
}
