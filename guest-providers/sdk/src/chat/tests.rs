//! What the providers' own tests do not reach: they see requests and responses, not the profile between them.

use super::*;
use crate::samples::task;

#[test]
fn a_profile_says_what_was_learned() {
    let all = Learned {
        token_field: Some("max_tokens".to_owned()),
        left_out: vec!["temperature".to_owned(), "seed".to_owned()],
        form: Form::Object,
        reasons: true,
    };
    for learned in [Learned::default(), Learned { form: Form::Free, ..Learned::default() }, all] {
        assert_eq!(Learned::of_profile(&learned.profile()), Ok(learned));
    }
    assert_eq!(Learned::default().profile(), Vec::<u8>::new(), "nothing to tell is no bytes");
    for foreign in [&b"{}"[..], b"tensors", b"{\"form\":\"strict\",\"left_out\":[],\"reasons\":false}"] {
        assert!(Learned::of_profile(foreign).is_err(), "{foreign:?}");
    }
}

#[test]
fn parameters_that_are_left_out_are_not_in_the_body() {
    let mut settings = task().settings;
    (settings.temperature, settings.seed, settings.max_output_tokens) = (Some(0.7), Some(7), Some(99));
    let all = Parameters::of(&settings, 1, "max_tokens", &Learned::default());
    let names = |parameters: &Parameters| {
        let body = parameters.body("m", &json!([]), &json!({}));
        body.as_object().expect("an object").keys().skip(2).cloned().collect::<Vec<_>>()
    };
    assert_eq!(names(&all), ["response_format", "max_tokens", "temperature", "seed"]);
    for (name, left) in [
        ("response_format", ["max_tokens", "temperature", "seed"]),
        ("token_limit", ["response_format", "temperature", "seed"]),
        ("temperature", ["response_format", "max_tokens", "seed"]),
        ("seed", ["response_format", "max_tokens", "temperature"]),
    ] {
        let mut fewer = all.clone();
        fewer.leave_out(name);
        assert_eq!(names(&fewer), left, "{name}");
    }
}

#[test]
fn tokens_are_bounded_by_records_and_by_thoughts() {
    let settings = task().settings;
    let limit = |records_max, reasons| {
        let learned = Learned { reasons, ..Learned::default() };
        Parameters::of(&settings, records_max, "max_tokens", &learned).token_limit.map(|(_, tokens)| tokens)
    };
    assert_eq!(limit(1, false), Some(512));
    assert_eq!(limit(10, false), Some(5_120));
    assert_eq!(limit(1, true), Some(512 + 4_096));
    assert_eq!(limit(u32::MAX, true), Some(u32::MAX));
}

#[test]
fn lists_are_read_without_their_gaps() {
    let mut settings = task().settings;
    settings.extra = vec![("order".to_owned(), " a, b,,c ,".to_owned())];
    assert_eq!(settings::list(&settings, "order"), ["a", "b", "c"]);
    assert_eq!(settings::list(&settings, "only"), Vec::<String>::new());
}
