//! Clusters made up out of the example's, as many as wanted and always the same. Their frequent words are as frequent as
//! the bank's customers use them, so that questions meet long postings, and like any growing text they bring rare words:
//! half of the clusters are about something that none before them is about.

use anyhow::{Context, Result};
use fastrand::Rng;
use judge_host::model::Cluster;

const SAMPLES: usize = 3;
const CONSONANTS: &[u8] = b"bcdfghjklmnprstvwz";
const VOWELS: &[u8] = b"aeiou";

/// What they are made of.
pub(crate) struct Maker {
    intents: Vec<Intent>,
}

struct Intent {
    name: String,
    samples: Vec<String>,
}

impl Maker {
    pub(crate) fn of_example() -> Result<Maker> {
        let intents = super::example::clusters()?.into_iter().map(|draft| {
            let samples = draft.sample_requests.filter(|samples| !samples.is_empty());
            Some(Intent { name: draft.name?, samples: samples? })
        });
        Ok(Maker { intents: intents.collect::<Option<_>>().context("an intent without a name or samples")? })
    }

    /// The cluster of this ordinal.
    pub(crate) fn cluster(&self, ordinal: u64) -> Cluster {
        let mut rng = Rng::with_seed(ordinal);
        let intent = self.intent(&mut rng);
        let subject = spelled(if rng.bool() { ordinal } else { rng.u64(0..=ordinal) });
        let name = format!("{} {subject}", intent.name);
        let samples = (0..SAMPLES).map(|_| blend(sample(intent, &mut rng), sample(self.intent(&mut rng), &mut rng)));
        Cluster {
            cluster_id: format!("{}_{ordinal}", name.to_lowercase().replace(' ', "_")),
            sample_requests: samples.collect(),
            name,
            created_at: "2026-01-01T00:00:00Z".into(),
            updated_at: "2026-01-01T00:00:00Z".into(),
            revision: 1,
            ..Cluster::default()
        }
    }

    fn intent(&self, rng: &mut Rng) -> &Intent {
        &self.intents[rng.usize(..self.intents.len())]
    }
}

fn sample<'a>(intent: &'a Intent, rng: &mut Rng) -> &'a str {
    &intent.samples[rng.usize(..intent.samples.len())]
}

/// The first half of one text and the second of another: about as many different ones as there are pairs.
fn blend(first: &str, second: &str) -> String {
    let (first, second): (Vec<_>, Vec<_>) = (first.split(' ').collect(), second.split(' ').collect());
    [&first[..first.len().div_ceil(2)], &second[second.len() / 2..]].concat().join(" ")
}

/// A number as a word that can be spoken: the digits of base 90 as syllables.
fn spelled(mut number: u64) -> String {
    let mut word = String::new();
    let bases = [CONSONANTS, VOWELS];
    for letters in bases.into_iter().cycle() {
        let base = letters.len() as u64;
        let letter = usize::try_from(number % base).expect("less than the letters");
        word.push(char::from(letters[letter]));
        number /= base;
        if number == 0 && word.len() >= 4 {
            return word;
        }
    }
    word
}
