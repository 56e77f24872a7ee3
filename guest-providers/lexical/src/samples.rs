//! Values that several rooms' tests begin with.

use judge_provider::Cluster;

/// A candidate with a name and samples.
pub(crate) fn cluster(id: &str, name: &str, samples: &[&str]) -> Cluster {
    Cluster {
        id: id.to_owned(),
        name: name.to_owned(),
        summary: String::new(),
        criteria: String::new(),
        samples: samples.iter().map(|sample| (*sample).to_owned()).collect(),
    }
}
