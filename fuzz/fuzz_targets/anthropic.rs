//! What the provider `anthropic` makes of a response, to a job and in the preparation.
#![no_main]

use judge_host_properties::{Anthropic, parse, prepare, response};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let response = response(data);
    prepare::<Anthropic>(&response);
    parse::<Anthropic>(b"", &response);
});
