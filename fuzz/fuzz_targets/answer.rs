//! The reader of models' answers.
#![no_main]

libfuzzer_sys::fuzz_target!(|text: &str| judge_host_properties::read_answer(text));
