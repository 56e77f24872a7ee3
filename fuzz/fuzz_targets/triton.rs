//! Triton's responses, to a job and in the preparation; the job's tensors are learned from a model that fits.
#![no_main]

use judge_host_properties::{Triton, parse, prepare, response};

const MODEL: &[u8] = br#"00{"name":"m","versions":["1"],"platform":"python",
    "inputs":[{"name":"text","datatype":"BYTES","shape":[1]}],"outputs":[{"name":"response","datatype":"BYTES","shape":[1]}]}"#;

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let response_of = response(data);
    prepare::<Triton>(&response_of);
    if let Some(profile) = prepare::<Triton>(&response(MODEL)) {
        parse::<Triton>(&profile, &response_of);
    }
});
