//! Servers that dislike a prompt like to repeat it in their error, and providers hand their words on. What repeats the
//! record, the clusters or the instructions is left out of a fault before it reaches a row, a log or the registry.

use crate::model::{Fault, Job};

/// So many characters in a row that also stand in the prompt are an echo of it.
const ECHO_CHARS: usize = 24;
/// A record's text shorter than [`ECHO_CHARS`] counts as echoed when all of it is there; shorter than this, it
/// stands in any sentence by chance.
const ECHO_CHARS_MIN: usize = 4;
/// What stands in the place of an echo.
const LEFT_OUT: &str = "(what follows repeats the prompt, and is left out)";

/// The fault without the words that repeat what the job sent.
pub(super) fn left_out(fault: Fault, job: &Job) -> Fault {
    let sent = Sent::by(job);
    let told = |text: String| if sent.is_in(&text) { beginning(&text, &sent) } else { text };
    Fault {
        code: fault.code.filter(|code| !sent.is_in(code)),
        message: told(fault.message),
        hint: fault.hint.filter(|hint| !sent.is_in(hint)),
        ..fault
    }
}

/// The host's or provider's own words before the server's, which begin after a colon.
fn beginning(text: &str, sent: &Sent) -> String {
    match text.split_once(": ") {
        Some((own, _)) if !sent.is_in(own) => format!("{own}: {LEFT_OUT}"),
        _ => LEFT_OUT.to_owned(),
    }
}

/// The texts of a job, folded.
struct Sent {
    texts: Vec<String>,
    /// Records so short that they count only as a whole.
    short: Vec<String>,
}

impl Sent {
    fn by(job: &Job) -> Sent {
        let records = job.records.iter().flat_map(|record| {
            record.context.iter().map(|(_, value)| value.as_str()).chain(std::iter::once(record.text.as_str()))
        });
        let clusters = job.task.candidates.iter().flat_map(|cluster| {
            [&cluster.summary, &cluster.criteria].into_iter().chain(&cluster.sample_requests).map(String::as_str)
        });
        let instructions = std::iter::once(job.task.instructions.text.as_str());
        let texts = records.chain(clusters).chain(instructions).map(folded).collect();
        let is_short = |text: &String| (ECHO_CHARS_MIN..ECHO_CHARS).contains(&text.chars().count());
        let short = job.records.iter().map(|record| folded(&record.text)).filter(is_short).collect();
        Sent { texts, short }
    }

    fn is_in(&self, words: &str) -> bool {
        let words = folded(words);
        if self.short.iter().any(|text| words.contains(text.as_str())) {
            return true;
        }
        let starts: Vec<usize> = words.char_indices().map(|(at, _)| at).chain([words.len()]).collect();
        starts.windows(ECHO_CHARS + 1).any(|window| {
            let run = &words[window[0]..window[ECHO_CHARS]];
            self.texts.iter().any(|text| text.contains(run))
        })
    }
}

/// One line in lower case, so that neither breaks nor case hide an echo.
fn folded(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Body, FaultKind, Instructions, Record, Task};
    use std::sync::Arc;

    fn job(text: &str) -> Job {
        let instructions = "We sell insurance to fishermen on the coast.".to_owned();
        let task = Task {
            candidates: Arc::from([]),
            instructions: Arc::new(Instructions { text: instructions, rationale_language: None }),
            allow_new_cluster: true,
            records_max: 1,
            settings: Arc::default(),
            profile: Arc::default(),
        };
        let records = vec![Arc::new(Record::new("r1", text))];
        Job { records, task: Arc::new(task), brief: Arc::new(Body::Text(String::new())) }
    }

    fn told(text: &str, fault: Fault) -> Fault {
        left_out(fault, &job(text))
    }

    #[test]
    fn words_that_repeat_the_prompt_are_left_out() {
        let text = "my iban is DE89 3704 0044 0532 0130 00, please\nhelp me";
        for (message, shown) in [
            ("status 400: invalid input: 'MY IBAN is DE89 3704 0044 0532'", "status 400: (what follows"),
            ("status 400: bad content 0044 0532 0130 00, please help me", "status 400: (what follows"),
            ("cannot read `sell insurance to fishermen on`", "(what follows"),
            ("my iban is de89 3704 0044: no", "(what follows"),
            ("status 400: context of 4096 tokens exceeded", "status 400: context of 4096 tokens exceeded"),
        ] {
            let fault = told(text, Fault::new(FaultKind::InvalidRequest, message));
            assert!(fault.message.starts_with(shown), "{message}: {}", fault.message);
        }
    }

    #[test]
    fn codes_and_hints_do_not_repeat_it_either() {
        let text = "my iban is DE89 3704 0044 0532 0130 00";
        let fault = told(text, Fault::new(FaultKind::Other, "no").code(text).hint(format!("mend {text}")));
        assert_eq!((fault.code, fault.hint), (None, None));
        let fault = told(text, Fault::new(FaultKind::Other, "no").code("insufficient_quota").hint("pay"));
        assert_eq!((fault.code.as_deref(), fault.hint.as_deref()), (Some("insufficient_quota"), Some("pay")));
    }

    #[test]
    fn a_short_record_counts_as_a_whole_and_a_tiny_one_not_at_all() {
        let shown =
            |text: &str| told(text, Fault::new(FaultKind::Other, "status 400: do not open sesame here")).message;
        assert_eq!(shown("Sesame"), format!("status 400: {LEFT_OUT}"));
        assert!(shown("do").ends_with("sesame here"));
    }
}
