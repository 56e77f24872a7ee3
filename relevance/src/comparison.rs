//! How well documents fit a question: BM25 over words, pairs of words and parts of words, where the documents
//! themselves say which of them are rare.

use crate::documents::{Documents, Malformed, Table};
use crate::query::{Feature, Query};
use crate::score::{earned, idf};

/// One question compared with [`Documents`].
#[derive(Clone, Debug)]
pub struct Comparison {
    scores: Vec<f32>,
    /// The question's words, the most telling first.
    words: Vec<Word>,
}

/// A word of the question.
#[derive(Clone, Debug)]
struct Word {
    spelled: String,
    /// By its rarity.
    tells: f32,
    /// Those that have it, ascending.
    documents: Vec<usize>,
}

impl Comparison {
    pub(crate) fn new(query: &str, documents: &Documents) -> Result<Self, Malformed> {
        let query = Query::new(query);
        let lengths = &documents.lengths;
        let length_mean = lengths.iter().sum::<f32>() / lengths.len().max(1) as f32;
        let mut told = vec![0.0; lengths.len()];
        let mut possible = 0.0;
        let mut words = Vec::new();
        let mut spelled = query.words.into_iter().peekable();
        let mut places = Vec::with_capacity(query.features.len());
        let mut postings = Vec::new();
        // Sums of fractions depend on their order: it is the question's, so that equal texts score the same bits.
        for (number, feature) in query.features.iter().enumerate() {
            let (table, place) = found(*feature, documents, &places);
            places.push(place);
            postings.clear();
            if let Some(place) = place {
                for posting in documents.postings(table, place)? {
                    postings.push(posting?);
                }
            }
            let tells = feature.weight() * idf(lengths.len(), postings.len());
            possible += tells;
            for posting in &postings {
                told[posting.document] += tells * earned(posting.frequency, lengths[posting.document], length_mean);
            }
            if let Some((spelled, _)) = spelled.next_if(|(_, place)| *place == number) {
                words.push(Word { spelled, tells, documents: postings.iter().map(|at| at.document).collect() });
            }
        }
        words.sort_by(|a, b| b.tells.total_cmp(&a.tells));
        let scores = told.into_iter().map(|told| if possible > 0.0 { told / possible } else { 0.0 }).collect();
        Ok(Comparison { scores, words })
    }

    /// How well each document fits, in their order: the share that it earns of all that the question's words could
    /// tell, 0 (nothing in common) to 1 (never reached).
    pub fn scores(&self) -> &[f32] {
        &self.scores
    }

    /// The question's words that a document has, lower-case, the most telling first; at most `max`.
    pub fn words(&self, document: usize, max: usize) -> Vec<&str> {
        let shared = self.words.iter().filter(|word| word.documents.binary_search(&document).is_ok());
        shared.take(max).map(|word| word.spelled.as_str()).collect()
    }
}

/// The table where a feature of the question stands if anywhere, and its place there; `places` are those of the
/// features before it.
fn found<'d, 'a>(
    feature: Feature,
    documents: &'d Documents<'a>,
    places: &[Option<usize>],
) -> (&'d Table<'a>, Option<usize>) {
    match feature {
        Feature::Word(word) => (&documents.words, documents.words.find(word)),
        Feature::Pair(first, second) => {
            let words = places[first].zip(places[second]);
            (&documents.pairs, words.and_then(|(first, second)| documents.pair(first, second)))
        }
        Feature::Part(part) => (&documents.parts, documents.parts.find(part)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CLUSTERS: [&str; 4] = [
        "card arrival: my card has not arrived yet",
        "exchange rate: what exchange rates do you have",
        "перевод не дошёл получателю",
        "银行卡丢失",
    ];

    fn compared<'t, F: IntoIterator<Item = (&'t str, f32)>>(
        query: &str,
        documents: impl IntoIterator<Item = F>,
    ) -> Comparison {
        let bytes = Documents::compile(documents);
        Documents::read(&bytes).expect("it was just compiled").compare(query).expect("it was just compiled")
    }

    fn best(query: &str) -> Option<usize> {
        let comparison = compared(query, CLUSTERS.map(|text| [(text, 1.0)]));
        let scores = comparison.scores();
        assert!(scores.iter().all(|score| (0.0..1.0).contains(score)), "{scores:?}");
        (0..scores.len()).filter(|i| scores[*i] > 0.0).max_by(|a, b| scores[*a].total_cmp(&scores[*b]))
    }

    #[test]
    fn finds_words_forms_and_misspellings_in_any_script() {
        for (query, expected) in [
            ("when will cards arrive", Some(0)),
            ("exchnage raets", Some(1)),
            ("Где мои переводы?", Some(2)),
            ("我的卡丢失了", Some(3)),
            ("", None),
            ("?!", None),
            ("0123456789", None),
        ] {
            assert_eq!(best(query), expected, "{query}");
        }
    }

    /// The numbers are those of counting each of the question's features in the texts themselves.
    #[test]
    fn scores_are_the_same_bits_everywhere_and_always() {
        let clusters = [
            &[
                ("Card arrival", 2.0),
                ("when a card that was ordered comes", 1.0),
                ("My card has not arrived yet.", 1.0),
                ("where is my new card?", 1.0),
            ][..],
            &[("Exchange rate", 2.0), ("", 1.0), ("What exchange rates do you have?", 1.0)],
            &[("Перевод не дошёл", 2.0), ("Где мой перевод? Перевод не дошёл получателю!", 0.7)],
            &[("银行卡丢失", 2.0), ("我的银行卡丢了", 1.0)],
            &[("", 2.0)],
        ];
        let rows: [(&str, [f32; 5], usize, &[&str]); 9] = [
            (
                "when will my new cards arrive",
                [0.204_712_48, 0.003_086_359_5, 0.0, 0.0, 0.0],
                0,
                &["when", "my", "new", "cards", "arrive"],
            ),
            (
                "What's the exchnage raet, the exchange rate?",
                [0.012_436_002, 0.160_471_22, 0.0, 0.0, 0.0],
                1,
                &["whats", "exchange", "rate"],
            ),
            ("Где мои переводы?", [0.0, 0.0, 0.230_221_38, 0.0, 0.0], 2, &["где", "переводы"]),
            ("我的卡丢失了", [0.0, 0.0, 0.0, 0.149_778_8, 0.0], 3, &["我的", "卡丢", "丢失"]),
            ("card card CARD", [0.441_911_43, 0.0, 0.0, 0.0, 0.0], 0, &["card"]),
            ("café 銀行 перевод card rate", [0.082_455_21, 0.064_042_106, 0.113_786_586, 0.0, 0.0], 2, &["перевод"]),
            ("weather in Rome", [0.017_053_256, 0.0, 0.0, 0.0, 0.0], 0, &[]),
            ("", [0.0; 5], 0, &[]),
            ("?!", [0.0; 5], 4, &[]),
        ];
        for (query, scores, document, words) in rows {
            let comparison = compared(query, clusters.iter().map(|fields| fields.iter().copied()));
            assert_eq!(comparison.scores(), scores, "{query}");
            assert_eq!(comparison.words(document, 9), words, "{query}");
        }
    }

    #[test]
    fn words_come_most_telling_first_and_as_the_question_spells_them() {
        let documents = ["my card was swallowed", "my card", "my pin"].map(|text| [(text, 1.0)]);
        let comparison = compared("My CARDS were Swallowed, my card!", documents);
        assert_eq!(comparison.words(0, 9), ["swallowed", "cards", "my"]);
        assert_eq!(comparison.words(0, 1), ["swallowed"]);
        assert_eq!(comparison.words(2, 9), ["my"]);
        assert!(comparison.words(3, 9).is_empty(), "there is no such document");
    }

    #[test]
    fn words_side_by_side_count_more_than_apart() {
        let comparison = compared("top up", ["top up it", "up it top"].map(|text| [(text, 1.0)]));
        assert!(comparison.scores()[0] > comparison.scores()[1]);
        let across = compared("top up", [[("top", 1.0), ("up", 1.0)], [("up", 1.0), ("top", 1.0)]]);
        assert_eq!(across.scores()[..1], across.scores()[1..], "fields are texts of their own");
    }

    #[test]
    fn weights_count_as_repetition() {
        let heavy = compared("card", [[("card", 2.0)], [("card", 1.0)]]);
        assert!(heavy.scores()[0] > heavy.scores()[1]);
        let twice = compared("card", [[("card card", 1.0)], [("card", 1.0)]]);
        assert_eq!(heavy.scores(), twice.scores());
        for none in [0.0, -1.0, f32::NAN, f32::INFINITY] {
            assert_eq!(compared("card", [[("card", none)]]).scores(), [0.0], "{none}");
        }
    }

    #[test]
    fn what_lies_beyond_the_bound_of_a_question_is_not_looked_at() {
        let book: Vec<String> = (0..100_000).map(|number| format!("word{number}")).collect();
        let comparison = compared(&book.join(" "), [[("word1 word99999", 1.0)]]);
        assert_eq!(comparison.words(0, 9), ["word1"]);
    }

    #[test]
    fn no_documents_give_no_scores() {
        assert!(compared("card", std::iter::empty::<[(&str, f32); 1]>()).scores().is_empty());
    }

    #[test]
    fn parts_never_show_as_words() {
        let comparison = compared("card", [[("car", 1.0)]]);
        assert!(comparison.scores()[0] > 0.0);
        assert!(comparison.words(0, 9).is_empty());
    }
}
