//! Documents as bytes that a question can be compared with where they lie: nothing is decoded but what the question
//! has, so that a question costs what its own words do, however long the documents are.
//!
//! After [`MARK`] come the documents' lengths, the frequencies that there are, and a table each of words, pairs of
//! words and parts of words. The bytes are copied for each question that is asked inside a component, so they are
//! small. The example data (77 clusters, 45 KiB of text) is 75 kB. With postings in plain columns of one byte each it
//! would be 88 kB, with pairs as hashes besides 106 kB, and as structs of plain numbers 286 kB. An alphabet of its own
//! for the parts would save another 7 kB, which is not worth its code.

mod column;
mod compile;
mod table;

pub(crate) use table::Table;

use crate::comparison::Comparison;
use column::Column;
use std::error::Error;
use std::fmt;
use table::Postings;

/// What compiled documents begin with; the last byte is the version of what follows.
const MARK: &[u8] = b"rel\x01";

/// Documents of weighted fields, compiled: which words, pairs of words and parts of words each has, and how often.
///
/// ```
/// use relevance::Documents;
///
/// let clusters = [[("Card arrival", 2.0), ("where is my card", 1.0)], [("Exchange rate", 2.0), ("your rates", 1.0)]];
/// let bytes = Documents::compile(clusters);
/// let comparison = Documents::read(&bytes)?.compare("card not arived")?;
/// assert!(comparison.scores()[0] > comparison.scores()[1]);
/// assert_eq!(comparison.words(0, 5), ["card"]);
/// # Ok::<(), relevance::Malformed>(())
/// ```
#[derive(Clone, Debug)]
pub struct Documents<'a> {
    /// Each document's weighted length in words.
    pub(crate) lengths: Vec<f32>,
    /// All frequencies that there are, ascending.
    frequencies: Vec<f32>,
    pub(crate) words: Table<'a>,
    /// By [`pair_key`].
    pub(crate) pairs: Table<'a>,
    pub(crate) parts: Table<'a>,
}

impl<'a> Documents<'a> {
    /// The documents as bytes to be [`read`](Documents::read): the same bytes for the same documents, on every machine.
    ///
    /// A weight multiplies the counts of its field: the words of a name of weight 2 count as if they stood in the
    /// document twice. One that is not above 0, or not finite, leaves the field out.
    pub fn compile<'t, D, F>(documents: D) -> Vec<u8>
    where
        D: IntoIterator<Item = F>,
        F: IntoIterator<Item = (&'t str, f32)>,
    {
        compile::compile(documents)
    }

    /// Reads what [`compile`](Documents::compile) has written, in time in proportion to the number of documents and of
    /// different frequencies.
    ///
    /// # Errors
    /// Where the bytes cannot be compiled documents, as far as this can be told without looking at all of them.
    pub fn read(bytes: &'a [u8]) -> Result<Self, Malformed> {
        let mut rest = bytes.strip_prefix(MARK).ok_or(Malformed)?;
        let documents = Documents {
            lengths: Column::read(&mut rest)?.floats()?,
            frequencies: Column::read(&mut rest)?.floats()?,
            words: Table::read(&mut rest)?,
            pairs: Table::read(&mut rest)?,
            parts: Table::read(&mut rest)?,
        };
        // With these, every score is a share, whatever the other bytes are.
        let lengths = documents.lengths.iter().all(|length| length.is_finite() && *length >= 0.0);
        let frequencies = documents.frequencies.iter().all(|frequency| frequency.is_finite() && *frequency > 0.0);
        if rest.is_empty() && lengths && frequencies { Ok(documents) } else { Err(Malformed) }
    }

    /// How many documents there are.
    pub fn len(&self) -> usize {
        self.lengths.len()
    }

    /// Whether there is no document.
    pub fn is_empty(&self) -> bool {
        self.lengths.is_empty()
    }

    /// Compares a question with each document, in time in proportion to the postings of the question's words, pairs
    /// and parts.
    ///
    /// # Errors
    /// Where what is written of one of them cannot be read; the bytes are no compiled documents then.
    pub fn compare(&self, query: &str) -> Result<Comparison, Malformed> {
        Comparison::new(query, self)
    }

    /// The place of a pair among the pairs, by the places of its words among the words.
    pub(crate) fn pair(&self, first: usize, second: usize) -> Option<usize> {
        self.pairs.find(pair_key(self.words.len(), first, second))
    }

    /// Where the feature at a place of a table is found, in order of document.
    pub(crate) fn postings(&self, table: &Table<'a>, place: usize) -> Result<Postings<'a, '_>, Malformed> {
        table.postings(place, self.len(), &self.frequencies)
    }
}

/// The bytes are no compiled documents, or others than they were.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("the bytes are no compiled documents")
    }
}

impl Error for Malformed {}

/// What a pair is found by: its words' places among so many, as one number. It is shorter than a hash.
fn pair_key(words: usize, first: usize, second: usize) -> u64 {
    first as u64 * words as u64 + second as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUERIES: [&str; 3] = ["where is my card", "Перевод не дошёл", "银行卡"];

    fn compiled() -> Vec<u8> {
        Documents::compile([
            [("Card arrival", 2.0), ("where is my card, my new card", 1.0)],
            [("Перевод не дошёл", 2.0), ("", 1.0)],
            [("银行卡丢失", 2.0), ("my card is lost", 1.0)],
        ])
    }

    /// Reads and compares, if it can be: a score is a share even then.
    fn compare(bytes: &[u8]) -> Result<(), Malformed> {
        let documents = Documents::read(bytes)?;
        for query in QUERIES {
            let comparison = documents.compare(query)?;
            assert_eq!(comparison.scores().len(), documents.len());
            assert!(comparison.scores().iter().all(|score| (0.0..=1.0).contains(score)), "{:?}", comparison.scores());
            comparison.words(0, 9);
        }
        Ok(())
    }

    #[test]
    fn the_same_documents_are_the_same_bytes() {
        let bytes = compiled();
        assert_eq!(bytes, compiled());
        let documents = Documents::read(&bytes).expect("it was just compiled");
        assert_eq!((documents.len(), documents.is_empty()), (3, false));
        let none = Documents::compile(std::iter::empty::<[(&str, f32); 1]>());
        assert!(Documents::read(&none).expect("it was just compiled").is_empty());
    }

    #[test]
    fn bytes_that_are_cut_off_or_go_on_are_refused() {
        let mut bytes = compiled();
        for length in 0..bytes.len() {
            assert_eq!(compare(&bytes[..length]), Err(Malformed), "{length} bytes");
        }
        assert_eq!(compare(&bytes), Ok(()));
        bytes.push(0);
        assert_eq!(compare(&bytes), Err(Malformed));
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let mut bytes = compiled();
        let mut refused = 0;
        for bit in 0..bytes.len() * 8 {
            bytes[bit / 8] ^= 1 << (bit % 8);
            refused += usize::from(compare(&bytes).is_err());
            bytes[bit / 8] ^= 1 << (bit % 8);
        }
        assert!(refused > 1000, "{refused} refused");
        for text in ["", "rel", "rel\x01", "{\"prompt\":\"Sort the text.\"}", &"rel\x01".repeat(100)] {
            assert_eq!(compare(text.as_bytes()), Err(Malformed), "{text}");
        }
    }

    /// A table whose lists overlap, go backwards or name what there is not.
    #[test]
    fn postings_that_cannot_be_are_refused_when_they_are_met() {
        let written = |ends: &[u64], postings: &[u8]| {
            let mut bytes = MARK.to_vec();
            Column::write_floats(&[3.0], &mut bytes);
            Column::write_floats(&[1.0], &mut bytes);
            Column::write(&[crate::features::word("a"), crate::features::word("card")], &mut bytes);
            Column::write(ends, &mut bytes);
            bytes.extend(postings);
            for _ in 0..4 {
                Column::write(&[], &mut bytes);
            }
            bytes
        };
        assert_eq!(compare(&written(&[1, 2], &[0, 0])), Ok(()));
        for (ends, postings) in [
            (&[2, 1][..], &[0][..]),
            (&[9, 2], &[0, 0]),
            (&[0, 1], &[0x80]),
            (&[0, 1], &[2]),
            (&[0, 1], &[1]),
            (&[0, 2], &[1, 1]),
            (&[0, 2], &[0, 0]),
        ] {
            assert_eq!(compare(&written(ends, postings)), Err(Malformed), "{ends:?} {postings:?}");
        }
    }
}
