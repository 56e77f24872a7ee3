//! What is made of a task once, so that judging a record costs what the record's own words do: the threshold (four
//! bytes, lowest first) and the candidates, compiled.

use judge_provider::{Cluster, Fault, fault};
use relevance::{Comparison, Documents, Malformed};

/// A word of the name counts as two of a sample: a name is chosen, a sample happens.
const NAME_WEIGHT: f32 = 2.0;

/// A task as records are judged by it.
#[derive(Clone, Debug)]
pub struct Brief<'a> {
    /// The score below which a record is skipped, 0 to 1.
    pub(crate) threshold: f32,
    /// As many as there are documents, in their order.
    pub(crate) candidate_ids: &'a [String],
    documents: Documents<'a>,
}

impl<'a> Brief<'a> {
    /// The brief as bytes.
    pub fn write(candidates: &[Cluster], threshold: f32) -> Vec<u8> {
        let documents = Documents::compile(candidates.iter().map(fields));
        [threshold.to_le_bytes().as_slice(), &documents].concat()
    }

    /// Reads what [`write`](Brief::write) has written, for candidates with these ids, in their order.
    ///
    /// # Errors
    /// `other`, where it is not such a brief, or one of other candidates.
    pub fn read(bytes: &'a [u8], candidate_ids: &'a [String]) -> Result<Self, Fault> {
        let (threshold, documents) = bytes.split_first_chunk().ok_or_else(foreign)?;
        let threshold = f32::from_le_bytes(*threshold);
        let documents = Documents::read(documents).map_err(damaged)?;
        if (0.0..=1.0).contains(&threshold) && documents.len() == candidate_ids.len() {
            Ok(Brief { threshold, candidate_ids, documents })
        } else {
            Err(foreign())
        }
    }

    /// Compares a text with each candidate.
    ///
    /// # Errors
    /// `other`, where what is written of one of the text's words is damaged.
    pub(crate) fn compare(&self, text: &str) -> Result<Comparison, Fault> {
        self.documents.compare(text).map_err(damaged)
    }
}

fn fields(cluster: &Cluster) -> impl Iterator<Item = (&str, f32)> {
    let samples = cluster.samples.iter().map(|sample| (sample.as_str(), 1.0));
    [(cluster.name.as_str(), NAME_WEIGHT), (&cluster.summary, 1.0), (&cluster.criteria, 1.0)].into_iter().chain(samples)
}

/// The fault of a brief that another provider or version has made, or of another task.
pub(crate) fn foreign() -> Fault {
    fault::other("the job's brief was not made for it")
}

fn damaged(error: Malformed) -> Fault {
    fault::other(format!("the job's brief cannot be read: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::samples::cluster;
    use judge_provider::FaultKind;

    fn ids(ids: &[&str]) -> Vec<String> {
        ids.iter().map(|id| (*id).to_owned()).collect()
    }

    #[test]
    fn names_count_twice_and_all_texts_count() {
        let texts = |name: &str, summary: &str, criteria: &str, samples: &[&str]| Cluster {
            summary: summary.to_owned(),
            criteria: criteria.to_owned(),
            ..cluster("id", name, samples)
        };
        let bytes = Brief::write(
            &[
                texts("fee", "", "", &[]),
                texts("", "fee", "", &[]),
                texts("", "", "fee", &[]),
                texts("", "", "", &["fee"]),
                texts("", "", "", &["fee", "fee"]),
            ],
            0.5,
        );
        let ids = ids(&["a", "b", "c", "d", "e"]);
        let brief = Brief::read(&bytes, &ids).expect("it was just written");
        assert_eq!(brief.threshold.to_bits(), 0.5f32.to_bits());
        let comparison = brief.compare("fee").expect("it was just written");
        let [name, summary, criteria, once, twice] = comparison.scores() else { panic!("five candidates") };
        assert_eq!([name, summary, criteria], [twice, once, once]);
        assert!(name > once);
    }

    #[test]
    fn what_is_no_brief_is_a_fault() {
        let bytes = Brief::write(&[cluster("pin", "Change PIN", &["how do I change my pin?"])], 0.25);
        let pin = ids(&["pin"]);
        let refuses = |bytes: &[u8], ids: &[String]| {
            let refused = Brief::read(bytes, ids).expect_err("it is no such brief");
            assert_eq!(refused.kind, FaultKind::Other);
        };
        (0..bytes.len()).for_each(|length| refuses(&bytes[..length], &pin));
        refuses(&[bytes.as_slice(), &[0]].concat(), &pin);
        refuses(b"{\"model\":\"m\",\"messages\":[]}", &pin);
        refuses(&bytes, &[]);
        refuses(&bytes, &ids(&["pin", "card"]));
        for threshold in [-0.5, 1.5, f32::NAN] {
            refuses(&Brief::write(&[cluster("pin", "", &[])], threshold), &pin);
        }
        assert!(Brief::read(&bytes, &pin).is_ok());
    }
}
