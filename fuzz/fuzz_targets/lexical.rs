//! What the provider `lexical` makes of a response, to a job and in the preparation.
#![no_main]

use judge_host_properties::{Lexical, parse, prepare, response};

libfuzzer_sys::fuzz_target!(|data: &[u8]| {
    let response = response(data);
    prepare::<Lexical>(&response);
    parse::<Lexical>(b"", &response);
});
