//! What the provider `openrouter` makes of a response, to a job and in the preparation.
#![no_main]

use judge_host_properties::{OpenRouter, parse, prepare, response};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let response = response(data);
    prepare::<OpenRouter>(&response);
    parse::<OpenRouter>(b"", &response);
});
