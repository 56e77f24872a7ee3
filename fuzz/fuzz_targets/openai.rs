//! What the provider `openai` makes of a response, to a job and in the preparation.
#![no_main]

use judge_host_properties::{OpenAi, parse, prepare, response};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let response = response(data);
    prepare::<OpenAi>(&response);
    parse::<OpenAi>(b"", &response);
});
