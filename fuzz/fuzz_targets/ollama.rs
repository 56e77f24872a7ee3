//! What the provider `ollama` makes of a response, to a job and in the preparation.
#![no_main]

use judge_host_properties::{Ollama, parse, prepare, response};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let response = response(data);
    prepare::<Ollama>(&response);
    parse::<Ollama>(b"", &response);
});
